"""The operator's console: one command per file."""
