"""The oldest versions make room for the new one (contract 6.4, `delete_oldest_when_adding_new`)."""

from __future__ import annotations

from collections.abc import Sequence

from backup_repository.rotation.model import Plan, V, by_number, while_not_full


def plan(versions: Sequence[V], max_count: int) -> Plan[V]:
    """Accept always; the lowest numbers go until the maximum holds with the new version counted.

    More than one goes when the maximum was lowered since the last upload.
    """
    stored = by_number(versions)
    unhindered = while_not_full(stored, max_count)
    if unhindered is not None:
        return unhindered
    surplus = len(stored) + 1 - max_count
    retire, keep = stored[:surplus], stored[surplus:]
    reasons = tuple(
        f"v{version.number} goes: with the new version there would be {count}, at most {max_count} may stay"
        for version, count in zip(retire, range(len(stored) + 1, max_count, -1), strict=True)
    )
    return Plan(accept=True, retire=retire, keep=keep, reasons=reasons)
