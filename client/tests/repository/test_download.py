"""Fetching a version from servers that behave, and from servers that do not."""

from __future__ import annotations

import hashlib
import itertools
import random

import pytest
from realm.sending import Pauses, Taken, access, download
from realm.standin_server import VERSION_ID, VERSIONS, Exchange, StandIn, give, standin_server, version, versions
from world.ports import free_port

from bahub.errors import BadUsage, Failed, Refused, Tampered

CONTENT = random.Random(7).randbytes(1_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
STORED = f"{VERSIONS}/{VERSION_ID}"


def listed(server: StandIn, checksum: str = DIGEST) -> None:
    """Have the server list one version, the one with the id of the stand-in."""
    server.on("GET", VERSIONS, lambda exchange: exchange.answer(200, versions(version(7, checksum, len(CONTENT)))))


def test_a_download_that_is_cut_three_times_is_resumed() -> None:
    """Case 38, resumed by range and verified."""
    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, *(give(CONTENT, cut_after=cut) for cut in (200_000, 1, 300_000)), give(CONTENT))
        assert download(access(server.url), taken) == DIGEST
        requests = server.asked("GET", STORED)
    assert bytes(taken.content) == CONTENT
    assert [request.headers.get("range") for request in requests] == [
        None,
        "bytes=200000-",
        "bytes=200001-",
        "bytes=500001-",
    ]
    assert {request.headers.get("if-range") for request in requests[1:]} == {f'"{DIGEST}"'}


def test_progress_allows_any_number_of_cuts() -> None:
    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, *[give(CONTENT, cut_after=50_000)] * 19, give(CONTENT))
        download(access(server.url), taken)
    assert bytes(taken.content) == CONTENT


def test_ten_attempts_without_progress_end_it() -> None:
    pauses = Pauses()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, give(CONTENT, cut_after=1000), give(CONTENT, cut_after=0))
        with pytest.raises(Failed, match="broke off after 1000 bytes") as caught:
            download(access(server.url), Taken(), pause=pauses)
        assert len(server.asked("GET", STORED)) == 11
    assert caught.value.exit_code == 1
    assert len(pauses.seconds) == 9


def test_a_version_that_became_another_one_is_an_integrity_error() -> None:
    """Case 38, a changed entity tag."""
    other = hashlib.sha256(b"other").hexdigest()
    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, give(CONTENT, cut_after=500_000), give(CONTENT, tag=other))
        with pytest.raises(Tampered, match="another one") as caught:
            download(access(server.url), taken)
    assert caught.value.exit_code == 6
    assert len(taken.content) == 500_000


def test_a_flipped_byte_is_an_integrity_error() -> None:
    """Case 38, a flipped byte."""
    flipped = bytearray(CONTENT)
    flipped[12_345] ^= 1
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, give(CONTENT, served=bytes(flipped)))
        with pytest.raises(Tampered, match="damaged") as caught:
            download(access(server.url), Taken())
    assert caught.value.exit_code == 6


def test_another_digest_than_the_list_has_is_an_integrity_error() -> None:
    taken = Taken()
    with standin_server() as server:
        listed(server, checksum="0" * 64)
        server.on("GET", STORED, give(CONTENT))
        with pytest.raises(Tampered, match="its list says"):
            download(access(server.url), taken)
    assert not taken.content


def test_an_answer_that_is_too_short_is_never_taken_for_the_whole() -> None:
    def short(exchange: Exchange) -> None:
        exchange.answer(200, CONTENT[:-1], ETag=f'"{DIGEST}"')

    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, short)
        with pytest.raises(Tampered):
            download(access(server.url), Taken())


def test_a_server_that_ignores_ranges_sends_no_byte_twice() -> None:
    def whole(exchange: Exchange) -> None:
        exchange.headers.pop("range")
        give(CONTENT)(exchange)

    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, give(CONTENT, cut_after=123_456), whole)
        download(access(server.url), taken)
    assert bytes(taken.content) == CONTENT


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    taken = Taken()
    with standin_server() as server:
        listed(server)
        away = lambda exchange: exchange.answer(502, b"<html>Bad Gateway</html>")  # noqa: E731 - a script
        server.on("GET", STORED, give(CONTENT, cut_after=1000), away, away, give(CONTENT))
        download(access(server.url), taken)
    assert bytes(taken.content) == CONTENT


@pytest.mark.parametrize(
    ("status", "body", "exit_code"),
    [
        (404, b'{"error": "Route or resource not found", "code": 404}', 4),
        (404, b"<html>nothing here</html>", 4),
        (502, b"<html>Bad Gateway</html>", 1),
        (200, b"<html>Please log in</html>", 1),
        (206, b"part of something", 1),
        (204, b"", 1),
        (500, b'{"error": "registered file is missing", "code": 42002}', 1),
    ],
)
def test_what_is_no_version_is_never_handed_on(status: int, body: bytes, exit_code: int) -> None:
    """Case 39."""
    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, lambda exchange: exchange.answer(status, body, Content_Type="text/html"))
        with pytest.raises((Refused, Failed)) as caught:
            download(access(server.url), taken)
    assert caught.value.exit_code == exit_code
    assert "<html>" not in caught.value.message
    assert not taken.content


def test_latest_and_first_are_resolved_once() -> None:
    first = "22222222-2222-4333-8444-555555555555"
    numbers = itertools.count()
    taken = Taken()

    def growing(exchange: Exchange) -> None:
        newer = [
            version(8 + number, "0" * 64, 1, "33333333-2222-4333-8444-555555555555") for number in range(next(numbers))
        ]
        known = [version(10, DIGEST, 1), version(9, DIGEST, 1, first)]
        exchange.answer(200, versions(*known, *newer))

    with standin_server() as server:
        server.on("GET", VERSIONS, growing)
        server.on("GET", STORED, give(CONTENT, cut_after=10), give(CONTENT))
        server.on("GET", f"{VERSIONS}/{first}", give(CONTENT))
        download(access(server.url), taken)
        assert len(server.asked("GET", VERSIONS)) == 1
        assert len(server.asked("GET", STORED)) == 2
        numbers = itertools.count()
        download(access(server.url), Taken(), "first")
        assert len(server.asked("GET", f"{VERSIONS}/{first}")) == 1


def test_a_number_and_an_id_need_no_list() -> None:
    with standin_server() as server:
        server.on("GET", f"{VERSIONS}/v3", give(CONTENT))
        server.on("GET", STORED, give(CONTENT))
        download(access(server.url), Taken(), "v3")
        download(access(server.url), Taken(), VERSION_ID)
        assert server.asked("GET", VERSIONS) == []


def test_a_token_that_may_not_list_downloads_the_latest() -> None:
    taken = Taken()
    with standin_server() as server:
        server.on("GET", VERSIONS, lambda exchange: exchange.answer(403, {"error": "no", "code": 40311}))
        server.on("GET", f"{VERSIONS}/latest", give(CONTENT, cut_after=10), give(CONTENT))
        download(access(server.url), taken)
    assert bytes(taken.content) == CONTENT


def test_an_empty_collection_is_said() -> None:
    with standin_server() as server, pytest.raises(Refused, match="no version yet"):
        download(access(server.url), Taken())


@pytest.mark.parametrize("name", ["newest", "3", "v0", "../versions", "v1/../v2", ""])
def test_what_names_no_version_is_a_usage_error(name: str) -> None:
    with pytest.raises(BadUsage):
        download(access("http://127.0.0.1:1"), Taken(), name)


def test_a_redirect_within_the_server_is_followed() -> None:
    taken = Taken()
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, lambda exchange: exchange.answer(302, b"", Location="/elsewhere"))
        server.on("GET", "/elsewhere", give(CONTENT))
        download(access(server.url), taken)
    assert bytes(taken.content) == CONTENT


def test_a_redirect_to_another_server_is_not_followed() -> None:
    with standin_server() as elsewhere, standin_server() as server:
        elsewhere.on("GET", "/stolen", give(CONTENT))
        listed(server)
        server.on("GET", STORED, lambda exchange: exchange.answer(302, b"", Location=f"{elsewhere.url}/stolen"))
        with pytest.raises(Failed, match="another place"):
            download(access(server.url), Taken())
        assert elsewhere.exchanges == []


def test_a_redirect_in_a_circle_ends() -> None:
    with standin_server() as server:
        listed(server)
        server.on("GET", STORED, lambda exchange: exchange.answer(302, b"", Location=STORED))
        with pytest.raises(Failed, match="circle"):
            download(access(server.url), Taken())


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(Failed, match="cannot be reached") as caught:
        download(access(f"http://127.0.0.1:{free_port()}"), Taken(), "v1")
    assert caught.value.exit_code == 1
