"""Which versions stay, which go, and why; pure."""
