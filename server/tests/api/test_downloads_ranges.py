"""Ranges and conditions of downloads (RFC 9110 sections 13 and 14, contract 8.7), on both routes, through a real socket."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from world.bodies import Body
from world.instance import API, Server
from world.wire import Answer

SIZE = 100_161
CONTENT = Body(SIZE, 61).whole()
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
OTHER = '"0000000000000000000000000000000000000000000000000000000000000000"'


class Downloading:
    """One stored version and both ways to it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        versions = server.create_collection()
        answer = server.direct.ask("POST", versions, server.bearer, CONTENT)
        self.paths = (f"{versions}/v1", f"{API}/repository/file/{answer.json()['version']['file']['filename']}")

    def get(self, headers: dict[str, str], method: str = "GET") -> Answer:
        """Ask on both routes, which must not differ, and give the answer."""
        first, second = [self._server.direct.ask(method, path, self._server.bearer | headers) for path in self.paths]
        assert (first.status, first.body) == (second.status, second.body)
        assert own_headers(first) == own_headers(second)
        return first


def own_headers(answer: Answer) -> dict[str, str]:
    """Give the headers that belong to the version, not to the request."""
    return {name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}}


def refusal(answer: Answer) -> tuple[int, int, str]:
    return answer.status, answer.json()["code"], answer.json()["type"]


@pytest.fixture(scope="module")
def stored(listening: Server) -> Downloading:
    """A version of SIZE bytes."""
    return Downloading(listening)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=100-107", 100, 107),
        ("bytes=0-0", 0, 0),
        ("bytes=100100-", 100_100, SIZE - 1),
        ("bytes=100160-", SIZE - 1, SIZE - 1),
        ("bytes=-50", SIZE - 50, SIZE - 1),
        ("bytes=-999999", 0, SIZE - 1),
        ("bytes=0-999999", 0, SIZE - 1),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=0-99999999999999999999999999999999", 0, SIZE - 1),
        ("bytes=-99999999999999999999999999999999", 0, SIZE - 1),
        ("bytes=00000000000000000000000000000000005-7", 5, 7),
        ("BYTES=5-7", 5, 7),
        ("bytes=5-7,", 5, 7),
        ("bytes= 5-7 , ", 5, 7),
    ],
)
def test_one_range_is_answered(stored: Downloading, asked: str, first: int, last: int) -> None:
    """Case 105."""
    answer = stored.get({"Range": asked})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert int(answer.headers["content-length"]) == last - first + 1
    assert answer.body == CONTENT[first : last + 1]
    assert answer.headers["etag"] == ETAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'attachment; filename="db.tar-v1.gz"'


@pytest.mark.parametrize(
    "asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=99999999999999999999999999999999-"]
)
def test_a_range_beyond_the_end_cannot_be_satisfied(stored: Downloading, asked: str) -> None:
    """Case 106."""
    answer = stored.get({"Range": asked})
    assert refusal(answer) == (416, 42006, "request.format-error")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "items=0-1",
        "bytes=9-3",
        "bytes=" + "9" * 5000 + "-",
        f"bytes={SIZE + 9}-{SIZE + 3}",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=a-b",
        "bytes=1",
        "bytes=--5",
        "bytes=0x1-5",
        "bytes =0-1",
        "bytes=0 -1",
        "bytes=٣-5",
        "",
    ],
)
def test_what_is_no_single_range_gives_the_whole(stored: Downloading, asked: str) -> None:
    """Case 106."""
    answer = stored.get({"Range": asked.encode().decode("latin-1")})
    assert (answer.status, answer.body) == (200, CONTENT)
    assert "content-range" not in answer.headers


def test_a_range_is_for_get_only(stored: Downloading) -> None:
    """Contract 8.7."""
    answer = stored.get({"Range": "bytes=0-1"}, "HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(SIZE))
    assert stored.get({"Range": f"bytes={SIZE}-"}, "HEAD").status == 200


def modified(stored: Downloading, days: int = 0) -> str:
    """Give the date of the version, or one some days later."""
    date = parsedate_to_datetime(stored.get({}, "HEAD").headers["last-modified"])
    return format_datetime(date + timedelta(days=days), usegmt=True)


def test_if_range_uses_the_range_only_for_the_same_version(stored: Downloading) -> None:
    """Case 107."""
    cases = {
        ETAG: 206,
        modified(stored): 206,
        OTHER: 200,
        f"W/{ETAG}": 200,
        ETAG.strip('"'): 200,
        modified(stored, days=1): 200,
        modified(stored, days=-1): 200,
        "*": 200,
        "": 200,
    }
    for condition, status in cases.items():
        answer = stored.get({"Range": "bytes=0-4", "If-Range": condition})
        assert (condition, answer.status, len(answer.body)) == (condition, status, 5 if status == 206 else SIZE)
        beyond = stored.get({"Range": f"bytes={SIZE}-", "If-Range": condition})
        assert beyond.status == (416 if status == 206 else 200)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f'{OTHER}, {ETAG}, "x"', 304),
        ("*", 304),
        (OTHER, 200),
        (ETAG.strip('"'), 200),
        ("", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match_spares_the_known(stored: Downloading, known: str, status: int, method: str) -> None:
    """Case 107: without body, with the headers that a cache needs; before any range."""
    for further in ({}, {"Range": f"bytes={SIZE}-"} if status == 304 else {}):
        answer = stored.get({"If-None-Match": known, **further}, method)
        assert answer.status == status
        if status == 304:
            assert answer.body == b""
            assert set(own_headers(answer)) == {"etag", "repr-digest", "last-modified", "cache-control"}
            assert answer.headers["etag"] == ETAG


def test_dates_count_where_no_tag_is_given(stored: Downloading) -> None:
    """Contract 8.7: `If-Modified-Since` only without `If-None-Match`, `If-Unmodified-Since` without `If-Match`."""
    same, later, earlier = [modified(stored, days) for days in (0, 1, -1)]
    for headers, status in (
        ({"If-Modified-Since": same}, 304),
        ({"If-Modified-Since": later}, 304),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Modified-Since": later, "If-None-Match": OTHER}, 200),
        ({"If-Modified-Since": earlier, "If-None-Match": ETAG}, 304),
        ({"If-Unmodified-Since": same}, 200),
        ({"If-Unmodified-Since": later}, 200),
        ({"If-Unmodified-Since": earlier}, 412),
        ({"If-Unmodified-Since": earlier, "If-Match": ETAG}, 200),
        ({"If-Unmodified-Since": earlier, "If-None-Match": ETAG}, 412),
    ):
        assert (headers, stored.get(headers).status) == (headers, status)


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        "Mon, 05 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 05 Jan 2026 00:00:00 +99999999999999999999",
        "Mon, 05 Jan 2026 00:00:00 -9959",
        "0",
        ",",
    ],
)
@pytest.mark.parametrize("header", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
def test_what_is_no_date_is_ignored(stored: Downloading, header: str, date: str) -> None:
    """RFC 9110, 13.1.3: a recipient must ignore the field."""
    assert stored.get({header: date}).status == 200


@pytest.mark.parametrize(
    ("wanted", "status"),
    [(ETAG, 200), ("*", 200), (f"{OTHER}, {ETAG}", 200), (OTHER, 412), (f"W/{ETAG}", 412), ("", 412)],
)
def test_if_match_is_held_against_the_strong_tag(stored: Downloading, wanted: str, status: int) -> None:
    """Case 107."""
    answer = stored.get({"If-Match": wanted})
    assert answer.status == status
    if status == 412:
        assert refusal(answer) == (412, 412, "app.fatal-error")
        assert stored.get({"If-Match": wanted, "If-None-Match": ETAG}).status == 412
    else:
        assert stored.get({"If-Match": wanted, "If-None-Match": ETAG}).status == 304
        assert stored.get({"If-Match": wanted, "Range": "bytes=0-1"}).status == 206
