"""One line of the shipped files broken: its check fails and names the setting, the others go on as before (case 24)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from world.examination import FrontMaker, collection_id, examined, inner, public, troubles
from world.instance import Server
from world.waiting import eventually

from backup_repository.doctor.found import Verdict


@dataclass(frozen=True, slots=True)
class Broken:
    """A line of one file, and what is to be said of it."""

    file: str
    line: str
    instead: str
    check: str
    verdict: Verdict
    words: tuple[str, ...]

    @property
    def change(self) -> dict[str, dict[str, str]]:
        """The replacement, for the one who makes the files."""
        return {self.file: {self.line: self.instead}}


SIZE, CUT, BUFFERED = "body size", "time-outs", "buffering"
BROKEN = {
    "router: client_max_body_size": Broken(
        "router", "client_max_body_size 30G", "client_max_body_size 100m", SIZE, Verdict.FAIL,
        ("`client_max_body_size`", "the first layer (router.conf, `Server: nginx`)", "30.00GB"),
    ),
    "application: client_max_body_size": Broken(
        "application", "client_max_body_size 30G", "client_max_body_size 1g", SIZE, Verdict.FAIL,
        ("`client_max_body_size`", "application.conf"),
    ),
    "router: proxy_request_buffering": Broken(
        "router", "proxy_request_buffering off", "proxy_request_buffering on", BUFFERED, Verdict.WARN,
        ("`proxy_request_buffering off`", "buffers whole uploads"),
    ),
    "router: proxy_http_version": Broken(
        "router", "proxy_http_version 1.1;", "", BUFFERED, Verdict.WARN,
        ("set `proxy_http_version 1.1` in router.conf", "chunked"),
    ),
    "router: client_body_timeout": Broken(
        "router", "client_body_timeout 3600s", "client_body_timeout 1s", CUT, Verdict.FAIL,
        ("`client_body_timeout` in router.conf", "of 3 s", "`proxy_read_timeout`"),
    ),
    "application: client_body_timeout": Broken(
        "application", "client_body_timeout 3600s", "client_body_timeout 1s", CUT, Verdict.FAIL,
        ("`client_body_timeout` in application.conf", "of 3 s", "status 502"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_is_named(served: Server, fronted_with: FrontMaker, case: str) -> None:
    """Case 24."""
    broken = BROKEN[case]
    running = fronted_with(**broken.change)
    found = troubles(examined(public(running), pause=3))
    assert set(found) == {broken.check}, found
    assert found[broken.check].verdict is broken.verdict
    for words in broken.words:
        assert words in found[broken.check].sentence
    assert eventually(lambda: served.leftovers() == [])


def test_the_first_layer_may_be_the_application_nginx(fronted_with: FrontMaker) -> None:
    lines = {
        "client_max_body_size 30G": "client_max_body_size 1g",
        "client_body_timeout 3600s": "client_body_timeout 1s",
    }
    found = troubles(examined(inner(fronted_with(application=lines)), pause=3))
    assert set(found) == {"body size", "time-outs"}
    for finding in found.values():
        assert finding.verdict is Verdict.FAIL
        assert "application.conf when this is its own address" in finding.sentence


def test_what_is_asked_for_is_the_size_that_must_pass(fronted_with: FrontMaker) -> None:
    """As shipped, 30 GiB pass."""
    running = fronted_with()
    for size, verdict in ((30 * 2**30, Verdict.OK), (30 * 2**30 + 1, Verdict.FAIL)):
        assert examined(public(running), size=size)["body size"].verdict is verdict


def test_without_the_header_of_the_application_nginx_buffering_is_not_judged(fronted_with: FrontMaker) -> None:
    running = fronted_with(application={"add_header X-Body-Receive-Seconds $request_time always;": ""})
    finding = examined(public(running))["buffering"]
    assert finding.verdict is Verdict.SKIP
    assert "`add_header`" in finding.sentence


PASSED_THROUGH = {
    "upload location": (
        "proxy_set_header X-Internal-Filename $body_file;", "versions", "X-Internal-Filename", "$body_file` in the upload"
    ),
    "other locations": (
        'proxy_set_header X-Internal-Filename "";', "backup", "X-Internal-Filename", "`location /` of application.conf"
    ),
}  # fmt: skip


@pytest.mark.parametrize("location", PASSED_THROUGH)
def test_a_hand_over_header_that_passes_is_named(served: Server, fronted_with: FrontMaker, location: str) -> None:
    """Case 24."""
    line, naming, header, mend = PASSED_THROUGH[location]
    running = fronted_with(
        router={'proxy_set_header X-Internal-Filename "";': ""},
        application={line: f"proxy_set_header {header} $http_x_internal_filename;"},
    )
    versions = served.create_collection()
    found = examined(public(running), token=served.token, collection=collection_id(versions))
    finding = found["forged hand-over header"]
    assert finding.verdict is Verdict.FAIL
    for words in ("`X-Internal-Filename`", f"/{naming} (42023)", "proxy_set_header X-Internal-Filename", mend):
        assert words in finding.sentence
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}


def test_the_underscore_spelling_is_tried_too(served: Server, fronted_with: FrontMaker) -> None:
    """Some gateways read an underscore as a hyphen."""
    running = fronted_with(
        router={"underscores_in_headers off": "underscores_in_headers on"},
        application={
            "underscores_in_headers off": "underscores_in_headers on",
            'proxy_set_header X-Internal-Filename "";': "proxy_set_header X-Internal-Filename $http_x_internal_filename;",
        },
    )
    collection = collection_id(served.create_collection())
    finding = examined(public(running), token=served.token, collection=collection)["forged hand-over header"]
    assert finding.verdict is Verdict.FAIL
    assert "`X_Internal_Filename`" in finding.sentence
    assert "`underscores_in_headers off`" in finding.sentence


def test_open_endpoints_are_named(fronted_with: FrontMaker) -> None:
    code = "proxy_pass http://application/health?code=code-of-the-health-endpoint; }"
    running = fronted_with(application={"        location / {": f"        location = /health {{ {code} location / {{"})
    finding = examined(public(running))["closed endpoints"]
    assert finding.verdict is Verdict.FAIL
    assert finding.sentence.startswith("/health answers without a code")


ROUND_TRIP, FORGED = "round trip", "forged hand-over header"
IN_THE_WAY = {
    "no token arrives": Broken(
        "router", 'proxy_set_header Forwarded "";', 'proxy_set_header Forwarded ""; proxy_set_header Authorization "";',
        ROUND_TRIP, Verdict.FAIL, ("does not reach the server", "`proxy_set_header Authorization`"),
    ),
    "refusals are replaced": Broken(
        "router", "proxy_intercept_errors off", "proxy_intercept_errors on",
        FORGED, Verdict.FAIL, ('400, "Bad request"', "set `proxy_intercept_errors off`"),
    ),
    "bodies land elsewhere": Broken(
        "application", "client_body_temp_path /var/lib/backup-repository/incoming;", "",
        ROUND_TRIP, Verdict.FAIL, ("42023", "REVPROXY_STORAGE_DIR and `client_body_temp_path`"),
    ),
    "blobs are looked for elsewhere": Broken(
        "application", "alias /var/lib/backup-repository/storage/;", "alias /nowhere/;",
        ROUND_TRIP, Verdict.FAIL, ("42002", "let `alias` in application.conf name FS_LOCAL_DIRECTORY"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_a_setting_in_the_way_of_a_version_is_named(served: Server, fronted_with: FrontMaker, case: str) -> None:
    broken = IN_THE_WAY[case]
    running = fronted_with(**broken.change)
    versions = served.create_collection()
    finding = examined(public(running), token=served.token, collection=collection_id(versions))[broken.check]
    assert finding.verdict is broken.verdict
    for words in broken.words:
        assert words in finding.sentence
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}


def test_a_proxy_that_spoils_downloads_is_noticed(served: Server, fronted_with: FrontMaker) -> None:
    running = fronted_with(
        router={'proxy_set_header Forwarded "";': 'proxy_set_header Forwarded ""; proxy_set_header Range "";'}
    )
    versions = served.create_collection()
    finding = examined(public(running), token=served.token, collection=collection_id(versions))["round trip"]
    assert finding.verdict is Verdict.FAIL
    assert "206" in finding.sentence
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}


def test_a_compressing_proxy_is_noticed(served: Server, fronted_with: FrontMaker) -> None:
    running = fronted_with(router={"gzip off": "gzip on; gzip_proxied any; gzip_types application/octet-stream"})
    versions = served.create_collection()
    finding = examined(public(running), token=served.token, collection=collection_id(versions))["round trip"]
    assert finding.verdict is Verdict.FAIL
    assert "`gzip off`" in finding.sentence
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}
