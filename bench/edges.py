"""Edge cases of HTTP/1.1 on which the contract rules, tried on a raw socket; each returns what was seen, briefly."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Mapping

from bench.client import Request
from bench.product import Product

_PATIENCE = 10
_BLOCK = bytes(1 << 16)
_LARGE = 50 * 1000 * 1000
_NOBODY = {"Authorization": "Bearer nobody"}


def expectation_refused(product: Product) -> str:
    """`Expect: 100-continue`, refused from the headers."""
    with _connect(product) as connection:
        connection.sendall(_head(product, {**_NOBODY, "Content-Length": str(_LARGE), "Expect": "100-continue"}))
        first = connection.makefile("rb").readline()
        return f"{_status_of(first)} at once" if not first.startswith(b"HTTP/1.1 100") else "100, then the refusal"


def expectation_accepted(product: Product) -> str:
    """`Expect: 100-continue`, accepted."""
    with _connect(product) as connection:
        connection.sendall(_head(product, {**_own(product), "Content-Length": "5", "Expect": "100-continue"}))
        first = connection.makefile("rb").readline()
        return _status_of(first)


def refused_early(product: Product) -> str:
    """Refused from the headers while 50 MB are being sent."""
    with _connect(product) as connection:
        connection.sendall(_head(product, {**_NOBODY, "Content-Length": str(_LARGE)}))
        sent, broken = 0, ""
        try:
            while sent < _LARGE:
                sent += connection.send(_BLOCK[: _LARGE - sent])
        except (BrokenPipeError, ConnectionResetError) as error:
            broken = f", {type(error).__name__}"
        return f"{sent / 1e6:.0f} MB sent{broken}; then {_answer(connection)}"


def shorter_than_announced(product: Product) -> str:
    """A body shorter than announced."""
    return _cut(product, {"Content-Length": "1000"}, b"half of it")


def chunks_cut(product: Product) -> str:
    """A chunked body without its end."""
    return _cut(product, {"Transfer-Encoding": "chunked"}, b"5\r\nhello\r\n")


def chunk_broken(product: Product) -> str:
    """A chunk whose length is no number."""
    return _whole(product, {"Transfer-Encoding": "chunked"}, b"5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n")


def both_lengths(product: Product) -> str:
    """`Content-Length` and `Transfer-Encoding` together."""
    headers = {"Content-Length": "5", "Transfer-Encoding": "chunked"}
    return _whole(product, headers, b"5\r\nhello\r\n0\r\n\r\n")


def two_lengths(product: Product) -> str:
    """Two different `Content-Length`."""
    return _whole(product, {"Content-Length": "5", "content-length": "6"}, b"hello")


def long_head(product: Product) -> str:
    """A header of 1 MB."""
    with _connect(product) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(_head(product, {"Authorization": "x" * 1_000_000}))
        return _answer(connection)


def no_http(product: Product) -> str:
    """Something that is no HTTP."""
    with _connect(product) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
        return _answer(connection)


CASES: tuple[Callable[[Product], str], ...] = (
    expectation_refused,
    expectation_accepted,
    refused_early,
    shorter_than_announced,
    chunks_cut,
    chunk_broken,
    both_lengths,
    two_lengths,
    long_head,
    no_http,
)


def _cut(product: Product, headers: Mapping[str, str], body: bytes) -> str:
    """Send part of a body, say that nothing more will come, and look what became of it."""
    return _whole(product, headers, body, end=True)


def _whole(product: Product, headers: Mapping[str, str], body: bytes, *, end: bool = False) -> str:
    upload = product.add()
    with _connect(product) as connection:
        connection.sendall(Request("POST", product.port, upload.path, {**upload.headers, **headers}).head() + body)
        if end:
            connection.shutdown(socket.SHUT_WR)
        seen = _answer(connection)
    listing = product.served.direct.ask("GET", upload.path, dict(upload.headers)).json()
    return f"{seen}; {'stored' if listing['versions'] else 'nothing stored'}"


def _answer(connection: socket.socket) -> str:
    """Read the answer: its status, whether it has the contract's envelope, and whether the connection is closed."""
    answer = http.client.HTTPResponse(connection)
    try:
        answer.begin()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__})"
    with contextlib.suppress(ValueError):
        if isinstance(json.loads(body), dict):
            return f"{answer.status}, JSON"
    return f"{answer.status}, no JSON"


def _status_of(line: bytes) -> str:
    return line.split()[1].decode() if line else "no answer"


def _own(product: Product) -> dict[str, str]:
    return dict(product.served.bearer)


def _head(product: Product, headers: Mapping[str, str]) -> bytes:
    return Request("POST", product.port, product.versions, headers).head()


def _connect(product: Product) -> socket.socket:
    return socket.create_connection(("127.0.0.1", product.port), _PATIENCE)
