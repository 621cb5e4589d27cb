"""The oldest versions make room for the new one (contract 6.4, `delete_oldest_when_adding_new`)."""

from __future__ import annotations

from collections.abc import Sequence

from backup_repository.rotation.model import Plan, V, by_number, while_not_full


def plan(versions: Sequence[V], max_count: int, *, unseen: int = 0) -> Plan[V]:
    """Accept always; the lowest numbers go until the maximum holds with the new version counted.

    More than one goes when the maximum was lowered since the last upload.
    """
    stored = by_number(versions)
    unhindered = while_not_full(stored, max_count, unseen)
    if unhindered is not None:
        return unhindered
    with_the_new_one = len(stored) + unseen + 1
    surplus = with_the_new_one - max_count
    retire, keep = stored[:surplus], stored[surplus:]
    reasons = tuple(
        f"v{version.number} goes: with the new version there would be {count}, at most {max_count} may stay"
        for version, count in zip(retire, range(with_the_new_one, max_count, -1), strict=True)
    )
    return Plan(accept=True, retire=retire, keep=keep, reasons=reasons)
