"""How archives become smaller: one file per method."""
