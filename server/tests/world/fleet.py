"""Several instances on one database and one storage, each of which may be killed and started again at any moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from world import wire
from world.instance import Installation, Server


class Fleet:
    """The instances; what is private to one lies in a directory of its own."""

    def __init__(self, shared: Installation, stack: ExitStack, count: int) -> None:
        self.shared = shared
        """The database, the storage and the keys of all of them."""
        self.killed = 0
        """How often one was killed."""
        self._stack = stack
        self._parts = [_part(shared, shared.root / f"instance{number}") for number in range(count)]
        self._servers: list[Server] = [stack.enter_context(part.serve(tcp=True)) for part in self._parts]
        self._restarting = [threading.Lock() for _ in self._parts]

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def bearer(self) -> dict[str, str]:
        """The administrator's header; every instance takes it."""
        return self._servers[0].bearer

    def address(self, number: int) -> wire.Address:
        """Where an instance listens, or listened until a moment ago."""
        return self._servers[number].direct

    def server(self, number: int) -> Server:
        """One of the instances."""
        return self._servers[number]

    def kill_and_restart(self, number: int) -> None:
        """End an instance as a power cut would, and start it again; it listens elsewhere then."""
        with self._restarting[number]:
            self._servers[number].process.kill()
            self._servers[number].process.wait()
            self.killed += 1
            self._servers[number] = self._stack.enter_context(self._parts[number].serve(tcp=True))


@contextmanager
def fleet(root: Path, database_url: str, count: int, storage: Mapping[str, str]) -> Iterator[Fleet]:
    """Run so many instances in an empty directory.

    Args:
        root: for everything that is not in the database or elsewhere.
        database_url: of an empty database.
        count: how many instances.
        storage: variables of the storage they share; without any it is a directory.
    """
    with ExitStack() as stack:
        yield Fleet(Installation.make(root, DATABASE_URL=database_url, **storage), stack, count)


def _part(shared: Installation, root: Path) -> Installation:
    places = {"TEMP_DIRECTORY": root / "tmp", "REVPROXY_STORAGE_DIR": root / "incoming"}
    for place in places.values():
        place.mkdir(parents=True)
    own = {variable: str(place) for variable, place in places.items()}
    return replace(shared.with_settings(**own), root=root)
