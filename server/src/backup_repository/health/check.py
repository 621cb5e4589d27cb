"""Can we serve at all? Database and storage, tried for real (contract 10.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from backup_repository.database.engine import Database
from backup_repository.errors import DatabaseUnavailable, StorageError
from backup_repository.storage.base import Storage

_SECONDS = 10
"""After this long a check counts as failed."""

OK = "OK"
"""The message of a healthy part."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found; a message is `OK` or the cause, without secrets."""

    storage: str
    database: str

    @property
    def storage_healthy(self) -> bool:
        """Whether the storage works."""
        return self.storage == OK

    @property
    def database_healthy(self) -> bool:
        """Whether the database works."""
        return self.database == OK

    @property
    def healthy(self) -> bool:
        """Whether everything works."""
        return self.storage_healthy and self.database_healthy

    def document(self) -> dict[str, object]:
        """Return the health document of contract 10.1."""
        return {
            "status": [{"storage": self.storage_healthy, "database": self.database_healthy}],
            "messages": [{"storage": [self.storage], "database": [self.database]}],
            "global_status": self.healthy,
            "ident": [
                f"global_status={self.healthy}",
                f"storage={self.storage_healthy}",
                f"database={self.database_healthy}",
            ],
        }


class Health:
    """The health check of one instance."""

    def __init__(self, database: Database, storage: Storage, *, read_only: bool) -> None:
        self._database = database
        self._storage = storage
        self._read_only = read_only

    async def diagnose(self) -> Diagnosis:
        """Run a trivial query, and write, read back and delete a small file (only look, on a read-only instance)."""
        storage, database = await asyncio.gather(
            _outcome(partial(self._storage.probe, write=not self._read_only)), _outcome(self._database.ping)
        )
        return Diagnosis(storage=storage, database=database)


async def _outcome(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            await check()
    except StorageError as error:
        return error.message
    except DatabaseUnavailable:
        return "The database is out of reach"
    except TimeoutError:
        return f"No answer within {_SECONDS} seconds"
    return OK
