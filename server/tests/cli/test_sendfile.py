"""The HTTP server lets the kernel send files, on either event loop; applications that ask for nonsense get errors."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import uvicorn
from world import wire
from world.authority import Authority
from world.bodies import Body
from world.waiting import eventually

from backup_repository.cli.protocol import ContractProtocol
from backup_repository.cli.sockets import on_address

SENT_FILE = "http.response.zerocopysend"
MIB = 1 << 20
CONTENT = Body(12 * MIB + 1, 47_900).whole()

Send = Callable[[Any], Awaitable[None]]
Answering = Callable[[Any, Any, Send], Awaitable[None]]


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    """The event loop that serves."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def file() -> Iterator[IO[bytes]]:
    """An open file with CONTENT."""
    with tempfile.TemporaryFile() as opened:
        opened.write(CONTENT)
        opened.flush()
        yield opened


@contextmanager
def serving(app: Answering, loop: str, **settings: Any) -> Iterator[wire.Address]:
    """Serve an application in a thread; the settings are further ones of uvicorn."""
    listener = on_address("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        http=ContractProtocol,
        loop=loop,
        lifespan="off",
        ws="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        **settings,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    address = wire.tcp("127.0.0.1", listener.getsockname()[1])
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()


async def begin(send: Send, *headers: tuple[bytes, bytes]) -> None:
    """Begin an answer."""
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})


def part(file: IO[bytes], offset: int, count: int, *, more: bool) -> dict[str, Any]:
    """Ask the server to send a part of the file."""
    moved: Callable[[], None] = lambda: None  # noqa: E731 - nobody is interested
    return {"type": SENT_FILE, "file": file, "offset": offset, "count": count, "moved": moved, "more_body": more}


def length(count: int) -> tuple[bytes, bytes]:
    """Announce so many bytes."""
    return (b"content-length", str(count).encode())


def test_parts_of_files_and_other_bytes_make_one_body(loop: str, file: IO[bytes]) -> None:
    """An empty part is none, and the connection serves the next request."""

    async def app(scope: Any, _receive: Any, send: Send) -> None:
        assert SENT_FILE in scope["extensions"]
        await begin(send, length(6 + len(CONTENT)))
        await send(part(file, 3, 0, more=True))
        await send({"type": "http.response.body", "body": b"before", "more_body": True})
        await send(part(file, 5 * MIB, 7 * MIB + 1, more=True))
        await send(part(file, 0, 5 * MIB, more=False))

    with serving(app, loop) as address, address.connected() as connection:
        assert connection.sock is not None
        for _ in range(3):
            connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: server\r\n\r\n")
            assert wire.read_answer(connection).body == b"before" + CONTENT[5 * MIB :] + CONTENT[: 5 * MIB]


def test_a_head_is_no_place_for_a_file(loop: str, file: IO[bytes]) -> None:
    async def app(_scope: Any, _receive: Any, send: Send) -> None:
        await begin(send, length(len(CONTENT)))
        await send(part(file, 0, len(CONTENT), more=False))

    with serving(app, loop) as address, address.connected() as connection:
        assert connection.sock is not None
        for method in ("HEAD", "GET", "HEAD"):
            connection.sock.sendall(f"{method} / HTTP/1.1\r\nHost: server\r\n\r\n".encode())
            answer = wire.read_answer(connection, method)
            assert answer.headers["content-length"] == str(len(CONTENT))
            assert answer.body == (CONTENT if method == "GET" else b"")


def test_a_file_never_makes_an_answer_longer_than_announced(
    loop: str, file: IO[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    async def app(_scope: Any, _receive: Any, send: Send) -> None:
        await begin(send, length(9))
        await send(part(file, 0, 5, more=True))
        await send(part(file, 5, 5, more=False))

    with serving(app, loop) as address, address.connected() as connection:
        wire.send_head(connection, "GET", "/")
        assert connection.sock is not None
        assert ended(connection.sock).endswith(b"\r\n\r\n" + CONTENT[:5])
    assert "longer than Content-Length" in caplog.text


def test_a_file_needs_an_announced_length(loop: str, file: IO[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, _receive: Any, send: Send) -> None:
        await begin(send)
        await send(part(file, 0, 5, more=False))

    with serving(app, loop) as address, address.connected() as connection:
        wire.send_head(connection, "GET", "/")
        assert connection.sock is not None
        assert ended(connection.sock).endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert "has a Content-Length" in caplog.text


def test_a_file_is_no_beginning_of_an_answer(loop: str, file: IO[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, _receive: Any, send: Send) -> None:
        await send(part(file, 0, 5, more=False))

    with serving(app, loop) as address:
        assert address.ask("GET", "/").status == 500
    assert "under way" in caplog.text


def test_a_client_that_vanishes_ends_the_sending_in_silence(
    loop: str, file: IO[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it says so or not; the application learns of it, and nothing is logged."""
    caplog.set_level(logging.INFO)
    learned: list[str] = []

    async def app(_scope: Any, receive: Any, send: Send) -> None:
        await receive()
        await begin(send, length(8 * len(CONTENT)))
        for _ in range(8):
            await send(part(file, 0, len(CONTENT), more=True))
        learned.append((await receive())["type"])

    with serving(app, loop) as address:
        for number in range(6):
            with address.connected() as connection:
                wire.send_head(connection, "GET", "/")
                assert connection.sock is not None
                assert connection.sock.recv(MIB)
                if number % 2:
                    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        eventually(lambda: len(learned) == 6)
    assert set(learned) == {"http.disconnect"}
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []


def test_what_was_written_before_goes_first(loop: str, file: IO[bytes]) -> None:
    """Also when the server still has it, because the reader is slow."""

    async def app(_scope: Any, _receive: Any, send: Send) -> None:
        await begin(send, length(len(CONTENT) + 9))
        await send({"type": "http.response.body", "body": CONTENT, "more_body": True})
        await send(part(file, 0, 9, more=False))

    with serving(app, loop) as address, address.connected() as connection:
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        wire.send_head(connection, "GET", "/")
        assert wire.read_answer(connection).body == CONTENT + CONTENT[:9]


def test_a_connection_that_ends_while_a_thread_sends_is_not_waited_for(
    loop: str, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client goes on listening, and takes nothing."""
    gone, finished = threading.Event(), threading.Event()
    sendfile = os.sendfile

    def sending_until_it_is_gone(connection: int, file: int, offset: int, count: int) -> int:
        try:
            return sendfile(connection, file, offset, count)
        except BlockingIOError:
            gone.wait(wire.PATIENCE)
            raise

    async def app(_scope: Any, receive: Any, send: Send) -> None:
        async def leave() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        leaving = asyncio.create_task(leave())
        await begin(send, length(len(CONTENT)))
        await send(part(file, 0, len(CONTENT), more=True))
        await leaving
        finished.set()

    monkeypatch.setattr(os, "sendfile", sending_until_it_is_gone)
    with serving(app, loop) as address, address.connected() as connection:
        assert connection.sock is not None
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        wire.send_head(connection, "GET", "/")
        assert connection.sock.recv(9) == b"HTTP/1.1 "
        connection.sock.sendall(b"this is no HTTP\r\n\r\n")
        assert finished.wait(wire.PATIENCE)


def test_nothing_goes_around_the_encryption(loop: str, tmp_path: Path) -> None:
    """Through TLS the kernel would send what nobody has encrypted."""
    authority = Authority.make(tmp_path)
    certificate, key = authority.sign("server.example.org")

    async def app(scope: Any, _receive: Any, send: Send) -> None:
        await begin(send, length(1))
        await send({"type": "http.response.body", "body": b"ny"[SENT_FILE in scope.get("extensions", {}) :][:1]})

    context = ssl.create_default_context(cafile=str(authority.file))
    with serving(app, loop, ssl_certfile=certificate, ssl_keyfile=key) as address:
        encrypted = wire.Address(
            lambda: context.wrap_socket(address.open(), server_hostname="server.example.org"), address.host
        )
        assert encrypted.ask("GET", "/").body == b"n"


def ended(connection: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    said = b""
    while piece := connection.recv(MIB):
        said += piece
    return said
