"""How archives are closed and opened again: one file per method."""
