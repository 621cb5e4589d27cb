"""The name of a strategy (contract 6.4) → the strategy."""

from __future__ import annotations

from backup_repository.rotation import alert, delete_oldest
from backup_repository.rotation.model import Strategy

STRATEGIES: dict[str, Strategy] = {
    "delete_oldest_when_adding_new": delete_oldest.plan,
    "alert_when_too_many_versions": alert.plan,
}
"""Every strategy there is, in the contract's order."""


def choose(name: str) -> Strategy:
    """Return the strategy of that name.

    Raises:
        KeyError: there is none; names are checked when a collection is saved.
    """
    return STRATEGIES[name]
