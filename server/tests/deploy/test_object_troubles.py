"""What a client sees when NGINX gets no bytes from the object store: the application's words or bytes, nothing else."""

from __future__ import annotations

import http.client
import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from world import front, nginx
from world.bodies import Body
from world.buckets import BUCKET, S3Bucket, running, serving_rclone
from world.downloads import promised
from world.front import Front
from world.instance import Installation
from world.ports import free_port
from world.programs import require_program
from world.upstream import Store, store
from world.wire import Answer, send_head

MIB = 1 << 20
SIZE = 3 * MIB + 17
WORDS = b"<Error><Code>Told</Code><HostId>inside.example.org</HostId></Error>"
LEAKS = ("HostId", "inside.example.org", "127.0.0.1", "x-amz", "X-Amz")
AS_SHIPPED: Mapping[str, str] = {}
seeds = itertools.count(95_000)


def saying(head: str, body: bytes = WORDS) -> bytes:
    """Write an answer of a store."""
    lines = (f"HTTP/1.1 {head}", "Content-Type: application/xml", "x-amz-id-2: inside", f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


FAILING = {
    "expired": saying("403 Forbidden"),
    "gone": saying("404 Not Found"),
    "beyond its end": saying("416 Range Not Satisfiable"),
    "busy": saying("503 Slow Down"),
    "broken": saying("500 Internal Server Error"),
    "elsewhere": saying("307 Temporary Redirect\r\nLocation: https://inside.example.org/"),
    "unchanged": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "wants a password": saying("401 Unauthorized\r\nWWW-Authenticate: Basic"),
    "silent": b"",
}


class Installed:
    """A server on a real store, whose NGINX may be sent to another one."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._store = stack.enter_context(ExitStack())
        self._port = free_port()
        self.bucket = S3Bucket(f"http://127.0.0.1:{self._port}")
        self._run_store()
        settings = self.bucket.environment() | {"TRUSTED_PROXIES": "127.0.0.1"}
        (directory / "served").mkdir()
        self.server = stack.enter_context(Installation.make(directory / "served", **settings).serve())
        self.body = Body(SIZE, next(seeds))
        versions = self.server.create_collection("report.tar.gz")
        assert self.server.direct.ask("POST", versions, self.server.bearer, self.body).status == 200
        self.path = f"{versions}/v1"

    def _run_store(self) -> None:
        command, port = serving_rclone(self._directory, self._port)
        self._store.enter_context(running(command, port, self._directory / f"store{next(self._numbers)}.log"))

    @contextmanager
    def store_away(self) -> Iterator[None]:
        """End the store, and run it again."""
        self._store.close()
        yield
        self._run_store()

    def logs(self, at: Front) -> list[Path]:
        """Name every log of the server and of both NGINX."""
        places = at.application.access_log.parent
        return [*self.server.root.glob("*.log"), *places.glob("*"), *places.parent.glob("*.err")]

    @contextmanager
    def fronted(self, port: int, changes: Mapping[str, str] = AS_SHIPPED) -> Iterator[Front]:
        """Run both NGINX; the store is expected at this port, without TLS."""
        directory = self._directory / f"front{next(self._numbers)}"
        directory.mkdir()
        values = {
            "backups.s3.eu-central-1.amazonaws.com": f"127.0.0.1:{port}",
            "proxy_pass https://": "proxy_pass http://",
            **changes,
        }
        application = front.fetching_objects(self._directory / f"{directory.name}.conf", values)
        with front.front(directory, self.server, application=application) as running_front:
            yield running_front

    def get(self, at: Front, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return at.public.ask("GET", self.path, self.server.bearer | named)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    require_program("nginx")
    with ExitStack() as stack:
        yield Installed(tmp_path_factory.mktemp("installed"), stack)


@pytest.fixture
def told(installed: Installed, request: pytest.FixtureRequest) -> Iterator[tuple[Front, Store]]:
    """Both NGINX, and in place of the store one that says what the test's parameter does."""
    with store(request.param) as elsewhere, installed.fronted(elsewhere.port) as at:
        yield at, elsewhere


@pytest.mark.parametrize("told", FAILING.values(), ids=FAILING, indirect=True)
def test_what_the_store_does_not_give_the_application_sends(installed: Installed, told: tuple[Front, Store]) -> None:
    """From the same store here, which is well for the application."""
    at, elsewhere = told
    own = installed.server.direct.ask("GET", installed.path, installed.server.bearer)
    answer = installed.get(at)
    assert elsewhere.asked
    assert (answer.status, promised(answer)) == (200, promised(own))
    assert answer.body == own.body == installed.body.whole()
    assert [leak for leak in LEAKS if leak in str(answer.headers)] == []
    part = installed.get(at, Range="bytes=5-9", If_Range=own.headers["ETag"])
    assert (part.status, part.body) == (206, own.body[5:10])
    line = at.application.logged(installed.path)
    assert line.split("upstream_status=200 : ")[1].split(" upstream_seconds")[0].endswith(" : 200")


def test_a_store_that_is_away_for_nginx_alone_is_no_matter(installed: Installed) -> None:
    with installed.fronted(free_port()) as at:
        assert installed.get(at).body == installed.body.whole()


def test_another_host_refuses_what_was_not_signed_for_it(installed: Installed) -> None:
    """A real refusal of a signature: the store itself, under another name."""
    port = int(installed.bucket.url.rsplit(":", 1)[1])
    with installed.fronted(port) as at:
        assert installed.get(at).body == installed.body.whole()
        assert "upstream_status=200 : 200 " in at.application.logged(installed.path)
    renamed = {"proxy_set_header Host $object_store": "proxy_set_header Host elsewhere.example.org"}
    with installed.fronted(port, renamed) as at:
        assert installed.get(at).body == installed.body.whole()
        assert "upstream_status=200 : 403 : 200 " in at.application.logged(installed.path)


def test_a_store_that_is_away_is_told_by_the_application(installed: Installed) -> None:
    """After NGINX was not let in; nothing of where the store is stands in the answer, and no address in a log."""
    with installed.fronted(free_port()) as at:
        with installed.store_away():
            answer = installed.get(at)
        assert (answer.status, answer.json()["code"]) == (503, 42003)
        assert answer.headers["Content-Type"] == "application/json"
        assert "Content-Disposition" not in answer.headers
        assert [leak for leak in LEAKS if leak in f"{answer.headers}{answer.body.decode()}"] == []
        assert installed.get(at).body == installed.body.whole()
        logged = "\n".join(file.read_text() for file in installed.logs(at))
    assert installed.path in logged
    assert [secret for secret in ("X-Amz-", "Signature") if secret in logged] == []


def test_a_version_that_is_not_on_the_store_is_told_by_the_application(installed: Installed) -> None:
    versions = installed.server.create_collection()
    before = set(installed.bucket.objects(""))
    installed.server.direct.ask("POST", versions, installed.server.bearer, Body(1000, next(seeds)))
    (key,) = set(installed.bucket.objects("")) - before
    with installed.bucket.client() as client:
        client.delete_object(Bucket=BUCKET, Key=key)
    with store(FAILING["gone"]) as elsewhere, installed.fronted(elsewhere.port) as at:
        answer = at.public.ask("GET", f"{versions}/v1", installed.server.bearer)
    assert (answer.status, answer.json()["code"]) == (500, 42002)


def test_the_store_learns_nothing_of_the_request(installed: Installed) -> None:
    """But which object is wanted."""
    said = {"Cookie": "session=1", "If-None-Match": '"x"', "User-Agent": "bahub/5", "X-Internal-Range": "bytes=1-2"}
    with store(FAILING["busy"]) as elsewhere, installed.fronted(elsewhere.port) as at:
        headers = installed.server.bearer | said | {"Range": "items=1-2"}
        assert at.public.ask("GET", installed.path, headers).body == installed.body.whole()
    (asked,) = elsewhere.asked
    assert re.fullmatch(r"GET /backups/instance/[0-9a-f]{32}\?X-Amz-\S+ HTTP/1.1", asked.line)
    assert {name.lower() for name in asked.headers} <= {"host", "connection"}
    assert asked.headers["Host"] == f"127.0.0.1:{elsewhere.port}"


def test_nothing_of_the_store_but_the_bytes_reaches_the_client(installed: Installed) -> None:
    """And nothing that it says makes NGINX do anything else."""
    own = installed.server.direct.ask("HEAD", installed.path, installed.server.bearer)
    hidden = nginx.parse(nginx.OBJECTS.read_text()).find("proxy_hide_header")
    inside = [f"{block.words[1]}: inside.example.org" for block in hidden]
    steer = ["X-Accel-Redirect: /internal-storage/x", "X-Accel-Limit-Rate: 1", "X-Accel-Buffering: yes"]
    given = saying("200 OK\r\n" + "\r\n".join(inside + steer), installed.body.whole())
    with store(given) as elsewhere, installed.fronted(elsewhere.port) as at:
        answer = installed.get(at)
    assert (answer.status, promised(answer)) == (200, promised(own))
    assert answer.body == installed.body.whole()
    assert [leak for leak in LEAKS if leak in str(answer.headers)] == []


def test_a_download_that_breaks_off_is_seen_as_such_and_goes_on(installed: Installed) -> None:
    content = installed.body.whole()
    half = saying("200 OK", content)[: -SIZE // 2]
    with store(half, FAILING["busy"]) as elsewhere, installed.fronted(elsewhere.port) as at:
        with at.public.connected() as connection:
            send_head(connection, "GET", installed.path, installed.server.bearer)
            with closing(http.client.HTTPResponse(connection.sock)) as response:
                response.begin()
                with pytest.raises(http.client.IncompleteRead) as broken:
                    response.read()
                have = broken.value.partial
        assert 0 < len(have) < SIZE
        rest = installed.get(at, Range=f"bytes={len(have)}-", If_Range=response.headers["ETag"])
        assert (rest.status, have + rest.body) == (206, content)
