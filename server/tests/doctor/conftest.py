"""One server per test process behind the shipped NGINX files, with a public name and a certificate that is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from world import front, instance
from world.authority import Authority
from world.examination import HEALTH_CODE, METRICS_CODE, NAME, FrontMaker, with_certificate
from world.front import Front
from world.instance import Server
from world.programs import require_program


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server, on a Unix socket; both of its codes are set."""
    require_program("nginx")
    place = tmp_path_factory.mktemp("served")
    with instance.server(
        place, TRUSTED_PROXIES="127.0.0.1", HEALTH_CHECK_CODE=HEALTH_CODE, METRICS_CODE=METRICS_CODE
    ) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificate of the router."""
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


@pytest.fixture(scope="session")
def certified(authority: Authority) -> dict[str, str]:
    """The lines of router.conf for a good certificate."""
    return with_certificate(*authority.sign(NAME))


@pytest.fixture(scope="session")
def fronted(served: Server, certified: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Router and application NGINX in front of it, as shipped."""
    with front.front(tmp_path_factory.mktemp("fronted"), served, router=certified) as running:
        yield running


@pytest.fixture
def fronted_with(served: Server, certified: dict[str, str], tmp_path: Path) -> Iterator[FrontMaker]:
    """Make a pair of NGINX with replaced lines: `fronted_with(router={...}, application={...})`."""
    with ExitStack() as stack:

        def make(router: dict[str, str] | None = None, application: dict[str, str] | None = None) -> Front:
            place = tmp_path / "front"
            place.mkdir()
            lines = certified | (router or {})
            return stack.enter_context(front.front(place, served, router=lines, application=application or {}))

        yield make
