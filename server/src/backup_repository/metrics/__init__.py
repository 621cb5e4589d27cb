"""Every number the server reports, named in one list."""
