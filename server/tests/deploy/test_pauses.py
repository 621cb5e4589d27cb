"""The time-outs of deploy/nginx are the ones in force (case 65): test_files holds them at an hour, here they are shortened."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from functools import partial

import pytest
from world.bodies import Body
from world.front import Front
from world.instance import Server
from world.waiting import eventually
from world.wire import Address, read_answer, send_chunk, send_head

MIB = 1 << 20
LARGE = 24 * MIB
"""More than the socket buffers of both layers take in."""


def has_arrived(server: Server, size: int) -> bool:
    """Whether the application's NGINX has written so much of a body."""
    return sum(file.stat().st_size for file in server.incoming.iterdir()) >= size


def reading_end(front: Front, layer: str) -> Address:
    return front.public if layer == "router" else front.inner


@pytest.mark.parametrize("layer", ["router", "application"])
def test_a_sender_may_pause_as_long_as_client_body_timeout_says(
    served: Server, fronted_with: Callable[..., Front], layer: str
) -> None:
    """Case 65. The cut upload leaves nothing."""
    running = fronted_with(**{layer: {"client_body_timeout 3600s": "client_body_timeout 1s"}})
    versions = served.create_collection()
    blobs = served.blobs()
    with reading_end(running, layer).connected() as connection:
        send_head(connection, "POST", versions, served.bearer, iter(()))
        for block in Body(3 * MIB, 11):
            send_chunk(connection, block)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            read_answer(connection)
    assert eventually(lambda: served.leftovers() == [])
    assert served.direct.ask("GET", versions, served.bearer).json()["versions"] == {}
    assert served.blobs() == blobs


@pytest.mark.parametrize("layer", ["router", "application"])
def test_a_reader_may_pause_as_long_as_send_timeout_says(
    served: Server, fronted_with: Callable[..., Front], layer: str
) -> None:
    """Case 65."""
    running = fronted_with(**{layer: {"send_timeout 3600s": "send_timeout 1s"}})
    versions = served.create_collection()
    assert served.direct.ask("POST", versions, served.bearer, Body(LARGE, 12)).status == 200
    with reading_end(running, layer).connected() as connection:
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        send_head(connection, "GET", f"{versions}/v1", served.bearer)
        (running.router if layer == "router" else running.application).logged(f"{versions}/v1")
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            read_answer(connection)


@pytest.mark.parametrize("layer", ["router", "application"])
def test_pauses_shorter_than_the_time_outs_do_no_harm(served: Server, fronted: Front, layer: str) -> None:
    """Case 65, with the values as shipped: what has been sent arrives, the rest may come whenever it wants."""
    body = Body(3 * MIB, 13)
    versions = served.create_collection()
    blocks = iter(body)
    with reading_end(fronted, layer).connected() as connection:
        send_head(connection, "POST", versions, served.bearer, blocks)
        for block, arrived in zip(blocks, (0, 1, 2), strict=True):
            send_chunk(connection, block)
            eventually(partial(has_arrived, served, arrived * MIB))
        connection.send(b"0\r\n\r\n")
        answer = read_answer(connection)
    assert answer.json()["version"]["checksum"]["value"] == body.sha256()
