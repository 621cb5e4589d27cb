"""The definitions below `backups`, and what they refer to (contract B 3.1, 3.3, 3.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bahub.config.check import nearest, one_of
from bahub.config.cron import five_fields
from bahub.config.entries import LOCAL, Entries, SchemaOf
from bahub.config.findings import Place
from bahub.config.model import Access, Backup, Compression, Encryption, TransportEntry
from bahub.config.sections import BACKUP, COMPRESSION, LEVELS, META

T = TypeVar("T")


def backups(
    entries: Entries,
    adapter: SchemaOf,
    accesses: Mapping[str, Access | None],
    encryption: Mapping[str, Encryption | None],
    transports: Mapping[str, TransportEntry | None],
) -> dict[str, Backup]:
    """Return the definitions without a problem; the others are noted."""
    reading = _Reading(entries, adapter, accesses, encryption, transports)
    made = {}
    for name, place, entry in entries.section("backups"):
        backup = reading.backup(name, place, entry)
        if backup is not None:
            made[name] = backup
    return made


@dataclass(frozen=True, slots=True)
class _Reading:
    entries: Entries
    adapter: SchemaOf
    accesses: Mapping[str, Access | None]
    encryption: Mapping[str, Encryption | None]
    transports: Mapping[str, TransportEntry | None]

    def backup(self, name: str, place: Place, entry: Mapping[str, Any]) -> Backup | None:
        self.entries.check(entry, BACKUP, place)
        meta = entry.get("meta")
        if not isinstance(meta, dict):
            return None
        at = (*place, "meta")
        meta = self.entries.checked(meta, META, at)
        spec = self.entries.spec(entry, meta.get("type"), self.adapter, place, (*at, "type"))
        access = self._known(self.accesses, meta.get("access"), (*at, "access"))
        encryption = self._known(self.encryption, meta.get("encryption"), (*at, "encryption"))
        transport = self._known(self.transports, meta.get("transport", LOCAL), (*at, "transport"))
        self._times(meta, at)
        compression = self._compression(meta, spec, encryption, place)
        notify = self._notify(meta.get("notify"), (*at, "notify"))
        if access is None or encryption is None or transport is None or self.entries.findings.broken(place):
            return None
        return Backup(
            name=name,
            type=meta["type"],
            access=access,
            encryption=encryption,
            transport=transport,
            collection_id=meta["collection_id"].lower(),
            compression=compression,
            spec=spec,
            schedule=meta.get("schedule"),
            timezone=meta.get("timezone"),
            notify=notify,
            allow_empty=meta.get("allow_empty", False),
        )

    def _known(self, section: Mapping[str, T | None], name: object, place: Place) -> T | None:
        """Return the entry that a name refers to; None where there is none, or where it has a problem."""
        if isinstance(name, str) and name and name not in section:
            self._unknown(name, section, place)
        return section.get(name) if isinstance(name, str) else None

    def _unknown(self, name: str, known: Mapping[str, object] | Sequence[str], place: Place) -> None:
        suggestion = nearest(name, known) or (f"; {one_of(known)}" if known else "; there are none")
        self.entries.findings.add(place, f"`{name}` is not defined{suggestion}")

    def _notify(self, names: object, place: Place) -> tuple[str, ...] | None:
        if not isinstance(names, list):
            return None
        section = self.entries.data.get("notifiers")
        known = section if isinstance(section, dict) else {}
        for position, name in enumerate(names):
            if isinstance(name, str) and name and name not in known:
                self._unknown(name, known, (*place, position))
        return tuple(names)

    def _times(self, meta: Mapping[str, Any], place: Place) -> None:
        line, zone = meta.get("schedule"), meta.get("timezone")
        if isinstance(line, str) and line:
            try:
                five_fields(line)
            except ValueError as error:
                self.entries.findings.add((*place, "schedule"), str(error))
        if isinstance(zone, str) and zone:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):  # unknown names, and odd ones as `../x` or a directory
                self.entries.findings.add((*place, "timezone"), _NO_ZONE)

    def _compression(
        self, meta: Mapping[str, Any], spec: Mapping[str, Any], encryption: Encryption | None, place: Place
    ) -> Compression:
        at = (*place, "meta", "compression")
        given = meta.get("compression")
        if isinstance(given, str):
            given = {"method": given}
        if given is None:
            given = {"method": "gzip" if encryption is not None and encryption.method == "gpg" else "zstd"}
        elif isinstance(given, dict):
            self.entries.check(given, COMPRESSION, at)
        method = given.get("method") if isinstance(given, dict) else None
        if method not in LEVELS:
            return Compression("none", 0)
        least, most, level = LEVELS[method]
        asked = given.get("level")
        if method == "gzip" and (forced := _gzip_level(spec)):
            if asked not in {None, forced}:
                self.entries.findings.add((*at, "level"), "contradicts `gzip_args`; give the level once")
            asked = forced
        if isinstance(asked, int) and not least <= asked <= most:
            self.entries.findings.add((*at, "level"), f"must be from {least} to {most} for {method}")
        return Compression(method, asked if isinstance(asked, int) else level)


def _gzip_level(spec: Mapping[str, Any]) -> int | None:
    """Return the level that `gzip_args` asks for; what else it may hold is up to the adapter's schema."""
    found = re.fullmatch(r"\s*-([1-9])\s*", str(spec.get("gzip_args", "")))
    return None if found is None else int(found[1])


_NO_ZONE = "is no time zone; accepted: names of the IANA database, as `Europe/Warsaw`"
