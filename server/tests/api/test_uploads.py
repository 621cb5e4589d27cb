"""Uploads through a real socket, whole ones: every way to send a body stores exactly its bytes (contract 8.1 to 8.3)."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re

import pytest
from world.answers import MOMENT
from world.bodies import Body
from world.forms import FORM, file_part, form
from world.instance import COLLECTIONS, Server
from world.traces import calm, settled, traces
from world.wire import Answer

WAYS = ("with its length", "chunked", "form")
seeds = itertools.count(2000)


def upload(server: Server, versions: str, way: str, content: bytes) -> Answer:
    """Send the same bytes in one of the three ways."""
    if way == "form":
        return server.direct.ask("POST", versions, server.bearer | FORM, form(file_part(content)))
    body = content if way == "with its length" else iter([content[:1], content[1:]] if len(content) > 1 else [content])
    return server.direct.ask("POST", versions, server.bearer, body)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 65_536, 1_000_000])
def test_what_goes_in_comes_back(listening: Server, size: int, way: str) -> None:
    """Cases 79 and 80: one byte is accepted, and every way stores the same bytes under the same checksum."""
    body = Body(size, next(seeds))
    versions = listening.create_collection()
    answer = upload(listening, versions, way, body.whole())
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"] == {"algorithm": "sha256", "value": body.sha256()}
    assert answer.json()["version"]["file"]["filesize_bytes"] == size
    assert listening.direct.ask("GET", f"{versions}/latest", listening.bearer).body == body.whole()
    assert listening.leftovers() == []


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "0"}], ids=["chunked", "with its length"])
def test_no_bytes_are_no_version(listening: Server, headers: dict[str, str]) -> None:
    """Case 80."""
    versions = listening.create_collection()
    before = calm(listening)
    answer = listening.direct.ask("POST", versions, listening.bearer | headers, iter(()))
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (400, 42009, "app.fatal-error")
    assert settled(listening, before) == before


def test_a_request_with_neither_length_nor_chunks_has_no_bytes(listening: Server) -> None:
    """Contract 13, row 8.2."""
    versions = listening.create_collection()
    before = calm(listening)
    with listening.direct.connected() as connection:
        connection.putrequest("POST", versions, skip_accept_encoding=True)
        connection.putheader("Authorization", listening.bearer["Authorization"])
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 400
        assert b'"code": 42009' in answer.read()
    assert settled(listening, before) == before


def test_the_answer_shows_version_and_collection_after_the_upload(listening: Server) -> None:
    """Cases 54 and 89: VERSION, COLLECTION and the name of the file."""
    versions = listening.create_collection("zsp.net.pl_database.tar.gz", description="of the shop")
    before = calm(listening)
    answer = listening.direct.ask("POST", versions, listening.bearer, b"x" * 1025)
    body = answer.json()
    assert (body["message"], body["status"]) == ("File was uploaded", True)
    assert set(body) == {"message", "status", "version", "collection"}
    version = body["version"]
    assert set(version) == {"id", "version", "creation_date", "file", "checksum"}
    assert (version["version"], version["file"]["filesize"]) == (1, "1.03kB")
    assert re.fullmatch(r"[0-9a-f]{10}zsp\.net\.pl_database\.tar-v1\.gz", version["file"]["filename"])
    assert type(version["file"]["id"]) is int
    assert MOMENT.fullmatch(version["creation_date"])
    collection = body["collection"]
    assert (collection["versions_count"], collection["used_space_bytes"], collection["used_space"]) == (
        1,
        1025,
        "1.03kB",
    )
    assert f"{COLLECTIONS}/{collection['id']}/versions" == versions
    shown = listening.direct.ask("GET", f"{COLLECTIONS}/{collection['id']}", listening.bearer).json()["collection"]
    assert shown == collection
    after = traces(listening)
    assert len(after.stored - before.stored) == 1
    assert len(after.records["blobs"] - before.records["blobs"]) == 1


@pytest.mark.parametrize(
    ("filename", "ending"),
    [
        ("article", "article-v1"),
        (".bashrc", ".bashrc-v1"),
        ("dot.", "dot.-v1"),
        ("a b+c.x", "a b+c-v1.x"),
    ],
)
def test_the_number_stands_before_the_last_extension(listening: Server, filename: str, ending: str) -> None:
    """Contract 8.1."""
    answer = listening.direct.ask("POST", listening.create_collection(filename), listening.bearer, b"abc")
    name: str = answer.json()["version"]["file"]["filename"]
    assert re.fullmatch(r"[0-9a-f]{10}", name[:10])
    assert name[10:] == ending


@pytest.mark.parametrize("naming", ["backup", "backups", "version", "versions"])
def test_all_four_naming_words_take_uploads(listening: Server, naming: str) -> None:
    """Case 78."""
    path = listening.create_collection().removesuffix("versions") + naming
    answer = listening.direct.ask("POST", path, listening.bearer, b"abc")
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(b"abc").hexdigest()
    assert listening.direct.ask("GET", f"{path}/v1", listening.bearer).body == b"abc"
    assert list(listening.direct.ask("GET", path, listening.bearer).json()["versions"]) == ["1"]


def test_other_words_and_the_collection_itself_take_none(listening: Server) -> None:
    """Case 78; both are answered before the body was read."""
    collection = listening.create_collection().removesuffix("/versions")
    before = calm(listening)
    for path, status in ((f"{collection}/foo", 404), (f"{collection}/Versions", 404), (collection, 405)):
        answer = listening.direct.ask("POST", path, listening.bearer, Body(300_000, next(seeds)))
        assert (answer.status, answer.json()["code"]) == (status, status)
        assert answer.headers["Connection"] == "close"
    assert settled(listening, before) == before


def test_query_parameters_mean_nothing(listening: Server) -> None:
    """Case 79; `simulate` neither (contract 2)."""
    versions = listening.create_collection()
    answer = listening.direct.ask("POST", f"{versions}?simulate=true&version=7&x=%00", listening.bearer, b"abc")
    assert answer.json()["version"]["version"] == 1
    assert listening.direct.ask("GET", f"{versions}/v1", listening.bearer).body == b"abc"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; boundary=x", "multipart/mixed; boundary=x"])
def test_a_body_of_any_other_type_is_raw(listening: Server, content_type: str) -> None:
    """Contract 8.2; neither its type nor its encoding is looked at."""
    content = form(file_part(b"not to be unpacked"))
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    answer = listening.direct.ask("POST", listening.create_collection(), listening.bearer | headers, content)
    assert answer.json()["version"]["checksum"]["value"] == hashlib.sha256(content).hexdigest()


CONTENT = b"the content of every test below"
RIGHT = hashlib.sha256(CONTENT)
WRONG = hashlib.sha256(b"something else")


def member(digest: bytes) -> str:
    """Write a digest as RFC 9530 does."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


@pytest.mark.parametrize(
    "headers",
    [
        [("Repr-Digest", member(RIGHT.digest()))],
        [("Content-Digest", member(RIGHT.digest()))],
        [("X-Checksum-Sha256", RIGHT.hexdigest())],
        [("X-Checksum-Sha256", RIGHT.hexdigest().upper())],
        [("Repr-Digest", member(RIGHT.digest())), ("Content-Digest", member(RIGHT.digest()))],
        [("Repr-Digest", f"sha-512=:{base64.b64encode(bytes(64)).decode()}:, {member(RIGHT.digest())}")],
        [("Repr-Digest", "md5=:AAAAAAAAAAAAAAAAAAAAAA==:")],
        [("Repr-Digest", "md5=:AAAA:"), ("Repr-Digest", member(RIGHT.digest()))],
        [("Want-Repr-Digest", "sha-256=1")],
    ],
)
@pytest.mark.parametrize("way", ["raw", "form"])
def test_a_right_digest_is_accepted(listening: Server, headers: list[tuple[str, str]], way: str) -> None:
    """Case 87; for a form the digest is that of the file, and other algorithms are ignored."""
    versions = listening.create_collection()
    everything = [*listening.bearer.items(), *headers, *(FORM.items() if way == "form" else ())]
    body = form(file_part(CONTENT)) if way == "form" else CONTENT
    answer = listening.direct.ask("POST", versions, everything, body)
    assert (answer.status, answer.json().get("code")) == (200, None)
    assert answer.json()["version"]["checksum"]["value"] == RIGHT.hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        [("Repr-Digest", member(WRONG.digest()))],
        [("Content-Digest", member(WRONG.digest()))],
        [("X-Checksum-Sha256", WRONG.hexdigest())],
        [("Repr-Digest", member(RIGHT.digest())), ("Content-Digest", member(WRONG.digest()))],
        [("Repr-Digest", member(RIGHT.digest())), ("X-Checksum-Sha256", WRONG.hexdigest())],
        [("X-Checksum-Sha256", RIGHT.hexdigest()), ("X-Checksum-Sha256", WRONG.hexdigest())],
        [("Repr-Digest", "sha-256=:not base64:")],
        [("Repr-Digest", "sha-256=:AAAA:")],
        [("Repr-Digest", "sha-256=" + RIGHT.hexdigest())],
        [("Repr-Digest", "SHA-256=:" + base64.b64encode(RIGHT.digest()).decode() + ":")],
        [("Repr-Digest", "")],
        [("Content-Digest", ",")],
        [("X-Checksum-Sha256", "")],
        [("X-Checksum-Sha256", RIGHT.hexdigest()[:-1])],
        [("X-Checksum-Sha256", member(RIGHT.digest()))],
    ],
)
@pytest.mark.parametrize("way", ["with its length", "chunked", "form"])
def test_a_wrong_or_unreadable_digest_leaves_nothing(
    listening: Server, headers: list[tuple[str, str]], way: str
) -> None:
    """Case 87."""
    versions = listening.create_collection()
    before = calm(listening)
    everything = [*listening.bearer.items(), *headers, *(FORM.items() if way == "form" else ())]
    whole = form(file_part(CONTENT)) if way == "form" else CONTENT
    answer = listening.direct.ask("POST", versions, everything, iter([whole]) if way == "chunked" else whole)
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (400, 42024, "app.fatal-error")
    assert settled(listening, before) == before
