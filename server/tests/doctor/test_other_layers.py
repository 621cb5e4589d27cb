"""Layers that are not ours, in front of a server or in its place: what each check says of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from world.examination import Found, FrontMaker, collection_id, examined, public
from world.impostor import impostor, page
from world.instance import Server
from world.wire import as_json

from backup_repository.doctor.conversation import Patience
from backup_repository.doctor.found import Finding, Verdict

COLLECTION = "00000000-0000-4000-8000-000000000000"
GUEST = page("401 Unauthorized", '{"code": 401, "message": "no token", "type": "request.auth-error"}', kind="json")
CLOSED = page("403 Forbidden", '{"error": "closed", "code": 403}', kind="json")
NGINX = "Server: nginx"


def server_but(changed: Callable[[str], bytes | None]) -> Callable[[str], bytes]:
    """What a server says to a guest, with other answers where some are given."""

    def words(head: str) -> bytes:
        answer = changed(head)
        if answer is not None:
            return answer
        return CLOSED if head.startswith(("GET /health", "GET /metrics")) else GUEST

    return words


def through(changed: Callable[[str], bytes | None], **fields: Any) -> Found:
    with impostor(server_but(changed)) as port:
        return examined(f"http://127.0.0.1:{port}", **fields)


def uploads(answer: bytes) -> Callable[[str], bytes | None]:
    """Answer every upload so."""
    return lambda head: answer if head.startswith("POST") else None


REFUSED_SIZES = {
    "a proxy with a page": (
        page("413 Payload Too Large", "<p>no</p>", "Server: somebody"),
        Verdict.FAIL,
        "the first layer (a proxy of its own, `Server: somebody`)",
    ),
    "a layer behind, in the same breath": (
        b"HTTP/1.1 100 Continue\r\n\r\n" + page("413 Payload Too Large", '{"error": "no"}', NGINX),
        Verdict.FAIL,
        "a layer behind the first one",
    ),
    "another informational answer first": (
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + page("413 Payload Too Large", '{"error": "no"}', NGINX),
        Verdict.FAIL,
        "router.conf, or application.conf when this is its own address, `Server: nginx`",
    ),
    "no expectations": (page("417 Expectation Failed", "no"), Verdict.WARN, "`Expect: 100-continue`"),
    "a filter": (page("403 Forbidden", "<p>no</p>", "Server: filter"), Verdict.FAIL, "403 with an HTML page"),
    "nothing": (b"", Verdict.FAIL, "closed without an answer"),
}


@pytest.mark.parametrize("kind", REFUSED_SIZES)
def test_who_refuses_a_size_is_said_where_it_can_be_told(kind: str) -> None:
    answer, verdict, words = REFUSED_SIZES[kind]
    finding = through(uploads(answer))["body size"]
    assert finding.verdict is verdict
    assert words in finding.sentence


def test_a_layer_that_says_nothing_to_an_announcement_is_a_warning() -> None:
    done = threading.Event()

    def silent(head: str) -> bytes | None:
        if "Expect: 100-continue" in head:
            done.wait(60)
            return b""
        return None

    with impostor(server_but(silent)) as port:
        finding = examined(f"http://127.0.0.1:{port}", patience=Patience(answer=0.5, pacing=0.1))["body size"]
        done.set()
    assert finding.verdict is Verdict.WARN
    assert "ignores `Expect: 100-continue`" in finding.sentence


CUT = {
    "408 of a proxy": (page("408 Request Timeout", "<p>slow</p>", NGINX), "in front of router.conf"),
    "408 of the server": (page("408 Request Timeout", '{"error": "slow", "code": 408}'), "LONG_EXECUTION_TIME"),
    "504": (page("504 Gateway Time-out", "<p>slow</p>", NGINX), "`proxy_read_timeout` in router.conf"),
    "502": (page("502 Bad Gateway", "<p>gone</p>", NGINX), "`client_body_timeout` in application.conf"),
    "nothing": (b"", "own address, or the idle time-out of what is in front"),
    "a filter": (page("403 Forbidden", "<p>no</p>", NGINX), "An upload in pieces is not taken: it answers 403"),
}


@pytest.mark.parametrize("kind", CUT)
def test_who_cuts_a_pause_is_said_where_it_can_be_told(kind: str) -> None:
    answer, words = CUT[kind]
    finding = through(uploads(answer), pause=1)["time-outs"]
    assert finding.verdict is Verdict.FAIL
    assert words in finding.sentence


def test_a_server_that_waits_for_too_short_a_time_is_told_its_setting(listening: Server) -> None:
    versions = listening.create_collection()
    with listening.installation.with_settings(LONG_EXECUTION_TIME="1").serve(tcp=True) as impatient:
        url = f"http://{impatient.direct.host}"
        finding = examined(url, token=impatient.token, collection=collection_id(versions), pause=30)["time-outs"]
    assert finding.verdict is Verdict.FAIL
    assert "with status 408: raise LONG_EXECUTION_TIME" in finding.sentence


def forged(found: Found) -> Finding:
    return found["forged hand-over header"]


def test_a_server_on_a_trusted_address_is_told_so(listening: Server) -> None:
    """Whoever reaches it there may name files: nothing but the application NGINX should be trusted."""
    versions = listening.create_collection()
    with listening.installation.with_settings(TRUSTED_PROXIES="127.0.0.1").serve(tcp=True) as trusting:
        found = examined(f"http://{trusting.direct.host}", token=trusting.token, collection=collection_id(versions))
    assert forged(found).verdict is Verdict.FAIL
    assert "TRUSTED_PROXIES" in forged(found).sentence


def test_a_proxy_that_passes_the_header_to_a_server_that_does_not_trust_it_is_named(
    listening: Server, fronted_with: FrontMaker
) -> None:
    """It would be believed as soon as the server trusts the proxy."""
    running = fronted_with(
        router={
            "        server 127.0.0.1:8080;": f"        server {listening.direct.host};",
            'proxy_set_header X-Internal-Filename "";': "",
        }
    )
    collection = collection_id(listening.create_collection())
    found = examined(public(running), token=listening.token, collection=collection)
    assert forged(found).verdict is Verdict.FAIL
    assert "proxy_set_header X-Internal-Filename" in forged(found).sentence
    assert "router.conf" in forged(found).sentence


@pytest.mark.parametrize("deletes", [True, False])
def test_what_a_forged_name_stored_is_deleted_again(deletes: bool) -> None:
    deleted: list[str] = []

    def storing(head: str) -> bytes | None:
        if head.startswith("POST") and "X-Internal-Filename" in head:
            return page("200 OK", '{"version": {"id": "the-version"}}', kind="json")
        if head.startswith("DELETE") and "simulate" not in head:
            deleted.append(head.split()[1])
            return page("200 OK", "{}") if deletes else page("403 Forbidden", '{"error": "no", "code": 40309}')
        return None

    finding = forged(through(storing, token="a.b.c", collection=COLLECTION))
    assert finding.verdict is Verdict.FAIL
    assert "was stored on .../versions" in finding.sentence
    assert ("deleted again" in finding.sentence) == deletes or '"no" (code: 40309)' in finding.sentence
    assert deleted == [f"/api/stable/repository/collection/{COLLECTION}/versions/the-version"]


def health_document(*, storage: bool, database: bool) -> str:
    document = {
        "status": [{"storage": storage, "database": database}],
        "messages": [{"storage": ["OK" if storage else "The storage is full"], "database": ["No route"]}],
        "global_status": storage and database,
    }
    return as_json(document).decode()


HEALTH = {
    "healthy": (page("200 OK", health_document(storage=True, database=True)), Verdict.OK, "are healthy"),
    "storage": (
        page("503 Service Unavailable", health_document(storage=False, database=True)),
        Verdict.FAIL,
        "Not healthy, storage: The storage is full; look at FS_*",
    ),
    "both": (
        page("503 Service Unavailable", health_document(storage=False, database=False)),
        Verdict.FAIL,
        "storage: The storage is full; database: No route",
    ),
    "wrong code": (CLOSED, Verdict.FAIL, "HEALTH_CHECK_CODE"),
    "a page": (page("200 OK", "<p>fine</p>"), Verdict.FAIL, "200 with an HTML page"),
    "odd JSON": (page("200 OK", '{"global_status": false, "status": "x"}'), Verdict.FAIL, "storage; database"),
    "502": (page("502 Bad Gateway", "<p>gone</p>"), Verdict.FAIL, "a proxy answers 502"),
}


@pytest.mark.parametrize("kind", HEALTH)
def test_health_is_read_with_the_code_and_the_code_is_not_shown(kind: str) -> None:
    answer, verdict, words = HEALTH[kind]
    code = "c0de&with=signs in it"
    asked: list[str] = []

    def coded(head: str) -> bytes | None:
        asked.append(head.split()[1])
        return answer if head.startswith("GET /health?code=c0de%26with%3Dsigns%20in%20it ") else None

    found = through(coded, health_code=code)
    assert found["health"].verdict is verdict
    assert words in found["health"].sentence
    assert "c0de" not in str(found)
    assert [path for path in asked if "c0de" in path] == ["/health?code=c0de%26with%3Dsigns%20in%20it"]


OPEN = {
    "without a code": ("/metrics ", page("200 OK", "numbers"), Verdict.FAIL, "/metrics answers without a code"),
    "with an empty code": ("/health?code= ", page("200 OK", "{}"), Verdict.FAIL, "HEALTH_CHECK_CODE"),
    "unhealthy and open": (
        "/health ",
        page("503 Service Unavailable", health_document(storage=False, database=True)),
        Verdict.FAIL,
        "HEALTH_CHECK_CODE",
    ),
    "unknown here": ("/metrics ", page("404 Not Found", "<p>no</p>"), Verdict.OK, "are closed"),
    "out of order": (
        "/metrics ",
        page("502 Bad Gateway", "<p>gone</p>"),
        Verdict.WARN,
        "/metrics: a proxy answers 502",
    ),
}


@pytest.mark.parametrize("kind", OPEN)
def test_what_answers_a_guest_is_named_with_the_setting_that_closes_it(kind: str) -> None:
    path, answer, verdict, words = OPEN[kind]
    finding = through(lambda head: answer if head.startswith(f"GET {path}") else None)["closed endpoints"]
    assert finding.verdict is verdict
    assert words in finding.sentence


def test_a_secret_that_comes_back_is_masked() -> None:
    token, code = "eyJ.secret-token.x", "health-secret"
    text = f'{{"error": "who sends {token} and {code}?", "code": 499}}'
    found = through(uploads(page("499 Strange", text)), token=token, health_code=code, collection=COLLECTION)
    assert "who sends ******** and ********?" in forged(found).sentence
    assert "secret" not in str(found)
