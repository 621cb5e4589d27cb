"""The server seen from here."""
