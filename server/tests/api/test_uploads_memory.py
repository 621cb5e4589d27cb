"""What an upload holds in memory while it waits for its sender: nothing of what is stored already."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from world.client import COLLECTIONS, Client, Served

# The database decides about no memory.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PIECES = 5


class Sender:
    """The sending side of one request, as the HTTP server hands it to the application."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.holders: list[int] = []
        """How many references to the last piece there were when the next one was wanted; two are of this class."""
        self.answer: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        """Give the next piece."""
        if self.sent:
            self.holders.append(sys.getrefcount(self.sent[-1]))
        self.sent.append(bytes([len(self.sent)]) * 70_000)
        return {"type": "http.request", "body": self.sent[-1], "more_body": len(self.sent) < PIECES}

    async def send(self, message: Any) -> None:
        """Take a part of the answer."""
        self.answer.append(message)


async def test_an_upload_that_waits_holds_nothing_of_what_came(served: Served, alice: Client) -> None:
    collection = await alice.create_collection()
    path = f"{COLLECTIONS}/{collection['id']}/versions"
    headers = {"host": "testserver", "authorization": f"Bearer {alice.token}", "transfer-encoding": "chunked"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("198.51.100.7", 50_000),
        "server": ("testserver", 80),
    }
    sender = Sender()
    await served.app(scope, sender.receive, sender.send)
    assert sender.answer[0]["status"] == 200
    assert sender.holders == [2] * (PIECES - 1)
    stored = await alice.get(f"{path}/latest")
    assert stored.content == b"".join(sender.sent)
