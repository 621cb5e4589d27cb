"""Checks of a whole installation over HTTP, from any machine, without settings or database (contract B 2.4)."""
