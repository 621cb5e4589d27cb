"""People and machines that hold accounts."""
