"""Every number the server reports, named in one list (contract 10.3)."""

from __future__ import annotations

from typing import Protocol


class Numbers(Protocol):
    """What the names below stand for; sizes in bytes."""

    @property
    def declared_space(self) -> int:
        """Sum of the collections' maximum sizes; unlimited ones count 0."""

    @property
    def used_space(self) -> int:
        """Sum of all version sizes."""

    @property
    def active_accounts(self) -> int:
        """Accounts that are active and not expired."""

    @property
    def active_tokens(self) -> int:
        """Recorded tokens that are active and not expired."""

    @property
    def versions(self) -> int:
        """Stored versions."""

    @property
    def collections(self) -> int:
        """Collections."""

    @property
    def tags(self) -> int:
        """Distinct tags on stored versions."""


def influxdb_fields(numbers: Numbers) -> dict[str, int]:
    """Return the fields of the InfluxDB line, in their order."""
    return {
        "storage_declared_space": numbers.declared_space,
        "storage_used_space": numbers.used_space,
        "users_active_accounts": numbers.active_accounts,
        "users_active_jwt_keys": numbers.active_tokens,
        "backup_versions": numbers.versions,
        "backup_collections": numbers.collections,
        "resources_tags": numbers.tags,
    }
