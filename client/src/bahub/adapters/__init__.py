"""What is saved: one file per kind."""
