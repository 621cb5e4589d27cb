"""Notices an answer while the body is still being sent, and cuts the connection when there is nothing more to say.

httpcore names the network stream of a request to its `trace` extension. What the server says before the body is
complete is read from that stream here: whatever it is, the body is not continued.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any

import h11
import httpcore
import httpx

from bahub.repository.answers import Answer
from bahub.repository.connection import words

_READ = 1 << 16
_GLANCE = 0.05
"""Seconds to wait for words when the socket has bytes: with TLS they may be mere housekeeping."""


class EarlyAnswer(Exception):
    """The server has answered before the body was complete."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Wire:
    """The connection of one request, as its body's sender sees it."""

    def __init__(self, read_timeout: float) -> None:
        self._read_timeout = read_timeout
        self._stream: httpcore.NetworkStream | None = None
        self._cut = False
        self._lock = threading.Lock()
        self._heard = h11.Connection(h11.CLIENT)
        self._heard.send(h11.Request(method="GET", target="/", headers=[("Host", "any")]))
        self._heard.send(h11.EndOfMessage())

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Take what httpcore tells (its `trace` extension)."""
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._stream = info["return_value"]
                cut = self._cut
            if cut:
                self.cut()

    def cut(self) -> None:
        """End the connection at once; may be called from any thread, before and after everything."""
        with self._lock:
            self._cut = True
            stream = self._stream
        if stream is not None and isinstance(connected := stream.get_extra_info("socket"), socket.socket):
            with contextlib.suppress(OSError):  # it has ended already
                # of the plain socket: TLS would want to say goodbye, from a thread that may not
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def listen(self) -> None:
        """Look whether the server has said something.

        Raises:
            EarlyAnswer: a final answer.
            httpx.TransportError: it hung up.
        """
        if self._stream is None or not self._stream.get_extra_info("is_readable"):
            return
        try:
            if not self._hear(_GLANCE):
                return
            while not self._answered():
                if self._heard.trailing_data[0] == b"":
                    return  # "go on" and nothing else
                self._hear(self._read_timeout)
            raise EarlyAnswer(self._rest())
        except httpcore.ReadTimeout:
            return
        except (httpcore.ReadError, h11.RemoteProtocolError) as error:
            raise httpx.ReadError(words(error)) from error

    def _hear(self, timeout: float) -> bool:
        assert self._stream is not None  # noqa: S101 - `listen` has looked
        data = self._stream.read(_READ, timeout=timeout)
        if not data and self._heard.their_state is h11.SEND_RESPONSE:
            raise httpx.RemoteProtocolError("the server hung up")
        self._heard.receive_data(data)
        return bool(data)

    def _answered(self) -> bool:
        """Read on to the head of a final answer; false when it is not there yet."""
        while (event := self._heard.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                self._status = event.status_code
                return True
        return False

    def _rest(self) -> Answer:
        body = bytearray()
        with contextlib.suppress(httpcore.ReadTimeout, httpcore.ReadError, h11.RemoteProtocolError):
            while True:
                event = self._heard.next_event()
                if isinstance(event, h11.Data):
                    body += event.data
                elif event is h11.NEED_DATA:
                    self._hear(self._read_timeout)
                else:
                    break
        return Answer(self._status, bytes(body))
