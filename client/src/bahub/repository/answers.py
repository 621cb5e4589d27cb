"""What an answer means: a document, a refusal (exit 4) or a failure (exit 1) (the HTTP contract, 1.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from bahub.errors import BahubError, Failed, Refused

_LARGEST = 64 << 20
"""Bytes of a document; no list of versions comes near."""
_EXCERPT = 1000
"""Characters of a message that are shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes

    @classmethod
    def read(cls, response: httpx.Response) -> Answer:
        """Read it to its end.

        Raises:
            httpx.TransportError: it broke off.
            Failed: it does not end.
        """
        body = bytearray()
        for block in response.iter_raw():
            body += block
            if len(body) > _LARGEST:
                raise Failed("the server's answer is far too long")
        return cls(response.status_code, bytes(body))

    def document(self) -> Mapping[str, Any]:
        """Return what a success says; empty when it is no JSON object."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def checked(self) -> Mapping[str, Any]:
        """Return the document of a success.

        Raises:
            Refused: the server answered 4xx.
            Failed: it answered anything else, or something that is no document.
        """
        if self.status != HTTPStatus.OK:
            raise self.failure()
        document = self.document()
        if not document:
            raise Failed("the answer is not one of a Backup Repository", hint="check the url of the access")
        return document

    def failure(self) -> BahubError:
        """Put an answer that is no success into a sentence: the server's text and code, never a page of HTML."""
        document = self.document()
        code = document.get("code")
        code = code if isinstance(code, int) else None
        message = _message(document) or f"the server answered {_named(self.status)}"
        if HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            text = message if code is None else f"{message} (code: {code})"
            return Refused(text, status=self.status, code=code)
        if HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST:
            return Failed(f"the server redirects ({self.status})", hint="put the final address into the access's url")
        return Failed(f"{message} ({'code' if code else 'status'}: {code or self.status})")


def _message(document: Mapping[str, Any]) -> str:
    """Return the server's words, with one sentence per wrong field."""
    fields = document.get("fields")
    if isinstance(fields, dict) and fields:
        return "; ".join(f"{name}: {_field(found)}" for name, found in fields.items())[:_EXCERPT]
    text = document.get("error") or document.get("message") or ""
    return str(text)[:_EXCERPT]


def _field(found: object) -> str:
    if not isinstance(found, dict):
        return str(found)
    return f"{found.get('message')} (code: {found.get('code')})"


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
