"""Downloads that NGINX fetches from an object store itself, by deploy/nginx/objects.conf: real stores, with TLS."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest
from world import front
from world.authority import Authority
from world.bodies import Body
from world.buckets import S3Bucket, moto, rclone
from world.downloads import REQUESTS, SIZE, asking, promised
from world.front import Front
from world.instance import Installation, Server
from world.memory import peak_memory
from world.names import name_server
from world.programs import require_program
from world.wire import Answer

MIB = 1 << 20
PREFIX = "pre fix+/ü"
PLACE = "/internal-objects/CLOUD"
HOST = "backups.s3.eu-central-1.amazonaws.com"
NOT_FOUND = {"error": "Route or resource not found", "code": 404, "type": "app.not-found"}
STORES: dict[str, Callable[..., AbstractContextManager[S3Bucket]]] = {"moto": moto, "rclone": rclone}
seeds = itertools.count(90_000)


@dataclass(frozen=True)
class Deployed:
    """An installation on an object store, with both NGINX in front, and a version in it."""

    bucket: S3Bucket
    server: Server
    front: Front
    versions: str
    content: bytes
    etag: str
    date: str
    gives_ranges: bool

    def get(self, headers: dict[str, str] | None = None, *, method: str = "GET", name: str = "v1") -> Answer:
        return self.front.public.ask(method, f"{self.versions}/{name}", self.server.bearer | (headers or {}))

    def logged(self) -> str:
        """Give all lines of every log, those of the store aside."""
        logs = [*self.server.root.glob("*.log"), *self.front.application.access_log.parent.glob("*")]
        logs += self.front.application.access_log.parent.parent.glob("*.err")
        return "\n".join(log.read_text() for log in logs)


@pytest.fixture(scope="module", params=list(STORES))
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Whatever a store can do: moto gives ranges, rclone checks signatures."""
    require_program("nginx")
    directory = tmp_path_factory.mktemp("deployed")
    for name in ("bucket", "served", "fronted"):
        (directory / name).mkdir()
    with ExitStack() as stack:
        authority = Authority.make(directory)
        bucket = stack.enter_context(STORES[request.param](directory / "bucket", by=authority))
        settings = bucket.environment(PREFIX) | {"TRUSTED_PROXIES": "127.0.0.1"}
        server = stack.enter_context(Installation.make(directory / "served", **settings).serve())
        values = {
            HOST: bucket.url.removeprefix("https://"),
            "127.0.0.53": f"{stack.enter_context(name_server())} ipv6=off",
            "/etc/ssl/certs/ca-certificates.crt": str(authority.file),
        }
        application = front.fetching_objects(directory / "objects.conf", values)
        running = stack.enter_context(front.front(directory / "fronted", server, application=application))
        body = Body(SIZE, next(seeds))
        versions = server.create_collection("report.tar.gz")
        assert server.direct.ask("POST", versions, server.bearer, body).status == 200
        head = server.direct.ask("HEAD", f"{versions}/v1", server.bearer)
        etag, date = head.headers["ETag"], head.headers["Last-Modified"]
        gives_ranges = request.param == "moto"
        yield Deployed(bucket, server, running, versions, body.whole(), etag, date, gives_ranges)


def names(answer: Answer) -> list[str]:
    """Give the names of all headers, but for those that NGINX has anew."""
    return sorted({name.lower() for name in answer.headers} - {"server", "connection", "date", "x-request-id"})


def was_fetched(deployed: Deployed, path: str, *, status: int = 200) -> bool:
    """Whether NGINX had the bytes from the store, as its log says."""
    line = deployed.front.application.logged(path)
    return f"upstream_status=200 : {status} " in line and line.endswith(f"handed_over={PLACE}")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_nginx_answers_as_the_server_does(deployed: Deployed, request_name: str, method: str) -> None:
    """Nobody can tell who sends the bytes."""
    wanted = asking(request_name, etag=deployed.etag, date=deployed.date)
    own = deployed.server.direct.ask(method, f"{deployed.versions}/v1", deployed.server.bearer | wanted)
    answer = deployed.get(wanted, method=method)
    assert (answer.status, promised(answer)) == (own.status, promised(own))
    assert answer.body == own.body
    assert names(answer) == names(own)


def test_the_bytes_do_not_pass_through_the_application(deployed: Deployed) -> None:
    assert deployed.get(name="latest").body == deployed.content
    assert was_fetched(deployed, f"{deployed.versions}/latest")
    part = deployed.get({"Range": "bytes=100-107", "If-Range": deployed.etag}, name="first")
    assert part.body == deployed.content[100:108]
    fetched = was_fetched(deployed, f"{deployed.versions}/first", status=206)
    assert fetched == deployed.gives_ranges, "a store that gives no ranges is not asked for one"


def test_a_download_goes_on_where_it_stopped(deployed: Deployed) -> None:
    have = deployed.content[:70_000]
    rest = deployed.get({"Range": f"bytes={len(have)}-", "If-Range": deployed.etag})
    assert rest.headers["Content-Range"] == f"bytes 70000-{SIZE - 1}/{SIZE}"
    assert have + rest.body == deployed.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_objects_are_not_there_from_outside(deployed: Deployed, method: str) -> None:
    """Also with a valid token, and with what the application would say."""
    said = {"X-Internal-Object": "backups/anything", "X-Internal-Objects": "CLOUD", "X-Accel-Redirect": PLACE}
    for address in (deployed.front.public, deployed.front.inner):
        for path in (PLACE, f"{PLACE}/", "/internal-objects/"):
            answer = address.ask(method, path, deployed.server.bearer | said)
            assert answer.status == 404
            if method != "HEAD":
                assert answer.json() == NOT_FOUND


def test_an_address_is_told_to_those_who_offer_to_use_it_only(deployed: Deployed) -> None:
    """Here the peer is trusted, as NGINX is."""
    for stores, offered in (("CLOUD", True), ("OTHER, CLOUD", True), ("OTHER", False), ("", False), (PLACE, False)):
        headers = deployed.server.bearer | {"X-Internal-Objects": stores}
        answer = deployed.server.direct.ask("GET", f"{deployed.versions}/v1", headers)
        assert ("X-Accel-Redirect" in answer.headers) == ("X-Internal-Object" in answer.headers) == offered
        assert answer.body == (b"" if offered else deployed.content)


def test_an_address_is_never_told_to_strangers(deployed: Deployed) -> None:
    """Neither by the application itself nor through NGINX."""
    wanted = deployed.server.bearer | {"X-Internal-Objects": "CLOUD", "X-Internal-Sendfile": "/internal-storage/"}
    with deployed.server.installation.with_settings(TRUSTED_PROXIES="").serve(tcp=True) as untrusting:
        answer = untrusting.direct.ask("GET", f"{deployed.versions}/v1", wanted)
        assert answer.body == deployed.content
        assert "X-Internal-Object" not in answer.headers
    assert "internal" not in str(deployed.get(wanted).headers).lower()


def test_of_two_storages_each_version_comes_from_the_one_that_has_it(deployed: Deployed) -> None:
    """During a move to a storage that NGINX does not know."""
    cloud = deployed.bucket.environment("new")
    new = {key.replace("_CLOUD_", "_NEW_"): value for key, value in cloud.items() if key.startswith("FS_CLOUD_")}
    moving = deployed.server.installation.with_settings(**new, FS_RO_NAME="CLOUD", FS_RW_NAME="NEW")
    body = Body(1000, next(seeds))
    with moving.serve(tcp=True) as both:
        fresh = both.create_collection()
        assert both.direct.ask("POST", fresh, both.bearer, body).status == 200
        offering = both.bearer | {"X-Internal-Objects": "CLOUD"}
        answers = [both.direct.ask("GET", f"{versions}/v1", offering) for versions in (fresh, deployed.versions)]
    assert [answer.body for answer in answers] == [body.whole(), b""]
    assert [answer.headers["X-Accel-Redirect"] for answer in answers] == [None, PLACE]


def test_large_downloads_take_no_memory(deployed: Deployed) -> None:
    body = Body(96 * MIB, next(seeds))
    versions = deployed.server.create_collection()
    assert deployed.server.direct.ask("POST", versions, deployed.server.bearer, body).status == 200
    nginx = deployed.front.application
    before = peak_memory(nginx.pid)
    assert deployed.front.public.fetch(f"{versions}/v1", deployed.server.bearer) == (200, body.size, body.sha256())
    assert was_fetched(deployed, f"{versions}/v1")
    assert peak_memory(nginx.pid) - before < 16 * MIB


def test_no_log_holds_an_address(deployed: Deployed) -> None:
    """Nor do the keys of the store stand in one."""
    deployed.get()
    logged = deployed.logged()
    assert PLACE in logged
    for secret in ("X-Amz-", "Signature", str(deployed.bucket.fixed["credentials_secret"])):
        assert secret not in logged
