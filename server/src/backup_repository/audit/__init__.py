"""What happened, who did it, from where, and how it ended: append-only."""
