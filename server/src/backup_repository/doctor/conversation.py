"""One request and its answer, byte by byte, and every wait bounded."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httptools

from backup_repository.doctor.trouble import Cut

_BLOCK = 65536
_MOST_BYTES, _MOST_OF_A_HEAD = 8 << 20, 256 << 10
"""No answer that a check waits for is larger."""
_CONTINUE, _FIRST_FINAL = 100, 200


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds."""

    connect: float = 10
    """Until a connection stands, TLS included."""
    answer: float = 60
    """Until a whole answer is there."""
    verdict: float = 3
    """After `100 Continue`, until a layer behind the first has had its say."""
    pacing: float = 5
    """For sending the small body that is to arrive as slowly as it is sent."""
    tidying: float = 10
    """For finding and deleting what was uploaded, when its answer got lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names; repeated ones are joined by commas."""
    body: bytes

    def document(self) -> dict[str, Any]:
        """Read the body as a JSON object; empty when it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def code(self) -> int | None:
        """The number of a refusal (contract 1.5), where there is one."""
        code = self.document().get("code")
        return code if isinstance(code, int) else None

    @property
    def proxied(self) -> bool:
        """Whether a proxy shows itself: the server alone names neither itself nor a way."""
        return "server" in self.headers or "via" in self.headers


@dataclass(slots=True)
class _Parts:
    """What the parser has seen of an answer."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    headed: bool = False
    whole: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole = True

    def begin_again(self) -> None:
        self.headers, self.body, self.headed, self.whole = {}, bytearray(), False, False


class Conversation:
    """One request and its answer, byte by byte."""

    def __init__(self, connection: socket.socket, patience: Patience) -> None:
        self._connection = connection
        self._patience = patience
        self._parts = _Parts()
        self._parser = httptools.HttpResponseParser(self._parts)
        self._received = 0
        self.continued = False
        """Whether `100 Continue` has come."""

    @property
    def certificate(self) -> Mapping[str, Any]:
        """The other side's certificate, if there is one and it was checked."""
        return self._connection.getpeercert() or {} if isinstance(self._connection, ssl.SSLSocket) else {}

    @property
    def protocol(self) -> str:
        """What is spoken below HTTP, for example `TLSv1.3`."""
        return self._connection.version() or "" if isinstance(self._connection, ssl.SSLSocket) else ""

    @property
    def stays_here(self) -> bool:
        """Whether the other side is this machine.

        Raises:
            Cut: it has closed already.
        """
        try:
            peer = self._connection.getpeername()[0]
        except OSError as error:
            raise Cut(error) from error
        return ipaddress.ip_address(peer.partition("%")[0]).is_loopback

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Cut: the other side has closed, or takes nothing any more.
        """
        self._connection.settimeout(self._patience.answer)
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise Cut(error) from error

    def hear(self, seconds: float, *, until_continue: bool = False) -> Answer | None:
        """Listen for so many seconds; None: no whole answer has come so far.

        Args:
            seconds: how long.
            until_continue: also end when `100 Continue` has come.

        Raises:
            Cut: the connection was closed before a whole answer came, or what came is no HTTP.
        """
        deadline = time.monotonic() + seconds
        while not self._parts.whole:
            if until_continue and self.continued:
                return None
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._connection.settimeout(left)
            try:
                data = self._connection.recv(_BLOCK)
            except TimeoutError:
                return None
            except OSError as error:
                raise Cut(error) from error
            self._take(data)
        return Answer(self._parser.get_status_code(), self._parts.headers, bytes(self._parts.body))

    def _take(self, data: bytes) -> None:
        if not data:
            framed = {"content-length", "transfer-encoding"} & self._parts.headers.keys()
            if not self._parts.headed or framed:
                raise Cut
            self._parts.whole = True
            return
        self._received += len(data)
        if self._received > (_MOST_BYTES if self._parts.headed else _MOST_OF_A_HEAD):
            raise Cut(words="its answer does not end")
        # Line by line, so that what follows `100 Continue` in the same block belongs to the answer.
        for piece in data.splitlines(keepends=True) if not self._parts.headed else (data,):
            try:
                self._parser.feed_data(piece)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                raise Cut(words="what it answers is no HTTP/1.1") from error
            if self._parts.whole and self._parser.get_status_code() >= _FIRST_FINAL:
                return
            if self._parts.whole:
                self.continued = self.continued or self._parser.get_status_code() == _CONTINUE
                self._parts.begin_again()
