"""Abilities around another storage, in the same shape."""
