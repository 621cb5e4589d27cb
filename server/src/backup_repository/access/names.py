"""Permission names as people send them (contract 5.2, code 40010)."""

from __future__ import annotations

from collections.abc import Iterable

from backup_repository.access.model import Permission, Permissions
from backup_repository.errors import RuleBroken


def parse_permissions(names: Iterable[str], allowed: Iterable[Permission]) -> Permissions:
    """Return the named permissions; duplicates are dropped.

    Raises:
        RuleBroken: a name is none of the allowed ones (40010); the text lists them.
    """
    by_name = {permission.value: permission for permission in allowed}
    wanted = list(names)
    unknown = next((name for name in wanted if name not in by_name), None)
    if unknown is not None:
        raise RuleBroken(f'Invalid permission selected: "{unknown}". Available: {", ".join(by_name)}', 40010)
    return frozenset(by_name[name] for name in wanted)


def in_order(permissions: Iterable[Permission]) -> tuple[str, ...]:
    """Return the names in the order of contract 4.1."""
    given = frozenset(permissions)
    return tuple(permission.value for permission in Permission if permission in given)
