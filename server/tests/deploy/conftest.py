"""One server per test process, and the two NGINX of deploy/ in front of it exactly as shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from world import front, instance
from world.front import Front
from world.instance import Server
from world.programs import require_program
from world.upstream import Upstream, upstream

FrontMaker = Callable[..., Front]
Said = Callable[..., tuple[Front, Upstream]]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server, on a Unix socket; it believes what the router says of the client."""
    require_program("nginx")
    with instance.server(tmp_path_factory.mktemp("served"), TRUSTED_PROXIES="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def fronted(served: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Router and application NGINX in front of it."""
    with front.front(tmp_path_factory.mktemp("fronted"), served) as running:
        yield running


@pytest.fixture
def fronted_with(served: Server, tmp_path: Path) -> Iterator[FrontMaker]:
    """Make a pair of NGINX with replaced lines: `fronted_with(router={...}, application={...})`."""
    with ExitStack() as stack:

        def make(*, router: dict[str, str] | None = None, application: dict[str, str] | None = None) -> Front:
            running: AbstractContextManager[Front] = front.front(
                tmp_path, served, router=router or {}, application=application or {}
            )
            return stack.enter_context(running)

        yield make


@pytest.fixture
def said(tmp_path: Path) -> Iterator[Said]:
    """Make a pair of NGINX in front of an application that says these words: `said(b"HTTP/1.1 ...", router={...})`."""
    require_program("nginx")
    with ExitStack() as stack:

        def make(words: bytes, **changes: dict[str, str]) -> tuple[Front, Upstream]:
            for name in ("behind", "front"):
                (tmp_path / name).mkdir()
            behind = stack.enter_context(upstream(tmp_path / "behind", words))
            return stack.enter_context(front.front(tmp_path / "front", behind, **changes)), behind

        yield make
