"""One thing backed up again and again, with its limits."""
