"""The entries of each section as records (contract B 3.1, 3.3, 3.9); an entry with a problem is known, but None."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bahub.config.check import broken_schema, mistakes, nearest, one_of
from bahub.config.findings import Findings, Place
from bahub.config.model import Access, Encryption, ErrorHandlerEntry, NotifierEntry, TransportEntry
from bahub.config.replace import Replacer
from bahub.config.secrets import Secrets, hide
from bahub.config.sections import (
    ACCESS,
    ENCRYPTION,
    ENTRY_NAME,
    ERROR_HANDLER,
    METHODS,
    NOTIFIER,
    SILENT,
    TRANSPORT,
    Schema,
)
from bahub.errors import Misconfigured

SchemaOf = Callable[[str], Schema]
"""Returns the JSON Schema of the `spec` of a type; raises `Misconfigured` when there is no such type."""

LOCAL = "local"
"""The transport that exists without being declared."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The sections of one file, after the replacing of names."""

    data: Mapping[str, Any]
    findings: Findings
    replacer: Replacer
    secrets: Secrets

    def section(self, name: str) -> Iterator[tuple[str, Place, dict[str, Any]]]:
        """Give each entry of a section that is a mapping: its name, its place, its values."""
        section = self.data.get(name)
        if not isinstance(section, dict):
            return
        for key, entry in section.items():
            place = (name, key)
            if not re.fullmatch(ENTRY_NAME, key):
                self.findings.add(place, "is no name: accepted are letters, digits, `_`, `-` and `.`")
            if isinstance(entry, dict):
                yield key, place, entry
            else:
                self.findings.settle(place, "must be a mapping")

    def check(self, value: Mapping[str, Any], schema: Schema, place: Place) -> None:
        """Note every mistake in a value; empty sections and `spec`s count as left out."""
        present = {
            key: item
            for key, item in value.items()
            if item is not None or schema["properties"].get(key) != {"type": "object"}
        }
        for inside, message in mistakes(present, schema):
            self.findings.add((*place, *inside), message)

    def checked(self, entry: Mapping[str, Any], schema: Schema, place: Place) -> dict[str, Any]:
        """Settle secrets, paths and replaced numbers of an entry, note its mistakes, and hide its secrets."""
        settled = self.secrets.settle(entry, schema, place)
        for key, described in schema.get("properties", {}).items():
            value = settled.get(key)
            if not isinstance(value, str) or not isinstance(described, Mapping):
                continue
            if (*place, key) in self.replacer.replaced:
                settled[key] = _meant(value, described.get("type"))
            elif described.get("format") == "path" and value:
                settled[key] = str(self.secrets.path(value))
        self.check(settled, schema, place)
        return hide(settled, schema)

    def accesses(self) -> dict[str, Access | None]:
        """Return the servers."""
        return {name: self._access(name, place, entry) for name, place, entry in self.section("accesses")}

    def _access(self, name: str, place: Place, entry: Mapping[str, Any]) -> Access | None:
        values = self.checked(entry, ACCESS, place)
        if isinstance(values.get("url"), str) and (wrong := wrong_url(values["url"])):
            self.findings.add((*place, "url"), wrong)
        if self.findings.broken(place):
            return None
        if values.get("insecure_tls"):
            self.findings.warnings.append(
                f"accesses.{name}: insecure_tls is on: anybody on the way can read and change"
            )
        values["url"] = values["url"].rstrip("/")
        if "ca_file" in values:
            values["ca_file"] = self.secrets.path(values["ca_file"])
        return Access(name, **values)

    def encryption(self) -> dict[str, Encryption | None]:
        """Return the ways of encrypting."""
        return {name: self._method(name, place, entry) for name, place, entry in self.section("encryption")}

    def _method(self, name: str, place: Place, entry: Mapping[str, Any]) -> Encryption | None:
        given = entry.get("method", "age")
        method = METHODS.get(given) if isinstance(given, str) else None
        if method is None:
            known = f"; {one_of(METHODS)}"
            self.findings.add((*place, "method"), f"is no known method{nearest(str(given), METHODS) or known}")
            return None
        spec = self.checked(entry, ENCRYPTION[method], place)
        spec.pop("method", None)
        if self.findings.broken(place):
            return None
        if method == "none":
            self.findings.warnings.append(f"encryption.{name}: method is none: archives are stored readable")
        if "identity_file" in spec:
            self.secrets.warn_if_readable(Path(spec["identity_file"]))
        return Encryption(name, method, spec)

    def transports(self, schema_of: SchemaOf) -> dict[str, TransportEntry | None]:
        """Return where commands run, `local` included."""
        made: dict[str, TransportEntry | None] = {LOCAL: TransportEntry(LOCAL, "sh")}
        for name, place, entry in self.section("transports"):
            self.check(entry, TRANSPORT, place)
            spec = self.spec(entry, entry.get("type"), schema_of, place, (*place, "type"))
            made[name] = None if self.findings.broken(place) else TransportEntry(name, entry["type"], spec)
        return made

    def spec(
        self, entry: Mapping[str, Any], kind: object, schema_of: SchemaOf, place: Place, kind_place: Place
    ) -> dict[str, Any]:
        """Return the checked `spec` of an entry; an unknown type is noted at `kind_place`."""
        spec = entry.get("spec") or {}
        if not isinstance(kind, str) or not kind or not isinstance(spec, dict):
            return {}
        try:
            schema = schema_of(kind)
        except Misconfigured as error:
            for problem in error.problems:
                self.findings.settle(kind_place, problem.message)
            return {}
        if wrong := broken_schema(schema):
            self.findings.settle(kind_place, f"has a broken schema: {wrong}")
            return {}
        return self.checked(spec, schema, (*place, "spec"))

    def notifiers(self) -> dict[str, NotifierEntry]:
        """Return who wants to hear of events."""
        made = {}
        for name, place, entry in self.section("notifiers"):
            kind = entry.get("type")
            silent = kind is None or kind in SILENT
            if "type" not in entry:
                self.findings.add(place, "`type` is missing")
            elif not silent and "url" not in entry and "url_file" not in entry:
                self.findings.add(place, "`url` is missing (or `url_file`)")
            values = self.checked(entry, NOTIFIER, place)
            if self.findings.broken(place):
                continue
            values["type"] = "none" if silent else kind
            values["events"] = None if values.get("events") is None else tuple(values["events"])
            made[name] = NotifierEntry(name, **values)
        return made

    def error_handlers(self) -> dict[str, ErrorHandlerEntry]:
        """Return where unexpected exceptions are reported."""
        made = {}
        for name, place, entry in self.section("error_handlers"):
            values = self.checked(entry, ERROR_HANDLER, place)
            if not self.findings.broken(place):
                made[name] = ErrorHandlerEntry(name, **values)
        return made


def wrong_url(url: str) -> str | None:
    """Say what is wrong with the address of a server; None when nothing is."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"http", "https"} or not named or any(character.isspace() for character in url):
        return "must be an address as https://backups.example.org or https://example.org/backups"
    if parts.username is not None or parts.query or parts.fragment:
        return "must hold neither a user name nor `?` nor `#`"
    return None


def _meant(text: str, kind: object) -> Any:
    """Return the number or boolean that a replaced text stands for where one is wanted."""
    if kind == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    with contextlib.suppress(ValueError):
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    return text
