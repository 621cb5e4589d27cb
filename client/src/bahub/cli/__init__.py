"""One command per file; `output` states the terminal rules."""
