"""The backups themselves, each whole and unchanging."""
