"""What a collection may look like (contract 6.3). Pure: rules on fields, on limits, and on what is already stored."""

from __future__ import annotations

import re

from backup_repository.collections.model import Limits, Strategy
from backup_repository.errors import FieldError, PermissionDenied, RuleBroken
from backup_repository.ids import parse_uuid
from backup_repository.sizes import format_size

FILENAME = re.compile(r"[A-Za-z0-9.\-_+()@!\[\],$ ]{1,200}")
"""A whole file name, to be matched with `fullmatch`."""
DESCRIPTION_MAX_LENGTH = 10_000


def check_filename(filename: str | None) -> FieldError | None:
    """Check the name that downloaded versions are built from; None is a missing one."""
    if not filename:
        return FieldError("The file name cannot be empty", 42011)
    if FILENAME.fullmatch(filename) is None:
        return FieldError(
            "Up to 200 characters out of A-Z a-z 0-9 . - _ + ( ) @ ! [ ] , $ and space are allowed", 42012
        )
    return None


def check_description(description: str) -> FieldError | None:
    """Check the free text of a collection."""
    if len(description) <= DESCRIPTION_MAX_LENGTH:
        return None
    return FieldError(f"Text is too long, at most {DESCRIPTION_MAX_LENGTH} characters are allowed", 40003)


def check_backups_count(count: int) -> FieldError | None:
    """Check the maximum number of versions."""
    return FieldError(f"Number cannot be negative, got {count}", 42016) if count < 0 else None


def check_strategy(strategy: str | None) -> FieldError | None:
    """Check the name of a strategy; None is a missing one, quoted as nothing."""
    if strategy in tuple(Strategy):
        return None
    return FieldError(f'Unknown strategy "{strategy or ""}", available: {", ".join(Strategy)}', 42021)


def parse_collection_id(collection_id: str) -> str:
    """Return a chosen collection id as it is stored (rule 7, first half).

    Raises:
        RuleBroken: 40101, it is no UUID.
    """
    try:
        return parse_uuid(collection_id)
    except ValueError as error:
        raise RuleBroken("The collection id must be a UUID", 40101) from error


def check_limits(new: Limits, instance: Limits, *, may_be_unlimited: bool, previous: Limits | None) -> None:
    """Hold new limits against the permission, the instance maxima and each other; the first broken rule answers.

    Args:
        new: the limits asked for.
        instance: the instance maxima; 0 switches a maximum off.
        may_be_unlimited: whether the actor may leave a dimension unlimited.
        previous: the limits before an edit, which may keep what is unlimited; None on creation.

    Raises:
        PermissionDenied: 40306 (rule 1).
        RuleBroken: 40102 to 40106 (rules 2 to 6).
    """
    if not may_be_unlimited:
        _check_unlimited(new, previous)
    if _above(new.max_backups_count, instance.max_backups_count):
        raise RuleBroken(f"Too many versions, the maximum is {instance.max_backups_count}", 40102)
    if _above(new.max_one_version_size, instance.max_one_version_size):
        maximum = format_size(instance.max_one_version_size)
        raise RuleBroken(f"The size of one version is too large, the maximum is {maximum}", 40103)
    if _above(new.max_collection_size, instance.max_collection_size):
        maximum = format_size(instance.max_collection_size)
        raise RuleBroken(f"The size of the collection is too large, the maximum is {maximum}", 40104)
    if _above(new.max_one_version_size, new.max_collection_size):
        raise RuleBroken("One version cannot be larger than the whole collection", 40105)
    needed = new.max_backups_count * new.max_one_version_size
    if _above(needed, new.max_collection_size):
        count, size = new.max_backups_count, format_size(new.max_one_version_size)
        raise RuleBroken(
            f"The collection is too small for {count} versions of {size}, it needs {format_size(needed)}", 40106
        )


def check_stored(
    new: Limits, strategy: Strategy, *, versions_count: int, used_space: int, largest_version: int
) -> None:
    """Hold new limits against what a collection already stores (rule 8), with its new strategy.

    Args:
        new: the limits asked for.
        strategy: the strategy asked for; one that deletes the oldest can catch up with a lowered count.
        versions_count: how many versions are stored.
        used_space: bytes of all stored versions.
        largest_version: bytes of the largest stored version; 0 when there is none.

    Raises:
        RuleBroken: 40107.
    """
    if _above(used_space, new.max_collection_size):
        raise RuleBroken(f"The collection already stores {format_size(used_space)}, which is more", 40107)
    if _above(largest_version, new.max_one_version_size):
        raise RuleBroken(f"A stored version already has {format_size(largest_version)}, which is more", 40107)
    if strategy is Strategy.ALERT and _above(versions_count, new.max_backups_count):
        raise RuleBroken(f"The collection already stores {versions_count} versions, which is more", 40107)


def _above(value: int, maximum: int) -> bool:
    """Whether a value breaks a maximum; an unlimited one, on either side, takes part in no check (contract 6.2)."""
    return maximum != 0 and value > maximum


def _check_unlimited(new: Limits, previous: Limits | None) -> None:
    """Refuse a dimension that is, or by an edit becomes, unlimited (rule 1).

    Raises:
        PermissionDenied: 40306.
    """
    before = previous or Limits(1, 1, 1)
    becomes_unlimited = (
        (new.max_backups_count == 0 and before.max_backups_count != 0)
        or (new.max_one_version_size == 0 and before.max_one_version_size != 0)
        or (new.max_collection_size == 0 and before.max_collection_size != 0)
    )
    if becomes_unlimited:
        raise PermissionDenied("No permission to leave limits of a collection unlimited", 40306)
