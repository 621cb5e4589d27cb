"""Downloads straight from the server are sent by the kernel, and are downloads like any other (contract 8.7)."""

from __future__ import annotations

import errno
import http.client
import itertools
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from world import wire
from world.bodies import Body
from world.instance import Installation, Server
from world.kernel import Kernel, watched
from world.waiting import eventually

pytestmark = pytest.mark.timeout(180)
MIB = 1 << 20
seeds = itertools.count(47_000)
CODE = "of the metrics"


@dataclass(frozen=True, slots=True)
class Site:
    """A running server whose kernel is watched, with one version."""

    server: Server
    kernel: Kernel
    path: str
    content: bytes = field(repr=False)
    told: int
    """Length of the log before this server began."""

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return log_of(self.server.installation).read_text()[self.told :]

    def logged(self, request: str) -> dict[str, Any]:
        """Wait for the line of a request in the log."""

        def lines() -> list[dict[str, Any]]:
            said = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
            return [line for line in said if line.get("request") == request]

        return eventually(lines)[0]

    def head(self, *lines: str, version: str = "1.1") -> bytes:
        """Write the head of a download."""
        first = (f"GET {self.path} HTTP/{version}", "Host: server", f"Authorization: Bearer {self.server.token}")
        return "\r\n".join([*first, *lines, "", ""]).encode()

    def sockets(self) -> int:
        """Count the descriptors of connections that the server has, also several of one connection."""
        count = 0
        for descriptor in Path(f"/proc/{self.server.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                count += descriptor.readlink().name.startswith("socket:")
        return count

    def reads(self) -> bool:
        """Whether the server has a blob open."""
        opened = psutil.Process(self.server.pid).open_files()
        return any(file.path.startswith(str(self.server.storage)) for file in opened)


def log_of(installation: Installation) -> Path:
    """Return the file that every server of an installation writes to."""
    return installation.root / "server.log"


@contextmanager
def serving(
    installation: Installation, content: bytes, *options: str, tcp: bool = True, **fault: int
) -> Iterator[Site]:
    """Run a server with one version of this content."""
    disturbed, kernel = watched(installation, **fault)
    told = len(log_of(installation).read_text()) if log_of(installation).exists() else 0
    with disturbed.serve("--log-format", "json", *options, tcp=tcp) as server:
        versions = server.create_collection()
        assert server.direct.ask("POST", versions, server.bearer, content).status == 200
        yield Site(server, kernel, f"{versions}/v1", content, told)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation without a server, for tests that disturb theirs."""
    return Installation.make(tmp_path_factory.mktemp("disturbed"), METRICS_CODE=CODE)


@pytest.fixture(scope="module", params=[True, False], ids=["tcp", "unix"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a version of some parts and a bit, much more than a socket's buffers hold."""
    own = Installation.make(tmp_path_factory.mktemp("site"))
    with serving(own, Body(37 * MIB + 4711, next(seeds)).whole(), tcp=request.param) as running:
        yield running
        assert "Traceback" not in running.log


@contextmanager
def begun(site: Site, *lines: str) -> Iterator[socket.socket]:
    """Ask for the version through a small window, and give the connection when the answer has begun."""
    with site.server.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.sock.sendall(site.head(*lines))
        assert connection.sock.recv(9, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 "
        yield connection.sock


def request_of(connection: socket.socket) -> str:
    """Learn the id of a request whose answer has begun."""
    head = connection.recv(65_536, socket.MSG_PEEK).lower()
    return head.partition(b"\r\nx-request-id: ")[2].partition(b"\r\n")[0].decode()


def rest_of(connection: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    pieces = []
    while piece := connection.recv(MIB):
        pieces.append(piece)
    return b"".join(pieces)


def storage_errors(server: Server) -> dict[str, float]:
    """Read how often the storage has failed, by code."""
    shown = server.direct.ask("GET", f"/metrics?code={CODE.replace(' ', '%20')}").body.decode()
    lines = [line for line in shown.splitlines() if line.startswith("backup_repository_storage_errors_total{")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}


def test_the_kernel_sends_the_whole_file(site: Site) -> None:
    """Nothing of it passes through the server's own memory, and the log knows how much it was."""
    before = site.kernel.sent()
    answer = site.server.direct.ask("GET", site.path, site.server.bearer)
    assert (answer.status, answer.body) == (200, site.content)
    eventually(lambda: site.kernel.sent() - before == len(site.content))
    line = site.logged(answer.headers["X-Request-Id"])
    assert (line["status"], line["sent"]) == (200, len(site.content))


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=4194303-4194304", 4_194_303, 4_194_305),
        ("bytes=5000000-29999999", 5_000_000, 30_000_000),
        ("bytes=38800000-", 38_800_000, None),
        ("bytes=-9000001", -9_000_001, None),
    ],
)
def test_the_kernel_sends_a_range(site: Site, wanted: str, start: int, end: int | None) -> None:
    expected, before = site.content[start:end], site.kernel.sent()
    answer = site.server.direct.ask("GET", site.path, site.server.bearer | {"Range": wanted})
    assert (answer.status, answer.headers["Content-Length"]) == (206, str(len(expected)))
    assert answer.body == expected
    eventually(lambda: site.kernel.sent() - before == len(expected))


def test_if_range_decides_what_is_sent(site: Site) -> None:
    whole = site.server.direct.ask("HEAD", site.path, site.server.bearer)
    part = site.server.bearer | {"Range": "bytes=1-2"}
    fresh = site.server.direct.ask("GET", site.path, part | {"If-Range": whole.headers["ETag"]})
    assert (fresh.status, fresh.body) == (206, site.content[1:3])
    stale = site.server.direct.ask("GET", site.path, part | {"If-Range": '"another"'})
    assert (stale.status, stale.body) == (200, site.content)


def test_answers_without_a_body_send_nothing(site: Site) -> None:
    before = site.kernel.sent()
    ask, bearer = site.server.direct.ask, site.server.bearer
    head = ask("HEAD", site.path, bearer)
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(site.content)), b"")
    assert ask("GET", site.path, bearer | {"If-None-Match": head.headers["ETag"]}).status == 304
    assert ask("GET", site.path, bearer | {"Range": f"bytes={len(site.content)}-"}).status == 416
    assert site.kernel.sent() == before


def test_one_connection_carries_one_download_after_another(site: Site) -> None:
    with site.server.direct.connected() as connection:
        assert connection.sock is not None
        for headers in ((), ("Range: bytes=7-9000000",), ()):
            connection.sock.sendall(site.head(*headers))
            expected = site.content[7:9_000_001] if headers else site.content
            assert wire.read_answer(connection).body == expected
            connection.sock.sendall(site.head().replace(b"GET", b"HEAD", 1))
            assert wire.read_answer(connection, "HEAD").status == 200


def test_requests_that_come_at_once_are_answered_one_after_the_other(site: Site) -> None:
    """Also when the answers before are still in the server's memory, because nobody takes them."""
    listing = site.head().replace(b"/v1 ", b" ", 1)
    whole, part = site.head(), site.head("Range: bytes=3-8", "Connection: close")
    with site.server.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.sendall(listing * 200 + whole + whole + listing + part)
        said = rest_of(connection.sock)
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 203
    assert said.count(site.content) == 2
    assert said.endswith(b"\r\n\r\n" + site.content[3:9])


@pytest.mark.parametrize(("version", "lines"), [("1.0", ()), ("1.1", ("Connection: close",))])
def test_a_connection_that_is_not_kept_ends_behind_the_last_byte(
    site: Site, version: str, lines: tuple[str, ...]
) -> None:
    with site.server.direct.connected() as connection:
        assert connection.sock is not None
        connection.sock.sendall(site.head(*lines, version=version))
        head, _, body = rest_of(connection.sock).partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head.lower()
    assert body == site.content


def test_what_is_no_http_ends_a_running_download(site: Site) -> None:
    """Whether it follows at once or behind a request that waits: never does another answer stand in the body."""
    for nonsense in (b"what is this?\r\n\r\n", site.head() + b"what is this?\r\n\r\n"):
        with begun(site) as connection:
            connection.sendall(nonsense)
            said = rest_of(connection)
        _, _, body = said.partition(b"\r\n\r\n")
        assert len(body) < len(site.content)
        assert site.content.startswith(body)
    eventually(lambda: not site.reads())


def test_clients_that_vanish_leave_nothing_open(site: Site) -> None:
    """With a reset, without a word, or when their sending side is closed already."""
    before, requests = site.sockets(), []
    for number in range(12):
        with begun(site) as connection:
            assert site.reads()
            requests.append(request_of(connection))
            if number % 3 == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif number % 3 == 1:
                connection.shutdown(socket.SHUT_WR)
    eventually(lambda: not site.reads() and site.sockets() <= before)
    assert all(site.logged(request)["sent"] < len(site.content) for request in requests)
    assert site.server.direct.ask("GET", site.path, site.server.bearer).body == site.content


def test_a_client_that_vanishes_with_requests_waiting_leaves_nothing_open(site: Site) -> None:
    """The server has stopped reading from such a connection, so only sending shows that it is gone."""
    before = site.sockets()
    with begun(site) as connection:
        connection.sendall(site.head() * 3)
        request = request_of(connection)
    eventually(lambda: not site.reads() and site.sockets() <= before)
    assert site.logged(request)["sent"] < len(site.content)


def test_readers_that_wait_do_not_hold_up_others(site: Site) -> None:
    """More of them than there are threads."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(begun(site, "Connection: close")) for _ in range(50)]
        assert site.server.direct.ask("GET", site.path, site.server.bearer).body == site.content
        for connection in waiting[::10]:
            assert rest_of(connection).endswith(b"\r\n\r\n" + site.content)
    eventually(lambda: not site.reads())


def test_whoever_takes_a_little_all_the_time_is_not_silent(installation: Installation) -> None:
    """`LONG_EXECUTION_TIME` counts from the last byte, not for a part of the file."""
    patient = installation.with_settings(LONG_EXECUTION_TIME="1")
    with serving(patient, Body(8 * MIB, next(seeds)).whole(), tcp=False) as site:
        began, said = time.monotonic(), b""
        with begun(site, "Connection: close") as connection:
            while piece := connection.recv(65_536):
                said += piece
                time.sleep(0.02)  # slow, which is what this is about
        assert said.endswith(b"\r\n\r\n" + site.content)
        assert time.monotonic() - began > 2


def blob_of(server: Server) -> Path:
    """Find the newest blob."""
    return max(server.blobs(), key=lambda file: file.stat().st_mtime_ns)


def test_a_file_that_becomes_shorter_is_no_whole_answer(installation: Installation) -> None:
    """42004 is counted, the connection ends, and the server goes on."""
    with serving(installation, Body(37 * MIB, next(seeds)).whole()) as site:
        before = storage_errors(site.server)["42004"]
        with begun(site) as connection:
            with blob_of(site.server).open("r+b") as file:
                file.truncate(20 * MIB)
            _, _, body = rest_of(connection).partition(b"\r\n\r\n")
        assert body == site.content[: 20 * MIB]
        eventually(lambda: storage_errors(site.server)["42004"] == before + 1)
        assert not site.reads()
        assert site.server.direct.ask("GET", site.path, site.server.bearer).json()["code"] == 42004


def test_a_disk_that_fails_is_no_client_that_is_gone(installation: Installation) -> None:
    """42003 is counted, and nothing follows what could be read."""
    content = Body(12 * MIB, next(seeds)).whole()
    with serving(installation, content, fault=errno.EIO, position=6 * MIB + 1) as site:
        before = storage_errors(site.server)["42003"]
        with pytest.raises(http.client.IncompleteRead) as broken:
            site.server.direct.ask("GET", site.path, site.server.bearer)
        assert broken.value.partial == content[: 6 * MIB + 1]
        eventually(lambda: storage_errors(site.server)["42003"] == before + 1)
        assert not site.reads()


def test_what_the_kernel_cannot_send_is_copied(installation: Installation) -> None:
    """Some file systems do not have it."""
    content = Body(12 * MIB + 1, next(seeds)).whole()
    with serving(installation, content, fault=errno.EINVAL) as site:
        assert site.server.direct.ask("GET", site.path, site.server.bearer).body == content
        ranged = site.server.direct.ask("GET", site.path, site.server.bearer | {"Range": "bytes=9-9999999"})
        assert ranged.body == content[9:10_000_000]
        assert site.kernel.sent() == 0


def test_a_download_that_the_end_of_the_server_cuts_is_no_whole_answer(installation: Installation) -> None:
    """Contract B 2.3: also while it waits for its reader."""
    with serving(installation, Body(37 * MIB, next(seeds)).whole(), "--grace", "0") as site:
        with begun(site) as connection:
            site.server.process.terminate()
            assert site.server.process.wait() == 0
            _, _, body = rest_of(connection).partition(b"\r\n\r\n")
        assert len(body) < len(site.content)
        assert site.content.startswith(body)
        assert "Traceback" not in site.log
