"""Uploads as forms through a real socket: the first part with a file name counts (contract 8.2, 13)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from world.bodies import Body
from world.forms import BOUNDARY, FORM, file_part, form, text_part
from world.instance import Server
from world.traces import calm, settled
from world.wire import Answer, Block

CONTENT = b"\r\n--bytes that look like \r\n--a-boundary-of-our-ow\r\n\0\xff"
ANOTHER = file_part(b"another file", name="second", filename="z")


def send(server: Server, versions: str, body: bytes, content_type: str = FORM["Content-Type"]) -> Answer:
    return server.direct.ask("POST", versions, server.bearer | {"Content-Type": content_type}, body)


@pytest.mark.parametrize(
    "parts",
    [
        [file_part(CONTENT, name="file")],
        [file_part(CONTENT, name="anything at all")],
        [file_part(CONTENT, name="")],
        [file_part(CONTENT, filename="")],
        [file_part(CONTENT, filename="ä/../;=.gz")],
        [text_part("comment", "of the sender"), file_part(CONTENT)],
        [text_part("a; filename=b; filename*=c", "d"), file_part(CONTENT)],
        [text_part("filename", 'filename="no file"'), text_part("empty", ""), file_part(CONTENT), text_part("x", "y")],
        [file_part(CONTENT), ANOTHER],
        [b"Content-Disposition: form-data; name=x; filename*=UTF-8''%e2%82%ac.gz\r\n\r\n" + CONTENT],
        [b"content-disposition: form-data; FILENAME=x; name=y\r\nX-More: 1\r\n\r\n" + CONTENT],
        [b'Content-Disposition: form-data; name="nothing"\r\n\r\n' + b"t" * 70_000, file_part(CONTENT)],
    ],
)
def test_the_first_part_with_a_file_name_is_stored(listening: Server, parts: list[bytes]) -> None:
    """Case 79."""
    versions = listening.create_collection()
    answer = send(listening, versions, form(*parts))
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["file"]["filesize_bytes"] == len(CONTENT)
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("before", "after"), [(b"a preamble\r\n", b""), (b"", b"an epilogue\r\n--x--\r\n" * 10_000), (b"\r\n", b"\0")]
)
def test_what_stands_around_the_form_is_ignored(listening: Server, before: bytes, after: bytes) -> None:
    """RFC 2046, 5.1.1."""
    answer = send(listening, listening.create_collection(), before + form(file_part(CONTENT)) + after)
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; boundary="{}"', "Multipart/Form-Data; Boundary={}; x=y"]
)
def test_the_boundary_may_be_written_in_any_way(listening: Server, content_type: str) -> None:
    answer = send(listening, listening.create_collection(), form(file_part(CONTENT)), content_type.format(BOUNDARY))
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_form_may_come_in_pieces_of_any_size(listening: Server, size: int) -> None:
    """No boundary is overlooked where two chunks meet."""
    whole = form(text_part("a", "b"), file_part(CONTENT * 3), text_part("c", "d"))
    pieces: Iterator[Block] = (whole[start : start + size] for start in range(0, len(whole), size))
    answer = listening.direct.ask("POST", listening.create_collection(), listening.bearer | FORM, pieces)
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(CONTENT * 3).hexdigest()


def test_a_large_form_is_stored_without_its_frame(listening: Server) -> None:
    body = Body(20_000_001, 31)
    frame = form(text_part("a", "b"), file_part(b"|")).split(b"|")

    def pieces() -> Iterator[Block]:
        yield frame[0]
        yield from body
        yield frame[1]

    answer = listening.direct.ask("POST", listening.create_collection(), listening.bearer | FORM, pieces())
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()


WHOLE = form(file_part(CONTENT))
BROKEN: dict[str, bytes] = {
    "nothing at all": b"",
    "no part": form(),
    "no file part": form(text_part("a", "b"), text_part("c", "d")),
    "no closing boundary": form(file_part(CONTENT), closed=False),
    "no closing boundary and no line end": form(file_part(CONTENT), closed=False).removesuffix(b"\r\n"),
    "cut in the content": WHOLE[: -len(BOUNDARY) - 20],
    "cut in the head of a part": form(file_part(CONTENT))[: len(BOUNDARY) + 30],
    "cut in the closing boundary": WHOLE[:-6],
    "cut before the second dash of the end": WHOLE[:-3],
    "lines ended by LF": form(file_part(b"plain content")).replace(b"\r\n", b"\n"),
    "no boundary of ours": WHOLE.replace(BOUNDARY.encode(), b"another-boundary"),
    "no form": b"just bytes",
    "a part without a head": b"--%s\r\n\r\nbytes\r\n--%s--\r\n" % (BOUNDARY.encode(), BOUNDARY.encode()),
    "a head without end": b"--%s\r\nContent-Disposition: form-data; filename=x; y=%s"
    % (BOUNDARY.encode(), b"z" * 99_999),
    "a second part cut off": form(file_part(CONTENT), text_part("a", "b"), closed=False)[:-10],
}


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "chunked"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_form_leaves_nothing(listening: Server, kind: str, announced: bool) -> None:
    """Cases 80 and 81."""
    versions = listening.create_collection()
    before = calm(listening)
    body = BROKEN[kind]
    length = {"Content-Length": str(len(body))} if announced else {}
    answer = listening.direct.ask("POST", versions, listening.bearer | FORM | length, iter([body] if body else []))
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (400, 42008, "app.fatal-error")
    assert settled(listening, before) == before


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""']
)
def test_a_form_that_names_no_boundary_is_broken(listening: Server, content_type: str) -> None:
    versions = listening.create_collection()
    before = calm(listening)
    answer = send(listening, versions, WHOLE, content_type)
    assert (answer.status, answer.json()["code"]) == (400, 42008)
    assert settled(listening, before) == before


def test_an_empty_file_part_is_an_empty_upload(listening: Server) -> None:
    """Case 80: it is a file part, with no bytes in it; a later one does not count."""
    versions = listening.create_collection()
    before = calm(listening)
    for parts in ([file_part(b"")], [file_part(b""), ANOTHER], [file_part(b"", filename=""), ANOTHER]):
        answer = send(listening, versions, form(*parts))
        assert (answer.status, answer.json()["code"]) == (400, 42009)
    assert settled(listening, before) == before
