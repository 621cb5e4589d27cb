"""`python -m backup_repository` is the operator's console."""

from backup_repository.cli.main import main

main()
