"""Uploads whose body a proxy has landed as a file: who may name one, which one, and whose it stays (contract 8.2)."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from world.bodies import Body
from world.forms import FORM, file_part, form, text_part
from world.instance import COLLECTIONS, Installation, Server, server
from world.traces import calm, settled
from world.waiting import eventually
from world.wire import Answer, as_json

seeds = itertools.count(3000)
contents = (b"content %d" % number for number in itertools.count())
GB = 1_000_000_000


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on a Unix socket, whose peers are trusted."""
    with server(tmp_path_factory.mktemp("behind")) as running:
        yield running


@pytest.fixture
def landed(behind: Server) -> Iterator[Path]:
    """A body file of the proxy, which the proxy removes when the request is over."""
    file = behind.incoming / "0000000042"
    file.write_bytes(next(contents))
    yield file
    file.unlink(missing_ok=True)


def hand_over(
    server: Server, versions: str, name: str | Path, headers: dict[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Do as the application's NGINX does."""
    named = {"X-Internal-Filename": str(name), "Content-Length": str(len(body))}
    return server.direct.ask("POST", versions, server.bearer | named | (headers or {}), body)


def refused(server: Server, name: str | Path, headers: dict[str, str] | None = None) -> int:
    """Hand a file over in vain, see that nothing happened, and return the code of the refusal."""
    versions = server.create_collection()
    before = calm(server)
    answer = hand_over(server, versions, name, headers)
    assert answer.status == 400, answer.body
    assert settled(server, before) == before
    code: int = answer.json()["code"]
    return code


@pytest.mark.parametrize("place", ["", "/", "/var/lib/elsewhere/", "../", "./x/"])
def test_a_landed_file_becomes_the_version(behind: Server, landed: Path, place: str) -> None:
    """Case 85; only the last component of the name counts, and the very file is taken over."""
    content, inode = landed.read_bytes(), landed.stat().st_ino
    versions = behind.create_collection()
    answer = hand_over(behind, versions, place + landed.name)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["version"] == 1
    assert answer.json()["version"]["file"]["filesize_bytes"] == len(content)
    assert behind.direct.ask("GET", f"{versions}/latest", behind.bearer).body == content
    assert [blob.read_bytes() for blob in behind.blobs() if blob.stat().st_ino == inode] == [content]
    assert behind.leftovers() == [landed]


def test_the_proxy_may_remove_its_name_during_or_after_the_request(behind: Server) -> None:
    """Case 85; a gigabyte of nothing takes a while to be looked at and no room on the disk."""
    versions = behind.create_collection()
    large = behind.incoming / "0000000043"
    with large.open("wb") as file:
        file.truncate(GB)
    with ThreadPoolExecutor(1) as proxy:
        answering = proxy.submit(hand_over, behind, versions, large.name)
        eventually(lambda: large.stat().st_nlink > 1)
        large.unlink()
        answer = answering.result()
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["file"]["filesize_bytes"] == GB
    shown = behind.direct.ask("GET", f"{versions}/v1", behind.bearer | {"Range": "bytes=-3"})
    assert (shown.status, shown.body) == (206, bytes(3))
    assert behind.leftovers() == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Checksum-Sha256": "{}"}, None),
        ({"X-Checksum-Sha256": "0" * 64}, 42024),
        ({"Repr-Digest": "sha-256=:AAAA:"}, 42024),
    ],
)
def test_integrity_headers_are_held_against_the_file(
    behind: Server, landed: Path, headers: dict[str, str], code: int | None
) -> None:
    """Case 87."""
    body = Body(3_000_000, next(seeds))
    landed.write_bytes(body.whole())
    given = {name: value.format(body.sha256()) for name, value in headers.items()}
    if code is None:
        assert hand_over(behind, behind.create_collection(), landed, given).status == 200
    else:
        assert refused(behind, landed, given) == code
        assert (landed.read_bytes(), landed.stat().st_nlink) == (body.whole(), 1)


def test_a_form_in_the_file_is_unpacked(behind: Server, landed: Path) -> None:
    """Case 85."""
    body = Body(2_500_000, next(seeds))
    landed.write_bytes(form(text_part("a", "b"), file_part(body.whole()), text_part("c", "d")))
    answer = hand_over(behind, behind.create_collection(), landed, FORM)
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    assert behind.leftovers() == [landed]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (form(file_part(b"x"), closed=False), 42008),
        (form(text_part("a", "b")), 42008),
        (b"", 42008),
        (b"no form", 42008),
        (form(file_part(b"")), 42009),
    ],
)
def test_a_broken_form_in_the_file_leaves_nothing(behind: Server, landed: Path, content: bytes, code: int) -> None:
    landed.write_bytes(content)
    assert refused(behind, landed, FORM) == code
    assert landed.read_bytes() == content


def test_an_empty_file_is_an_empty_upload(behind: Server, landed: Path) -> None:
    """Case 80."""
    landed.write_bytes(b"")
    assert refused(behind, landed) == 42009


@pytest.mark.parametrize("sent", [b"the request's own body", Body(9_000_000, 5).whole()])
def test_the_own_body_of_the_request_is_not_read(behind: Server, landed: Path, sent: bytes) -> None:
    content = landed.read_bytes()
    versions = behind.create_collection()
    assert hand_over(behind, versions, landed, body=sent).status == 200
    assert behind.direct.ask("GET", f"{versions}/v1", behind.bearer).body == content


def test_a_file_above_the_limit_stays_with_the_proxy(behind: Server, landed: Path) -> None:
    """Case 84; for a form the frame does not count."""
    versions = behind.create_collection(maxOneVersionSize="1MB", maxCollectionSize="10MB", maxBackupsCount=1)
    landed.write_bytes(Body(1_000_001, next(seeds)).whole())
    before = calm(behind)
    assert hand_over(behind, versions, landed).json()["code"] == 40109
    landed.write_bytes(form(file_part(Body(1_000_001, next(seeds)).whole())))
    assert hand_over(behind, versions, landed, FORM).json()["code"] == 40109
    assert settled(behind, before) == before
    landed.write_bytes(form(file_part(Body(1_000_000, next(seeds)).whole())))
    assert hand_over(behind, versions, landed, FORM).status == 200


def make_symlink(place: Path) -> None:
    place.with_suffix(".target").write_bytes(b"a regular file")
    place.symlink_to(place.with_suffix(".target"))


UNACCEPTABLE: dict[str, Callable[[Path], None]] = {
    "missing": lambda _place: None,
    "symbolic link": make_symlink,
    "dangling link": lambda place: place.symlink_to("nowhere"),
    "directory": lambda place: place.mkdir(),
    "named pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", UNACCEPTABLE)
def test_only_a_regular_file_is_acceptable(behind: Server, kind: str) -> None:
    """Case 86."""
    place = behind.incoming / "unacceptable"
    UNACCEPTABLE[kind](place)
    try:
        assert refused(behind, place.name) == 42023
        assert refused(behind, place.name, FORM) == 42023
    finally:
        place.with_suffix(".target").unlink(missing_ok=True)
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "0000000042/", "0000000042/.", "../server.log", "/etc/passwd", "%2e%2e/server.log", "\xff"],
)
def test_a_name_leads_nowhere_else(behind: Server, landed: Path, name: str) -> None:
    """Case 86."""
    assert landed.exists()
    assert refused(behind, name) == 42023


@pytest.mark.parametrize("naming", ["backup", "backups", "version"])
def test_only_one_spelling_of_the_path_takes_files(behind: Server, landed: Path, naming: str) -> None:
    """Case 86: `.../backup`."""
    path = behind.create_collection().removesuffix("versions") + naming
    before = calm(behind)
    answer = hand_over(behind, path, landed, body=b"a body of its own")
    assert (answer.status, answer.json()["code"], answer.json()["type"]) == (400, 42023, "app.fatal-error")
    assert settled(behind, before) == before


def test_two_names_are_none(behind: Server, landed: Path) -> None:
    """Contract 13, row 8.2."""
    versions = behind.create_collection()
    before = calm(behind)
    headers = [*behind.bearer.items(), *[("X-Internal-Filename", landed.name)] * 2]
    assert behind.direct.ask("POST", versions, headers).json()["code"] == 42023
    assert settled(behind, before) == before


def test_an_untrusted_peer_may_name_nothing(listening: Server) -> None:
    """Case 86; also where the file is there, and before its own body counts."""
    landed = listening.incoming / "0000000001"
    landed.write_bytes(b"of somebody else")
    try:
        assert refused(listening, landed.name) == 42023
        versions = listening.create_collection()
        answer = hand_over(listening, versions, landed.name, body=b"my own")
        assert answer.json()["code"] == 42023
    finally:
        landed.unlink()


def test_a_refused_file_name_is_found_out_after_the_door(behind: Server) -> None:
    """Contract 8.4: authentication, existence and permission come first; then the name, then the digest."""
    named = {"X-Internal-Filename": "missing"}
    versions = behind.create_collection()
    unknown = f"{COLLECTIONS}/00000000-0000-4000-8000-000000000000/versions"
    assert behind.direct.ask("POST", versions, named).status == 401
    assert behind.direct.ask("POST", unknown, behind.bearer | named).status == 404
    both = behind.bearer | named | {"X-Checksum-Sha256": "unreadable"}
    assert behind.direct.ask("POST", versions, both).json()["code"] == 42023


def test_the_name_means_nothing_on_other_routes(behind: Server, landed: Path) -> None:
    """Contract 8.2."""
    versions = behind.create_collection()
    named = behind.bearer | {"X-Internal-Filename": landed.name}
    assert behind.direct.ask("GET", versions, named).json()["versions"] == {}
    body = as_json({"id": versions.split("/")[-2]})
    assert behind.direct.ask("PUT", COLLECTIONS, named, body).json()["fields"].keys() >= {"filename"}
    assert landed.exists()


def test_a_landed_file_on_another_file_system_is_copied(tmp_path: Path) -> None:
    """Contract 8.2: link or rename where that works, else a copy."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a second file system that every Linux machine has
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to land bodies on")
    body = Body(5_000_003, next(seeds))
    with tempfile.TemporaryDirectory(dir=shared_memory) as elsewhere:
        installation = Installation.make(tmp_path, REVPROXY_STORAGE_DIR=elsewhere)
        with installation.serve() as running:
            landed = running.incoming / "0000000001"
            landed.write_bytes(body.whole())
            versions = running.create_collection()
            assert hand_over(running, versions, landed).json()["version"]["checksum"]["value"] == body.sha256()
            landed.unlink()
            assert running.direct.fetch(f"{versions}/v1", running.bearer) == (200, body.size, body.sha256())
            assert running.leftovers() == []


def test_hand_over_can_be_switched_off(tmp_path: Path) -> None:
    """`REVPROXY_STORAGE_DIR` empty: nobody may name a file, not even over the Unix socket."""
    installation = Installation.make(tmp_path)
    with installation.with_settings(REVPROXY_STORAGE_DIR="").serve() as running:
        answer = hand_over(running, running.create_collection(), "server.log")
        assert (answer.status, answer.json()["code"]) == (400, 42023)
