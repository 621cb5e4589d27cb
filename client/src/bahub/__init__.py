"""The client of Backup Repository: dumps, encrypts end to end, uploads, restores and schedules."""
