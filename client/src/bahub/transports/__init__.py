"""Where commands run: one file per kind."""
