"""Definitions of tests that need no file."""

from __future__ import annotations

from realm.configs import COLLECTION

from bahub.config.model import Access, Backup, Compression, Encryption, TransportEntry
from bahub.masking import Secret


def definition(name: str, *, schedule: str | None = None, timezone: str | None = None) -> Backup:
    """Return a definition with these, and nothing special."""
    return Backup(
        name=name,
        type="filesystem",
        access=Access("main", "https://backups.example.org", Secret("a-token")),
        encryption=Encryption("plain", "none"),
        transport=TransportEntry("local", "sh"),
        collection_id=COLLECTION,
        compression=Compression("zstd", 3),
        spec={"paths": ["/srv"]},
        schedule=schedule,
        timezone=timezone,
    )
