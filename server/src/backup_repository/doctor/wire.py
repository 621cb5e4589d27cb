"""HTTP by hand: heads, bodies and pauses exactly as a check wants them.

One connection carries one request. Nothing is followed, repeated or decoded.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping

from backup_repository.doctor.conversation import Answer, Conversation, Patience
from backup_repository.doctor.target import Target
from backup_repository.doctor.trouble import Cut, tls_trouble, unreachable

_NO_HEADERS: Mapping[str, str] = {}


class Wire:
    """Opens connections to one target."""

    def __init__(self, target: Target, patience: Patience, *, verified: bool) -> None:
        self.target = target
        self.patience = patience
        self._tls = _context(verified=verified) if target.encrypted else None

    @contextlib.contextmanager
    def open(self) -> Iterator[Conversation]:
        """Give a fresh connection, and hang up afterwards.

        Raises:
            Unreachable: nobody answers there, or TLS fails.
        """
        with contextlib.closing(self._connected()) as connection:
            yield Conversation(connection, self.patience)

    def head(self, method: str, path: str, headers: Mapping[str, str] = _NO_HEADERS) -> bytes:
        """Write the head of a request."""
        fields = {
            "Host": self.target.authority,
            "User-Agent": "backup-repository-doctor",
            "Accept": "*/*",
            "Connection": "close",
            **headers,
        }
        lines = [f"{method} {self.target.prefix}{path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def ask(self, method: str, path: str, headers: Mapping[str, str] = _NO_HEADERS, body: bytes = b"") -> Answer:
        """Send a whole request and return the whole answer, also one that comes before the body was sent.

        Raises:
            Unreachable: nobody answers there, or TLS fails.
            Cut: the connection was closed, or stays silent.
        """
        length = {"Content-Length": str(len(body))} if body or method == "POST" else {}
        with self.open() as conversation:
            with contextlib.suppress(Cut):  # a refusal may come first; whether one came, hearing tells
                conversation.send(self.head(method, path, {**length, **headers}) + body)
            answer = conversation.hear(self.patience.answer)
        if answer is None:
            raise Cut(words=f"no answer came within {self.patience.answer:g} s")
        return answer

    def _connected(self) -> socket.socket:
        try:
            plain = socket.create_connection((self.target.host, self.target.port), self.patience.connect)
        except (OSError, UnicodeError) as error:
            raise unreachable(error, self.target) from error
        if self._tls is None:
            return plain
        try:
            return self._tls.wrap_socket(plain, server_hostname=self.target.host)
        except (OSError, ValueError) as error:
            plain.close()
            raise tls_trouble(error, self.target) from error
        except BaseException:
            plain.close()
            raise


def _context(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
