"""Uploads through router and application NGINX in front of the real server."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from world.bodies import Body
from world.front import Front
from world.instance import COLLECTIONS, Server
from world.waiting import eventually
from world.wire import read_answer, send_chunk, send_head

MIB = 1 << 20
seeds = itertools.count(1000)


def landed(server: Server, size: int) -> list[Path]:
    """Give the body files that NGINX has written at least so many bytes of."""
    return [file for file in server.incoming.iterdir() if file.stat().st_size >= size]


def nothing_is_left(server: Server) -> bool:
    return server.leftovers() == []


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "chunked"])
@pytest.mark.parametrize("size", [1, 100_161, 3 * MIB + 1])
def test_an_upload_stores_the_exact_bytes(served: Server, fronted: Front, size: int, announced: bool) -> None:
    """Case 61."""
    body = Body(size, next(seeds))
    versions = served.create_collection()
    length = {"Content-Length": str(size)} if announced else {}
    answer = fronted.public.ask("POST", versions, served.bearer | length, body)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    assert answer.json()["version"]["file"]["filesize_bytes"] == size
    assert fronted.public.ask("GET", f"{versions}/latest", served.bearer).body == body.whole()
    assert eventually(lambda: nothing_is_left(served))


def test_the_body_file_is_taken_over_without_a_copy(served: Server, fronted: Front) -> None:
    """Case 61: the stored blob is the very file that NGINX wrote; the router passes bytes on before the last one came."""
    body = Body(8 * MIB, next(seeds))
    versions = served.create_collection()
    blocks = iter(body)
    with fronted.public.connected() as connection:
        send_head(connection, "POST", versions, served.bearer, blocks)
        for block in itertools.islice(blocks, 4):
            send_chunk(connection, block)
        (file,) = eventually(lambda: landed(served, MIB))
        inode = file.stat().st_ino
        for block in blocks:
            send_chunk(connection, block)
        connection.send(b"0\r\n\r\n")
        answer = read_answer(connection)
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    assert [blob.stat().st_size for blob in served.blobs() if blob.stat().st_ino == inode] == [body.size]
    assert eventually(lambda: nothing_is_left(served))


def test_the_answer_tells_how_long_the_body_took(served: Server, fronted: Front) -> None:
    answer = fronted.public.ask("POST", served.create_collection(), served.bearer, Body(1000, next(seeds)))
    assert float(answer.headers["X-Body-Receive-Seconds"]) >= 0


@pytest.mark.parametrize("through", ["router", "application"])
def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(served: Server, fronted: Front, through: str) -> None:
    """Case 66."""
    versions = served.create_collection()
    blobs = served.blobs()
    address = fronted.public if through == "router" else fronted.inner
    with address.connected() as connection:
        send_head(connection, "POST", versions, served.bearer, iter(()))
        for block in Body(4 * MIB, next(seeds)):
            send_chunk(connection, block)
        eventually(lambda: landed(served, MIB))
    assert eventually(lambda: nothing_is_left(served))
    assert fronted.public.ask("GET", versions, served.bearer).json()["versions"] == {}
    assert served.blobs() == blobs


@pytest.mark.parametrize("naming", ["backup", "backups", "version"])
def test_the_other_spellings_work_with_one_more_copy(served: Server, fronted: Front, naming: str) -> None:
    """Section 4.2: they do not land as a file for the application, but NGINX still buffers them."""
    body = Body(3 * MIB + 17, next(seeds))
    versions = served.create_collection()
    answer = fronted.public.ask("POST", versions.replace("/versions", f"/{naming}"), served.bearer, body)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    assert "X-Body-Receive-Seconds" not in answer.headers
    assert eventually(lambda: nothing_is_left(served))


def test_a_multipart_body_lands_as_a_file_and_its_part_is_stored(served: Server, fronted: Front) -> None:
    body = Body(2 * MIB, next(seeds))
    form = (
        b'--limit\r\nContent-Disposition: form-data; name="x"; filename="y"\r\n\r\n'
        + body.whole()
        + b"\r\n--limit--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=limit"}
    answer = fronted.public.ask("POST", served.create_collection(), served.bearer | kind, form)
    assert answer.status == 200, answer.body
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
    assert eventually(lambda: nothing_is_left(served))


@pytest.mark.parametrize("headers", [{"Content-Length": "0"}, {}], ids=["with its length", "chunked"])
def test_an_empty_upload_is_the_refusal_of_the_application(
    served: Server, fronted: Front, headers: dict[str, str]
) -> None:
    answer = fronted.public.ask("POST", served.create_collection(), served.bearer | headers, iter(()))
    assert (answer.status, answer.json()["code"]) == (400, 42009)
    assert eventually(lambda: nothing_is_left(served))


def test_a_refused_upload_leaves_no_body_file(served: Server, fronted: Front) -> None:
    """The body lands before the application can refuse it."""
    versions = served.create_collection()
    for headers, code in (({}, 401), (served.bearer | {"X-Checksum-Sha256": "0" * 64}, 42024)):
        answer = fronted.public.ask("POST", versions, headers, Body(2 * MIB, next(seeds)))
        assert answer.json()["code"] == code
        assert eventually(lambda: nothing_is_left(served))
    assert fronted.public.ask("GET", versions, served.bearer).json()["versions"] == {}


def test_other_methods_on_the_upload_address_reach_the_application(served: Server, fronted: Front) -> None:
    versions = served.create_collection()
    for method, status in (("GET", 200), ("HEAD", 200), ("DELETE", 405), ("OPTIONS", 204)):
        answer = fronted.public.ask(method, versions, served.bearer)
        assert answer.status == status
        expected = served.direct.ask(method, versions, served.bearer)
        assert answer.body == expected.body
        assert answer.headers["Allow"] == expected.headers["Allow"]


def test_a_body_on_a_route_that_takes_none_is_no_version(served: Server, fronted: Front) -> None:
    """The upload address also lands bodies of other methods as files; only an upload looks at them."""
    versions = served.create_collection()
    answer = fronted.public.ask("GET", versions, served.bearer, b"a body")
    assert (answer.status, answer.json()["versions"]) == (200, {})
    assert eventually(lambda: nothing_is_left(served))


@pytest.mark.parametrize("ending", ["", "/", "/latest", "x"])
def test_only_the_upload_address_lands_bodies_there(served: Server, fronted: Front, ending: str) -> None:
    """Any other body waits elsewhere, so that no name of the directory belongs to it."""
    path = f"{served.create_collection()}{ending}" if ending else COLLECTIONS
    with fronted.public.connected() as connection:
        send_head(connection, "POST", path, served.bearer, iter(()))
        for block in Body(2 * MIB, next(seeds)):
            send_chunk(connection, block)
        eventually(lambda: [name for name in fronted.application.open_files() if str(fronted.other_bodies) in name])
        assert list(served.incoming.iterdir()) == []
        connection.send(b"0\r\n\r\n")
        assert read_answer(connection).status in {400, 404, 405, 413}
