"""`storage migrate`: from one storage to another while servers run; docs/howto/scale-out.md has the order of a move."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from backup_repository.cli import output
from backup_repository.cli.console import run
from backup_repository.cli.options import options_of
from backup_repository.config.model import Config
from backup_repository.instance import Instance
from backup_repository.storage.open import open_one
from backup_repository.storage.staging import own_staging
from backup_repository.versions.migrate import Left, Migrated, Migration


def migrate(
    context: typer.Context,
    source: Annotated[str, typer.Option("--from", help="The storage that is left: the value of FS_RO_NAME.")],
    target: Annotated[str, typer.Option("--to", help="The storage that is moved to: the value of FS_RW_NAME.")],
    verify: Annotated[bool, typer.Option("--verify", help="Also read back what was copied before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be copied.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """Copy stored blobs to another storage, checked by their SHA-256, while servers run; go on where it was ended."""
    config = options_of(context).prepare().config
    _refuse_disorder(config, source, target)
    migrated, troubles = Migrated(), list[Left]()

    async def job(instance: Instance) -> None:
        with own_staging(config.temp_directory) as staging:
            largest = config.backup_one_version_max_size
            old, new = (open_one(settings, staging, largest) for settings in (config.fs_ro, config.fs_rw))
            migration = Migration(instance.database, old, new)
            async with contextlib.aclosing(migration.run(migrated, verify=verify, dry_run=dry_run)) as left:
                async for one in left:
                    troubles.append(one)
                    if not as_json:
                        output.say(f"{one.trouble}  {one.key}")

    run(context, job, writes=not dry_run)
    if as_json:
        output.say_json(
            {
                "copied": migrated.copied,
                "copied_bytes": migrated.copied_bytes,
                "present": migrated.present,
                "troubles": [{"kind": one.trouble.value, "blob": one.key} for one in troubles],
            }
        )
    would = "would be copied" if dry_run else "copied"
    output.note(
        f"{migrated.copied} blobs {would}, {migrated.copied_bytes} bytes; {migrated.present} were there already; "
        f"{migrated.troubles or 'no'} troubles"
    )
    if migrated.troubles:
        raise typer.Exit(output.FAILED)


def _refuse_disorder(config: Config, source: str, target: str) -> None:
    """Let a move begin only when new versions go to the new storage already: else it would never end."""
    if source == target:
        raise typer.BadParameter("the two storages are the same", param_hint="--to")
    if (source, target) != (config.fs_ro.name, config.fs_rw.name):
        raise typer.BadParameter(
            f"first run the servers with FS_RW_NAME={target} and FS_RO_NAME={source}, so that new versions go to the "
            f"new storage; now they are {config.fs_rw.name} and {config.fs_ro.name}",
            param_hint="--from, --to",
        )
