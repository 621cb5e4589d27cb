"""Pages of an installation with a million versions against the same pages with a thousand, on both databases.

Accounts and collections are as many in both; what grows with the versions is a thousand times as much: stored files,
tags, the audit log, and the tokens of a robot.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from bench.client import Refused, Request, connect
from bench.outcome import Outcome, Reached, Task
from bench.product import SETTINGS, port_of
from bench.table import Line
from machine import find_program
from world.client import API, COLLECTIONS, METRICS, TOKENS, USERS
from world.crowd import ENDLESS, ROBOT, Crowd, collection_id, filled, user_id
from world.instance import Installation, Server
from world.postgres import postgres_cluster

from backup_repository.web import cookies
from backup_repository.web.cookies import SessionCookie

_AUDIT, _FILES, _REPORT = f"{API}/audit", f"{API}/repository", f"{API}/metrics"
_HEAD = ("", "few", "many", "ratio", "lowest, highest")
_TIMES = 5
"""How often a page is asked for in one round; their median counts."""
_BLOCK = 1 << 18
_OTHERS = "P11 others"


@dataclass(frozen=True, slots=True)
class _Page:
    """One address, as its few or its many rows make it."""

    name: str
    path: str
    query: Mapping[str, object]
    target: str = "P11"
    console: bool = False
    """Whether it is a page of the web console."""


@dataclass(frozen=True, slots=True)
class _Installed:
    """A running server on a filled database."""

    server: Server
    crowd: Crowd

    def request(self, page: _Page) -> Request:
        """Return the request for a page, which ends the connection."""
        headers = {"Connection": "close"}
        if page.console:
            cookie = SessionCookie.begin(self.server.token, datetime.now(UTC))
            headers |= {"Cookie": f"{cookies.SESSION}={cookie.write()}", "Accept": "text/html"}
        else:
            headers |= self.server.bearer
        query = f"?{urlencode(page.query)}" if page.query else ""
        return Request("GET", port_of(self.server), page.path + query, headers)


def compare(task: Task) -> Outcome:
    """Fill the databases, then ask for every page of both sizes, in turn."""
    many = Crowd(users=100, collections=200, versions=20_000) if task.quick else Crowd()
    few = Crowd(users=many.users, collections=many.collections, versions=1000)
    lines: list[Line] = [_HEAD]
    reached: list[Reached] = []
    with ExitStack() as stack:
        urls = {"SQLite": ("", "")}
        if find_program("initdb") is not None:
            cluster = stack.enter_context(postgres_cluster())
            urls["PostgreSQL"] = (cluster.create_database(), cluster.create_database())
        installed = _install(task.root, urls, few, many)
        for name, (small, large) in installed.items():
            with small.serve(tcp=True) as fewer, large.serve(tcp=True) as more:
                both = (_Installed(fewer, few), _Installed(more, many))
                lines.append((f"**{name}: {few.versions} versions against {many.versions}**", *[""] * (len(_HEAD) - 1)))
                for line, found in _measured(name, both, task.rounds):
                    lines.append(line)
                    reached += found
    remark = (
        f"Milliseconds until the first byte of the answer came; {many.users} accounts and {many.collections} "
        "collections in both. Searches, pages in the middle and Overview are judged apart."
    )
    return Outcome([lines], reached, [remark])


def _install(
    root: Path, urls: Mapping[str, tuple[str, str]], few: Crowd, many: Crowd
) -> dict[str, tuple[Installation, Installation]]:
    """Make and fill all databases; the large ones at the same time, for that takes minutes."""
    made = {}
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        waiting = []
        for name, pair in urls.items():
            both = []
            for size, crowd, url in zip(("few", "many"), (few, many), pair, strict=True):
                place = root / f"{name}-{size}"
                place.mkdir()
                settings = {"DATABASE_URL": url} if url else {}
                installation = Installation.make(place, **SETTINGS, **settings)
                waiting.append(pool.submit(filled, installation.database, crowd))
                both.append(installation)
            made[name] = (both[0], both[1])
        for one in waiting:
            one.result()
    print(f"bench: filling took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return made


def _pages(crowd: Crowd) -> Iterator[_Page]:
    """List the pages; the last ones are where each size has them."""
    one, endless = f"{COLLECTIONS}/{collection_id(7)}", f"{COLLECTIONS}/{collection_id(ENDLESS)}"
    entries = crowd.versions + crowd.versions // 4
    yield _Page("versions of a collection", f"{one}/versions", {"limit": 20})
    yield _Page("versions of the largest collection", f"{endless}/versions", {"limit": 20})
    yield _Page("its last page", f"{endless}/versions", {"limit": 20, "page": crowd.endless // 20})
    yield _Page("collections", COLLECTIONS, {})
    yield _Page("accounts", USERS, {})
    yield _Page("stored files", _FILES, {})
    yield _Page("last page of stored files", _FILES, {"page": crowd.versions // 20})
    yield _Page("tokens of a robot", TOKENS, {"user": user_id(ROBOT)})
    yield _Page("last page of its tokens", TOKENS, {"user": user_id(ROBOT), "page": crowd.robot_tokens // 20})
    yield _Page("audit log", _AUDIT, {})
    yield _Page("last page of the audit log", _AUDIT, {"page": entries // 50})
    yield _Page("numbers", _REPORT, {})
    yield _Page("numbers as a line", METRICS, {"code": SETTINGS["METRICS_CODE"]})
    yield _Page("numbers for Prometheus", "/metrics", {"code": SETTINGS["METRICS_CODE"]})
    yield _Page("Overview of the web console", "/overview", {}, console=True)
    yield _Page("middle page of stored files", _FILES, {"page": crowd.versions // 40}, _OTHERS)
    yield _Page("middle page of the audit log", _AUDIT, {"page": entries // 100}, _OTHERS)
    yield _Page("stored files by a part of a name", _FILES, {"searchQuery": "database77."}, _OTHERS)
    yield _Page("stored files by a name nobody has", _FILES, {"searchQuery": "no such name"}, _OTHERS)
    yield _Page("stored files by tag", _FILES, {"tags[]": "label7"}, _OTHERS)
    yield _Page("collections by text", COLLECTIONS, {"searchQuery": "department 77"}, _OTHERS)
    yield _Page("accounts by text", USERS, {"q": "person77"}, _OTHERS)


def _measured(name: str, both: tuple[_Installed, _Installed], rounds: int) -> Iterator[tuple[Line, list[Reached]]]:
    """Ask for each page in so many rounds after one that does not count; yield its line and what it reached."""
    for page, other in zip(_pages(both[0].crowd), _pages(both[1].crowd), strict=True):
        requests = (both[0].request(page), both[1].request(other))
        times = [[_typical(request) for request in requests] for _ in range(rounds + 1)][1:]
        ratios = [large / small for small, large in times]
        ratio = statistics.median(ratios)
        small, large = (statistics.median(column) for column in zip(*times, strict=True))
        span = f"{min(ratios):.2f}, {max(ratios):.2f}"
        line = (page.name, f"{small:.1f} ms", f"{large:.1f} ms", f"{ratio:.2f}", span)
        yield line, [Reached(page.target, ratio, f"{page.name}, {name}")]


def _typical(request: Request) -> float:
    return statistics.median(_first_byte(request) for _ in range(_TIMES))


def _first_byte(request: Request) -> float:
    """Return the milliseconds until the answer began.

    Raises:
        Refused: it is no success.
    """
    with connect(request) as connection:
        begun = time.perf_counter()
        connection.sendall(request.head())
        came = connection.recv(_BLOCK)
        taken = time.perf_counter() - begun
        if not came.startswith(b"HTTP/1.1 200"):
            raise Refused(f"{request.path}: {came[:1000].decode(errors='replace')}")
        while connection.recv(_BLOCK):
            pass
    return 1000 * taken
