"""Who may do what: the one door to a collection."""
