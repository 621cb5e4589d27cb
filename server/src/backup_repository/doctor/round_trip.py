"""A version goes there and back, and is gone afterwards (contract B 2.4).

The order is the safety: everything that a deletion needs is tried before anything is uploaded, the collection is found
empty last, and from the first byte on every way out leads through the deletion.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backup_repository.doctor.answers import of_the_token, said, unexpected
from backup_repository.doctor.case import Case
from backup_repository.doctor.conversation import Answer
from backup_repository.doctor.found import Found, fail, ok, skip
from backup_repository.doctor.leftovers import delete, delete_by_digest, digest_of, versions_in
from backup_repository.doctor.trouble import Cut, Trouble

_SIZE = 1 << 20
_FIRST, _LAST = 123_456, 654_321
"""The bytes of the range."""
_DONE, _PARTIAL, _FIRST_REFUSAL, _NOT_FOUND, _TIMED_OUT, _FIRST_OF_SERVER = 200, 206, 400, 404, 408, 500
_LIMITS = frozenset({40109, 41010, 41012})
_ONCE = "upload.only_once_successful"
_PROXIES = "look at what the layers in front change of a download (`gzip off`, caches, filters)"
_SERVED = "; let `alias` in application.conf name FS_LOCAL_DIRECTORY, and run its NGINX as the user of the server"
_MENDS_OF_UPLOAD = {
    413: "; raise `client_max_body_size`",
    42023: "; let REVPROXY_STORAGE_DIR and `client_body_temp_path` in application.conf name the same directory, run "
    "both as the same user, and let the server trust who hands over (its Unix socket, or TRUSTED_PROXIES)",
}
_MENDS_OF_DOWNLOAD = {42001: _SERVED, 42002: _SERVED}
"""The settings behind refusals, by the codes in which they show."""


def round_trip(case: Case) -> Found:
    """Upload, list, download whole and by range, compare, delete."""
    if case.lacking:
        return skip(f"Needs {case.lacking}; the collection must be an empty one.")
    hindrance = _hindrance(case)
    if hindrance is not None:
        return hindrance
    trip = _Trip(case, os.urandom(_SIZE))
    try:
        found = trip.there_and_back()
    except Trouble as trouble:
        found = fail(f"No answer: {trouble}.")
    finally:
        with case.deferred():
            case.tell("deleting what was uploaded")
            left = trip.tidy_up()
            if left:
                case.note(left)
    return fail(f"{found.sentence} {left}".strip()) if left else found


def _hindrance(case: Case) -> Found | None:
    """Say what speaks against an upload; nothing is changed. None: nothing."""
    if _ONCE in _scope(case.token):
        return skip(f"The token works only once (`{_ONCE}`), so what is uploaded could not be deleted.")
    return _not_allowed(case) or _not_safe(case)


def _not_allowed(case: Case) -> Found | None:
    """Find out what the token may do with the collection, and with a version that does not exist."""
    nobody = f"{case.versions}/{uuid.uuid4()}"
    for method, path, expected in (
        ("GET", _collection(case), _DONE),
        ("GET", nobody, _NOT_FOUND),
        ("DELETE", f"{nobody}?simulate=true", _NOT_FOUND),
    ):
        answer = case.confidential.ask(method, path, case.bearer)
        if answer.status != expected:
            return _refused(answer)
    return None


def _not_safe(case: Case) -> Found | None:
    """Look for a version that an upload could rotate out, now or in a moment."""
    details = case.confidential.ask("GET", _collection(case), case.bearer).document().get("collection")
    if isinstance(details, dict) and details.get("max_backups_count") == 1:
        return skip("The collection keeps one version only, which a backup made meanwhile could lose; let it keep two.")
    listing = case.confidential.ask("GET", f"{case.versions}?limit=1", case.bearer)
    if listing.status != _DONE:
        return _refused(listing)
    if listing.document().get("versions") != {}:
        return skip("The collection holds versions, and a test must never rotate one out; give an empty collection.")
    return None


def _collection(case: Case) -> str:
    return case.versions.removesuffix("/versions")


def _refused(answer: Answer) -> Found:
    return of_the_token(answer) or fail(f"The collection cannot be used: {unexpected(answer)}.")


def _scope(token: str) -> tuple[str, ...]:
    """Read which permissions a token says it has; the server decides, this only avoids what is sure to fail."""
    try:
        claims = token.split(".")[1]
        roles = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("roles")
    except (IndexError, ValueError, AttributeError):
        return ()
    return tuple(map(str, roles)) if isinstance(roles, list) else ()


@dataclass(slots=True)
class _Trip:
    """One upload and what became of it."""

    case: Case
    content: bytes
    sent: bool = False
    """Whether the upload may have been registered."""
    identifier: str = ""
    """Of the version, as soon as it is known."""
    refused: bool = False
    """Whether it was said that nothing was registered."""

    @property
    def digest(self) -> str:
        """The SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    def there_and_back(self) -> Found:
        """Upload and compare; the first difference ends it."""
        hindrance = self._upload()
        if hindrance is not None:
            return hindrance
        checks: tuple[Callable[[], Iterator[str]], ...] = (self._listed, self._whole, self._range)
        for check in checks:
            for difference in check():
                return fail(difference)
        return ok("1 MiB was uploaded, listed, downloaded whole and by range, compared and deleted.")

    def tidy_up(self) -> str:
        """Delete the version; returns what is still there and why, or an empty text."""
        if not self.sent or self.refused:
            return ""
        where = f"the collection {self.case.collection}"
        if self.identifier:
            trouble = delete(self.case, self.identifier)
            what = f"The version {self.identifier}"
        else:
            trouble = delete_by_digest(self.case, self.digest)
            what = f"A version with the SHA-256 {self.digest}"
        return f"{what} may still be in {where}: {trouble}; delete it there." if trouble else ""

    def _upload(self) -> Found | None:
        answer = self._stored()
        if answer.status != _DONE:
            self.refused = _FIRST_REFUSAL <= answer.status < _FIRST_OF_SERVER and answer.status != _TIMED_OUT
            if answer.code in _LIMITS:
                return skip(f"The limits of the collection or the account do not allow it: {said(answer)}.")
            found = of_the_token(answer)
            mend = _MENDS_OF_UPLOAD.get(answer.code or answer.status, "")
            return found or fail(f"The upload is not taken: {unexpected(answer)}{mend}.")
        version = answer.document().get("version")
        if not isinstance(version, dict) or not isinstance(version.get("id"), str):
            return fail(f"The upload is not confirmed: {unexpected(answer)}.")
        self.identifier = version["id"]
        if digest_of(version) != self.digest:
            return fail("The server received other bytes than were sent: a layer in front changes bodies.")
        return None

    def _stored(self) -> Answer:
        """Send the version; without its last byte it cannot be registered."""
        wire = self.case.confidential
        head = wire.head("POST", self.case.versions, {**self.case.bearer, "Content-Length": str(_SIZE)})
        with wire.open() as conversation:
            with contextlib.suppress(Cut):  # a refusal may come first
                conversation.send(head + self.content[:-1])
                self.sent = True
                conversation.send(self.content[-1:])
            answer = conversation.hear(self.case.patience.answer)
        if answer is None:
            raise Cut(words=f"the upload was not answered within {self.case.patience.answer:g} s")
        return answer

    def _listed(self) -> Iterator[str]:
        answer = self.case.confidential.ask("GET", self.case.versions, self.case.bearer)
        ours = [version for version in versions_in(answer) if version.get("id") == self.identifier]
        if not ours:
            yield f"The uploaded version is not listed: {_PROXIES}."
        elif digest_of(ours[0]) != self.digest:
            yield "The listing shows another digest than that of the uploaded version."

    def _whole(self) -> Iterator[str]:
        answer = self._download({"Accept-Encoding": "gzip"})
        if answer.status != _DONE:
            mend = _MENDS_OF_DOWNLOAD.get(answer.code or answer.status, "")
            yield f"The uploaded version cannot be downloaded: {unexpected(answer)}{mend}."
        elif "content-encoding" in answer.headers:
            yield f"A download is encoded on the way (`Content-Encoding`): {_PROXIES}."
        elif answer.body != self.content:
            yield f"A download gives other bytes than were uploaded: {_PROXIES}."
        elif answer.headers.get("etag") != f'"{self.digest}"':
            yield f"The `ETag` of a download is not the server's, so that clients cannot resume: {_PROXIES}."
        elif self._repr_digest() != answer.headers.get("repr-digest"):
            yield f"The `Repr-Digest` of a download is not the server's: {_PROXIES}."

    def _range(self) -> Iterator[str]:
        answer = self._download({"Range": f"bytes={_FIRST}-{_LAST}"})
        if answer.status != _PARTIAL:
            yield f"A range is answered {answer.status} in place of 206, so that clients cannot resume: {_PROXIES}."
        elif (
            answer.body != self.content[_FIRST : _LAST + 1]
            or answer.headers.get("content-range") != f"bytes {_FIRST}-{_LAST}/{_SIZE}"
        ):
            yield f"A range gives other bytes than were asked for: {_PROXIES}."

    def _download(self, headers: dict[str, str]) -> Answer:
        path = f"{self.case.versions}/{self.identifier}"
        return self.case.confidential.ask("GET", path, {**self.case.bearer, **headers})

    def _repr_digest(self) -> str:
        return f"sha-256=:{base64.b64encode(bytes.fromhex(self.digest)).decode()}:"
