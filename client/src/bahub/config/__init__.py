"""The configuration file: read, checked, resolved."""
