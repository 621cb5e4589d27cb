"""One file per kind of place; drivers do not know each other."""
