"""Who may hand a body file over, and which files (cases 62 and 63)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import instance
from world.front import Front
from world.instance import Server
from world.waiting import eventually
from world.wire import read_answer

BAIT = b"the body of somebody else"
FORGERIES = {
    "plain": ["X-Internal-Filename: {}"],
    "lower case": ["x-internal-filename: {}"],
    "upper case": ["X-INTERNAL-FILENAME: {}"],
    "doubled": ["X-Internal-Filename: {}", "x-internal-filename: {}"],
    "underscored": ["X_Internal_Filename: {}"],
    "underscored upper case": ["X_INTERNAL_FILENAME: {}"],
    "every spelling": ["X-Internal-Filename: {}", "X_Internal_Filename: {}", "x-internal_filename: {}"],
    "with a path": ["X-Internal-Filename: /anywhere/{}"],
    "with a sendfile header": ["X-Internal-Filename: {}", "X-Internal-Sendfile: /internal-storage/"],
}
contents = itertools.count()


@pytest.fixture
def bait(served: Server) -> Iterator[Path]:
    """A file in the directory of the uploads that nobody may name from outside."""
    file = served.incoming / "9999999999"
    file.write_bytes(BAIT + b"%d" % next(contents))
    yield file
    file.unlink()


@pytest.fixture(scope="module")
def distrustful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a TCP port that trusts nobody."""
    with instance.server(tmp_path_factory.mktemp("distrustful"), tcp=True) as server:
        yield server


@pytest.mark.parametrize(
    ("through", "naming"), list(itertools.product(["router", "application"], ["versions", "backup"]))
)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_name_changes_nothing(
    served: Server, fronted: Front, bait: Path, *, forgery: str, through: str, naming: str
) -> None:
    """Case 62: an empty body is empty, and a body is that body."""
    address = fronted.public if through == "router" else fronted.inner
    versions = served.create_collection()
    uploads = versions.replace("/versions", f"/{naming}")
    forged = [line.format(bait.name).split(": ") for line in FORGERIES[forgery]]
    headers = [*served.bearer.items(), *((name, value) for name, value in forged)]
    empty = address.ask("POST", uploads, headers, b"")
    assert (empty.status, empty.json()["code"]) == (400, 42009)
    assert address.ask("GET", versions, served.bearer).json()["versions"] == {}
    body = b"my own body %d" % next(contents)
    assert address.ask("POST", uploads, headers, body).status == 200
    assert address.ask("GET", f"{versions}/latest", served.bearer).body == body
    assert bait.read_bytes().startswith(BAIT)
    assert bait.stat().st_nlink == 1
    assert eventually(lambda: served.leftovers() == [bait])


def test_a_name_with_a_space_before_the_colon_is_no_header(served: Server, fronted: Front, bait: Path) -> None:
    """Case 62: what is not a header field name is refused, not repaired."""
    for address in (fronted.public, fronted.inner):
        with address.connected() as connection:
            head = f"POST {served.create_collection()} HTTP/1.1\r\nHost: {address.host}\r\nX-Internal-Filename : {bait.name}\r\n\r\n"
            connection.send(head.encode())
            answer = read_answer(connection)
        assert (answer.status, answer.json()["code"]) == (400, 400)


def test_an_untrusted_peer_may_not_hand_over(distrustful: Server) -> None:
    """Case 62: straight from an untrusted peer the header is itself a reason to refuse."""
    file = distrustful.incoming / "0000000001"
    file.write_bytes(BAIT)
    versions = distrustful.create_collection()
    for body in (b"", b"a body of its own"):
        headers = distrustful.bearer | {"X-Internal-Filename": str(file)}
        answer = distrustful.direct.ask("POST", versions, headers, body)
        assert (answer.status, answer.json()["code"]) == (400, 42023)
    assert distrustful.direct.ask("GET", versions, distrustful.bearer).json()["versions"] == {}
    assert file.read_bytes() == BAIT


def test_the_underscore_spelling_is_never_read(distrustful: Server, served: Server) -> None:
    """Section 4.2: neither from an untrusted peer nor from a trusted one."""
    for server in (distrustful, served):
        file = server.incoming / "0000000002"
        file.write_bytes(BAIT)
        headers = server.bearer | {"X_Internal_Filename": str(file)}
        answer = server.direct.ask("POST", server.create_collection(), headers, b"")
        assert (answer.status, answer.json()["code"]) == (400, 42009)
        file.unlink()


@pytest.mark.parametrize(
    "kind", ["dots", "slash", "empty", "absent", "symbolic link", "directory", "named pipe", "outside"]
)
def test_only_a_regular_file_of_the_directory_is_taken(served: Server, tmp_path: Path, kind: str) -> None:
    """Case 63: the peer is trusted, the name is not."""
    outside = tmp_path / "outside"
    outside.write_bytes(BAIT)
    made = served.incoming / "made-for-this-test"
    names = {"dots": "..", "slash": f"{made}/", "empty": " ", "absent": str(made), "outside": str(outside)}
    if kind == "symbolic link":
        made.symlink_to(outside)
    elif kind == "directory":
        made.mkdir()
    elif kind == "named pipe":
        os.mkfifo(made)
    versions = served.create_collection()
    try:
        headers = served.bearer | {"X-Internal-Filename": names.get(kind, str(made))}
        answer = served.direct.ask("POST", versions, headers, b"")
    finally:
        if made.is_dir():
            made.rmdir()
        else:
            made.unlink(missing_ok=True)
    assert (answer.status, answer.json()["code"]) == (400, 42023)
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}
    assert outside.read_bytes() == BAIT


@pytest.mark.parametrize("prefix", ["", "/somewhere/else/", "../../"])
def test_only_the_last_component_of_a_name_counts(served: Server, prefix: str) -> None:
    """Case 63: the directory is the application's own setting, whatever the proxy's path says."""
    file = served.incoming / "0000000003"
    file.write_bytes(BAIT)
    versions = served.create_collection()
    headers = served.bearer | {"X-Internal-Filename": f"{prefix}{file.name}"}
    assert served.direct.ask("POST", versions, headers, b"").status == 200
    assert served.direct.ask("GET", f"{versions}/latest", served.bearer).body == BAIT
    file.unlink(missing_ok=True)
