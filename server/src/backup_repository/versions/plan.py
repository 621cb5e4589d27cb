"""May this upload become a version, and what makes room for it? Pure (contract 8.4, 6.4).

The same judgement is asked twice: before a blob is finished, to refuse early, and again under the collection's lock.
In every limit 0 means unlimited and takes part in no check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backup_repository.collections.model import Collection, Strategy
from backup_repository.errors import RuleBroken
from backup_repository.rotation.choose import choose
from backup_repository.sizes import format_size


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """As much of a stored version as the judgement needs."""

    id: str
    number: int
    size: int
    """Bytes."""


def upload_limit(collection: Collection, user_max: int) -> int | None:
    """Return the largest accepted upload in bytes, or None for unlimited.

    Args:
        collection: where the upload goes.
        user_max: the account's maximum in bytes.
    """
    limits = [limit for limit in (collection.max_one_version_size, user_max) if limit != 0]
    return min(limits, default=None)


def check_size(collection: Collection, user_max: int, size: int) -> None:
    """Hold a number of bytes, announced or received, against the upload limit.

    Raises:
        RuleBroken: 40109.
    """
    limit = upload_limit(collection, user_max)
    if limit is not None and size > limit:
        raise RuleBroken(f"The upload is too large, at most {format_size(limit)} are accepted", 40109)


def already_full(collection: Collection) -> None:
    """Refuse early, by the maintained count, an upload that the strategy would refuse after its body was read.

    Raises:
        RuleBroken: 41012.
    """
    maximum = collection.max_backups_count
    if collection.strategy is Strategy.ALERT and 0 < maximum <= collection.versions_count:
        raise _too_many(f"{collection.versions_count} of at most {maximum} versions are stored")


def may_leave(collection: Collection) -> int:
    """Return how many of the oldest versions could have to go for an upload: nobody needs to look at the others."""
    maximum = collection.max_backups_count
    return 0 if maximum == 0 else max(0, collection.versions_count + 1 - maximum)


def judge(
    collection: Collection, oldest: Sequence[StoredVersion], *, size: int, duplicate: int | None, user_max: int
) -> tuple[StoredVersion, ...]:
    """Decide whether an upload becomes a version; the first broken rule answers.

    Args:
        collection: where the upload goes, with its limits and maintained counts as they are now.
        oldest: the versions with the lowest numbers, as many as `may_leave` says.
        size: bytes of the upload.
        duplicate: the number of the version that stores the same bytes; None: no version does.
        user_max: the account's maximum in bytes as it is now.

    Returns:
        The versions to retire, ascending by number.

    Raises:
        RuleBroken: 40109 too large, 41012 too many versions, 41011 stored already (also by a version that would
            retire), 41010 too many bytes even after rotation.
    """
    check_size(collection, user_max, size)
    unseen = collection.versions_count - len(oldest)
    plan = choose(collection.strategy)(oldest, collection.max_backups_count, unseen=unseen)
    if not plan.accept:
        raise _too_many(*plan.reasons)
    if duplicate is not None:
        raise RuleBroken(f"Content duplication: these bytes are stored already as v{duplicate}", 41011)
    used = collection.used_space - plan.freed + size
    if collection.max_collection_size != 0 and used > collection.max_collection_size:
        raise RuleBroken(
            f"The collection may hold {format_size(collection.max_collection_size)}, "
            f"with this upload it would hold {format_size(used)}",
            41010,
        )
    return plan.retire


def _too_many(*reasons: str) -> RuleBroken:
    return RuleBroken(f"Maximum count of files reached: {'; '.join(reasons)}", 41012)
