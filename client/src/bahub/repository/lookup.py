"""Looks at the server before and after the bytes: the collection, its versions."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx

from bahub.errors import Failed, Refused
from bahub.repository.answers import Answer
from bahub.repository.connection import Connection, is_untrusted
from bahub.repository.model import Collection, Version

_PASSING = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What a proxy answers while the server behind it starts."""


def preflight(connection: Connection, collection_id: str) -> Collection | None:
    """Look the collection up before anything is started; None when the token may not see it (contract B 3.6).

    Raises:
        Refused: the token or the collection is unknown.
        Failed: the server cannot be reached, or is none.
    """
    try:
        return collection_of(connection, collection_id)
    except Refused as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return None


def collection_of(connection: Connection, collection_id: str) -> Collection:
    """Fetch one collection.

    Raises:
        Refused, Failed: it cannot be had.
    """
    document = _get(connection, connection.collection_url(collection_id)).checked()
    try:
        return Collection.read(document["collection"])
    except (KeyError, TypeError, ValueError):
        raise Failed("the answer is not one of a Backup Repository", hint="check the url of the access") from None


def versions_of(connection: Connection, collection_id: str) -> Sequence[Version]:
    """List the versions of a collection, ascending by number.

    Raises:
        Refused, Failed: the list cannot be had.
    """
    document = _get(connection, connection.collection_url(collection_id, "versions")).checked()
    try:
        listed: dict[str, Any] = dict(document["versions"])
        versions = [Version.read(entry["details"]) for entry in listed.values()]
    except (KeyError, TypeError, ValueError):
        raise Failed("the server's list of versions cannot be read") from None
    return sorted(versions, key=lambda version: version.number)


def _get(connection: Connection, url: str) -> Answer:
    """Ask once the server is there; nothing has been started yet, so that waiting for it costs nothing."""

    def ask() -> Answer:
        with connection.client() as client, client.stream("GET", url) as response:
            answer = Answer.read(response)
            if answer.status in _PASSING:
                raise _Starting(answer)
            return answer

    try:
        return connection.patiently(ask, worth=lambda error: not is_untrusted(error))
    except _Starting as starting:
        return starting.answer
    except httpx.TransportError as error:
        raise connection.unreachable(error) from error


class _Starting(httpx.TransportError):
    """A proxy answered for a server that is not there yet."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("the server behind the proxy is not there")
        self.answer = answer
