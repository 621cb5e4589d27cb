"""Aborts the multipart uploads that dead processes left in an S3 bucket, which obstore has no call for.

What may still be running is left alone: an upload counts as dead when neither it nor any of its parts is younger than
a day, whatever the sweep's own age is, for other instances may be at it. Requests are signed with Signature Version 4
as Amazon documents it, by the key and secret of the settings. Where these come from the provider's own chain, or the
store refuses to list its uploads, the bucket's lifecycle rule has to do it; the log says so once.

Google Cloud Storage keeps parts until a lifecycle rule removes them, and Azure drops them by itself after a week.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

from backup_repository.config.model import S3Storage
from backup_repository.errors import StorageUnavailable
from backup_repository.storage.base import KEY
from backup_repository.storage.threads import Threads

_log = logging.getLogger(__name__)

_DEAD = 24 * 3600.0
"""Seconds without a new part after which nobody goes on with an upload."""
_SECONDS = 60
"""After this long without a byte a request has failed."""
_NOTHING = hashlib.sha256().hexdigest()
"""The digest of an empty body, as all these requests have."""

_ABORTING = Threads("aborting uploads", 1)


class Multiparts:
    """The unfinished uploads of one storage's prefix."""

    def __init__(self, settings: S3Storage, now: Callable[[], float] = time.time) -> None:
        """Take the storage's settings, and what gives the present moment in seconds since 1970."""
        self._settings = settings
        self._now = now
        self._told = False

    async def clear(self, older_than: float) -> int:
        """Abort the uploads that nobody has gone on with for so many seconds, a day at the least; return how many.

        Raises:
            StorageUnavailable: the store is out of reach.
        """
        before = self._now() - max(older_than, _DEAD)
        try:
            return await _ABORTING.run(_abort_dead, self._settings, before)
        except _Refused:
            if not self._told:
                self._told = True
                _log.warning(
                    "unfinished uploads of storage %s are not listed with these credentials; "
                    "let a lifecycle rule of the bucket abort incomplete multipart uploads after a few days",
                    self._settings.name,
                )
            return 0
        except (OSError, ET.ParseError) as error:
            raise StorageUnavailable("The object store is unavailable") from error


class _Refused(Exception):
    """These requests are not for us; trying again does not help."""


@dataclass(frozen=True, slots=True)
class _Upload:
    key: str
    """With the prefix."""
    id: str
    begun_at: float


def _abort_dead(settings: S3Storage, before: float) -> int:
    if not settings.credentials_key:
        raise _Refused
    aborted = 0
    for upload in list(_uploads(settings)):
        if upload.begun_at <= before and _last_part_at(settings, upload) <= before:
            _ask(settings, "DELETE", upload.key, (("uploadId", upload.id),))
            aborted += 1
    return aborted


def _uploads(settings: S3Storage) -> Iterator[_Upload]:
    """List the unfinished uploads of our prefix, in pages."""
    prefix = f"{settings.prefix}/" if settings.prefix else ""
    marker: tuple[tuple[str, str], ...] = ()
    while True:
        page = _ask(settings, "GET", "", (("uploads", ""), ("prefix", prefix), *marker))
        if page is None:
            return
        for found in page.iterfind("{*}Upload"):
            key = found.findtext("{*}Key", "")
            if key.startswith(prefix) and KEY.fullmatch(key.removeprefix(prefix)):
                yield _Upload(key, found.findtext("{*}UploadId", ""), _moment(found.findtext("{*}Initiated", "")))
        if page.findtext("{*}IsTruncated") != "true":
            return
        marker = (
            ("key-marker", page.findtext("{*}NextKeyMarker", "")),
            ("upload-id-marker", page.findtext("{*}NextUploadIdMarker", "")),
        )


def _last_part_at(settings: S3Storage, upload: _Upload) -> float:
    """Say when the last part of an upload came, or 0 where none did."""
    latest, marker = 0.0, "0"
    while True:
        page = _ask(settings, "GET", upload.key, (("uploadId", upload.id), ("part-number-marker", marker)))
        if page is None:
            return latest
        moments = [_moment(part.findtext("{*}LastModified", "")) for part in page.iterfind("{*}Part")]
        latest = max(latest, *moments) if moments else latest
        if page.findtext("{*}IsTruncated") != "true":
            return latest
        marker = page.findtext("{*}NextPartNumberMarker", "")


def _moment(text: str) -> float:
    """Return a time of the store as seconds since 1970; one that cannot be read is now."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return time.time()


def _ask(settings: S3Storage, method: str, key: str, query: Sequence[tuple[str, str]]) -> ET.Element | None:
    """Send one signed request and return the answer's document; None: there is no such thing, or not any more.

    Raises:
        _Refused: the store does not answer such requests, or not for these credentials.
        OSError: it is out of reach.
    """
    request = _signed(settings, method, key, query, datetime.now(UTC))
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - settings give http and https addresses only
            body = answer.read()
    except HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.NOT_IMPLEMENTED:
                raise _Refused from error
            raise
    return ET.fromstring(body) if body else None  # noqa: S314 - the operator's own store; expat is bounded


def _signed(settings: S3Storage, method: str, key: str, query: Sequence[tuple[str, str]], moment: datetime) -> Request:
    """Make a request with an empty body and its signature."""
    base = urlsplit(_bucket_address(settings))
    path = (base.path or "/") if not key else f"{base.path}/{quote(key, safe='/-_.~')}"
    ordered = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    wanted = "&".join(f"{name}={value}" for name, value in ordered)
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": base.netloc, "x-amz-content-sha256": _NOTHING, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{path}\n{wanted}\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{stamp[:8]}/{settings.region}/s3/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing_key = f"AWS4{settings.credentials_secret}".encode()
    for step in scope.split("/"):
        signing_key = hmac.digest(signing_key, step.encode(), "sha256")
    signature = hmac.digest(signing_key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={settings.credentials_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return Request(f"{base.scheme}://{base.netloc}{path}?{wanted}", method=method, headers=headers)  # noqa: S310 - as above


def _bucket_address(settings: S3Storage) -> str:
    """Return where the bucket is, without a slash at the end."""
    if settings.endpoint:
        return f"{settings.endpoint}/{settings.bucket}"
    if "." in settings.bucket:
        return f"https://s3.{settings.region}.amazonaws.com/{settings.bucket}"
    return f"https://{settings.bucket}.s3.{settings.region}.amazonaws.com"
