"""When backups run: cron lines, locks, the daemon."""
