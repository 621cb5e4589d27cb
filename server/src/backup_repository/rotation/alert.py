"""A full collection refuses; somebody deletes a version first (contract 6.4, `alert_when_too_many_versions`)."""

from __future__ import annotations

from collections.abc import Sequence

from backup_repository.rotation.model import Plan, V, by_number, while_not_full


def plan(versions: Sequence[V], max_count: int, *, unseen: int = 0) -> Plan[V]:
    """Accept while the maximum holds with the new version counted; nothing is ever retired."""
    stored = by_number(versions)
    unhindered = while_not_full(stored, max_count, unseen)
    if unhindered is not None:
        return unhindered
    reason = f"{len(stored) + unseen} of at most {max_count} versions are stored: delete one to make room"
    return Plan(accept=False, retire=(), keep=stored, reasons=(reason,))
