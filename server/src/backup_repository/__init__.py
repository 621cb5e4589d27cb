"""A shared hosting for backups: stores client-encrypted backups in versioned collections."""
