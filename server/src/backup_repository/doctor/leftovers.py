"""Nothing stays behind: versions that a check made are deleted (contract B 2.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from backup_repository.doctor.answers import unexpected
from backup_repository.doctor.case import Case
from backup_repository.doctor.conversation import Answer
from backup_repository.doctor.trouble import Trouble

_DONE, _GONE = 200, 404
_PAUSE = 0.5
"""Seconds between two tries."""


def versions_in(answer: Answer) -> list[dict[str, Any]]:
    """Give the versions of a listing."""
    listed = answer.document().get("versions")
    entries = listed.values() if isinstance(listed, dict) else ()
    return [entry["details"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("details"), dict)]


def digest_of(version: dict[str, Any]) -> str:
    """Give the SHA-256 of a version in hex; empty when it says none."""
    checksum = version.get("checksum")
    value = checksum.get("value") if isinstance(checksum, dict) else None
    return value if isinstance(value, str) else ""


def removed(case: Case, stored: Answer) -> str:
    """Delete the version that an answer tells of; returns what there is to say, as an addition to a sentence."""
    version = stored.document().get("version")
    identifier = version.get("id") if isinstance(version, dict) else None
    with case.deferred():
        trouble = delete(case, str(identifier))
    return f" and could not be deleted again ({trouble})" if trouble else " and is deleted again"


def delete(case: Case, identifier: str) -> str:
    """Delete a version, trying for a bounded time; returns why it is still there, or an empty text."""
    reason = ""
    for _ in _tries(case):
        try:
            answer = case.confidential.ask("DELETE", f"{case.versions}/{identifier}", case.bearer)
        except Trouble as trouble:
            reason = str(trouble)
            continue
        if answer.status in {_DONE, _GONE}:
            return ""
        reason = unexpected(answer)
        if answer.status < 500:  # noqa: PLR2004 - trying again would not help
            break
    return reason


def delete_by_digest(case: Case, digest: str) -> str:
    """Delete what has this content, though nobody said whether it was registered; returns as `delete` does.

    An upload whose answer got lost may be registered a moment later: the collection is watched for a bounded time.
    """
    reason = ""
    for _ in _tries(case):
        try:
            answer = case.confidential.ask("GET", case.versions, case.bearer)
        except Trouble as trouble:
            reason = str(trouble)
            continue
        if answer.status != _DONE:
            reason = unexpected(answer)
            continue
        reason = ""
        ours = [str(version.get("id")) for version in versions_in(answer) if digest_of(version) == digest]
        if ours:
            return delete(case, ours[0])
    return reason


def _tries(case: Case) -> Iterator[None]:
    ends = time.monotonic() + case.patience.tidying
    yield
    while time.monotonic() < ends:
        time.sleep(_PAUSE)
        yield
