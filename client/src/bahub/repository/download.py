"""Fetches a version, whole and verified (contract B 3.6).

* `latest` and `first` are resolved once, so that a version that comes meanwhile cannot be mixed in. A token that may
  not list asks by name; the entity tag then ties all the requests to one version.
* After a cut it goes on where it stopped, with `Range` and `If-Range`, up to 10 times without progress.
* Only the bytes of a 200 or 206 are handed on. Whoever takes them learns at the end, by an end or by an error,
  whether they were all and the right ones.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from bahub.errors import BadUsage, Failed, Refused, Tampered
from bahub.progress import Progress
from bahub.repository import lookup
from bahub.repository.answers import Answer
from bahub.repository.connection import Connection, is_untrusted, pause_before, words
from bahub.repository.early import Wire
from bahub.streams import Writer

_LOG = logging.getLogger(__name__)
_FRUITLESS = 10
"""How many attempts in a row may bring nothing."""
_REDIRECTS = 5
_SPECIFIC = re.compile(r"v[1-9][0-9]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TAG = re.compile(r'"([0-9a-f]{64})"')
_DIGEST = re.compile(r"\bsha-256=:([A-Za-z0-9+/]{43}=):")
_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")
_PASSING = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One version, named so that it stays the same."""

    name: str
    """As in the path: an id, `v3`, or a word the server resolves."""
    shown: str
    """For people: `v3` where the number is known, else the name."""
    checksum: str | None = None
    """SHA-256 in lower-case hex, where the list has said it."""


def check_name(name: str) -> None:
    """See that a name can be one of a version.

    Raises:
        BadUsage: it cannot.
    """
    if name not in {"latest", "first"} and not _SPECIFIC.fullmatch(name):
        raise BadUsage(f"there is no version called {name}", hint="use latest, first, v<number> or an id")


def resolve(connection: Connection, collection_id: str, name: str) -> Wanted:
    """Turn `latest` and `first` into the version they mean now; other names stay.

    Raises:
        BadUsage: it is no name of a version.
        Refused: there is no version, or the collection is not to be seen.
        Failed: the server cannot be reached.
    """
    check_name(name)
    if name not in {"latest", "first"}:
        return Wanted(name.lower(), name.lower())
    try:
        versions = lookup.versions_of(connection, collection_id)
    except Refused as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return Wanted(name, name)
    if not versions:
        raise Refused("the collection holds no version yet", status=HTTPStatus.NOT_FOUND, code=None)
    version = versions[-1] if name == "latest" else versions[0]
    return Wanted(version.id, f"v{version.number}", version.checksum)


class Download:
    """One version on its way here."""

    def __init__(self, connection: Connection, collection_id: str, wanted: Wanted, progress: Progress) -> None:
        self._connection = connection
        self._url = connection.collection_url(collection_id, "versions", wanted.name)
        self._wanted = wanted
        self._progress = progress
        self._sha256 = hashlib.sha256()
        self._done = 0
        self._tag: str | None = None
        self._total: int | None = None
        self._expected = wanted.checksum
        self._wire = Wire(connection.access.read_timeout)
        self._was_cut = threading.Event()

    def cut(self) -> None:
        """End the connection at once; may be called from any thread."""
        self._was_cut.set()
        self._wire.cut()

    def run(self, sink: Writer) -> str:
        """Hand every byte on and return their SHA-256 once it is verified.

        Raises:
            Broken: nobody takes the bytes any more.
            Refused: the server answered 4xx.
            Failed: network or server.
            Tampered: digest or length differ, or the version became another one meanwhile.
        """
        fruitless = 0
        while True:
            before = self._done
            try:
                self._fetch(sink)
                break
            except (httpx.TransportError, _ServerAway) as error:
                fruitless = 0 if self._done > before else fruitless + 1
                if self._was_cut.is_set() or fruitless >= _FRUITLESS or not self._may_resume(error):
                    raise self._broken_off(error) from error
            _LOG.warning("the download broke off after %d bytes, going on", self._done)
            if fruitless:
                self._connection.pause(pause_before(fruitless))
        return self._verified()

    def _may_resume(self, error: Exception) -> bool:
        if self._done:
            return self._tag is not None
        return isinstance(error, httpx.TransportError) and not is_untrusted(error)

    def _broken_off(self, error: httpx.TransportError | _ServerAway) -> Failed:
        if isinstance(error, _ServerAway):
            return error
        if not self._done:
            return self._connection.unreachable(error)
        return Failed(f"the download broke off after {self._done} bytes: {words(error)}")

    def _fetch(self, sink: Writer) -> None:
        headers = {"Accept": "*/*"}
        if self._done:
            headers |= {"Range": f"bytes={self._done}-", "If-Range": self._tag or ""}
        wire = self._wire = Wire(self._connection.access.read_timeout)
        if self._was_cut.is_set():
            wire.cut()
        with self._connection.client() as client, _answer(client, self._url, headers, wire) as response:
            skipped = self._accepted(response)
            for block in response.iter_raw():
                if skipped:
                    block, skipped = block[skipped:], max(0, skipped - len(block))  # noqa: PLW2901 - the part we lack
                if not block:
                    continue
                self._sha256.update(block)
                sink.write(block)
                self._done += len(block)
                self._progress.advance(len(block))
            if self._total is not None and self._done < self._total:
                raise httpx.RemoteProtocolError("the answer ended early")

    def _accepted(self, response: httpx.Response) -> int:
        """Judge the head of an answer; return how many of its bytes are there already."""
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            answer = Answer.read(response)
            if answer.status in _PASSING and self._done:
                raise _ServerAway(answer.failure().message)
            raise answer.failure()
        tag = response.headers.get("etag")
        if self._done and tag != self._tag:
            raise Tampered(f"the version became another one during the download: {self._tag} is now {tag}")
        if not self._done:
            self._learn(response, tag)
        if response.status_code == HTTPStatus.OK:
            return self._done
        found = _RANGE.fullmatch(response.headers.get("content-range", ""))
        if found is None or int(found[1]) != self._done or int(found[2]) != self._total:
            raise Failed("the server sent another part than the one asked for")
        return 0

    def _learn(self, response: httpx.Response, tag: str | None) -> None:
        """Keep what the first answer says about the whole."""
        self._tag = tag if tag and tag.startswith('"') else None
        if response.status_code != HTTPStatus.OK or (tag is None and "repr-digest" not in response.headers):
            raise Failed("the answer is not one of a Backup Repository", hint="check the url of the access")
        length = response.headers.get("content-length", "")
        self._progress.total = self._total = int(length) if length.isdigit() else None
        for announced in (_from_tag(tag), _from_digest(response.headers.get("repr-digest", ""))):
            if announced is None:
                continue
            if self._expected is not None and self._expected != announced:
                raise Tampered(f"the server announces SHA-256 {announced}, its list says {self._expected}")
            self._expected = announced

    def _verified(self) -> str:
        found = self._sha256.hexdigest()
        if self._expected is None:
            raise Tampered(f"the server did not say which digest {self._wanted.shown} has; it cannot be verified")
        if found != self._expected:
            raise Tampered(f"{self._wanted.shown} was damaged: SHA-256 {found}, stored was {self._expected}")
        return found


class _ServerAway(Failed):
    """A proxy answered for a server that is not there; it may come back."""


@contextmanager
def _answer(client: httpx.Client, url: str, headers: dict[str, str], wire: Wire) -> Iterator[httpx.Response]:
    """Ask, and follow redirects within the same origin."""
    for _ in range(_REDIRECTS):
        with client.stream("GET", url, headers=headers, extensions={"trace": wire.trace}) as response:
            following = response.next_request
            if following is None:
                yield response
                return
            if _origin(following.url) != _origin(response.request.url):
                raise Failed(f"the server redirects the download to another place: {_place(following.url)}")
            url = str(following.url)
    raise Failed("the server redirects the download in a circle")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _place(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


def _from_tag(tag: str | None) -> str | None:
    found = _TAG.fullmatch(tag or "")
    return found[1] if found else None


def _from_digest(header: str) -> str | None:
    found = _DIGEST.search(header)
    return base64.b64decode(found[1]).hex() if found else None
