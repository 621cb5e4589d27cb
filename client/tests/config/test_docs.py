"""The reference of the configuration names every key, default and event as the program does."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from realm.configs import RECIPIENT
from world.sources import ROOT

from bahub.adapters import registry as adapters
from bahub.config.load import load
from bahub.config.model import Access, Backup, NotifierEntry
from bahub.config.sections import (
    ACCESS,
    ENCRYPTION,
    ERROR_HANDLER,
    EVENTS,
    LEVELS,
    META,
    NOTIFIER,
    TOP,
    TRANSPORT,
    secret_keys,
)
from bahub.transports import registry as transports

PAGE = (ROOT / "docs" / "reference" / "bahub-configuration.md").read_text()
ROW = re.compile(r"^\| `([^`]+)` \| (?:([^|]*) \| )?([^|]+) \|$", re.MULTILINE)
TYPES: Mapping[str, Mapping[str, Any]] = {
    name: registry.definition(name).schema for registry in (adapters, transports) for name in registry.BUILT_IN
}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "## `accesses`": ACCESS,
    **{f"## `encryption`: `{method}`": schema for method, schema in ENCRYPTION.items()},
    "## `transports`": TRANSPORT,
    "## `backups`: `meta`": META,
    "## `notifiers`": NOTIFIER,
    "## `error_handlers`": ERROR_HANDLER,
    **{f"### `{name}`": schema for name, schema in TYPES.items()},
}

CHOICES = {("## `encryption`: `gpg`", "method"), ("## `encryption`: `none`", "method"), ("## `notifiers`", "type")}
"""Keys that are needed although the schema, which they choose or which words it differently, does not say so."""


def rows(heading: str) -> dict[str, tuple[str, str]]:
    """Return what stands below a heading: key, default and meaning."""
    text = PAGE.split(f"\n{heading}\n", 1)[1]
    return {key: (default, meaning) for key, default, meaning in ROW.findall(re.split(r"\n##", text)[0])}


@pytest.mark.parametrize("heading", SCHEMAS)
def test_every_key_is_documented_in_order_and_as_secret_or_needed(heading: str) -> None:
    schema = SCHEMAS[heading]
    documented = {key: row for key, row in rows(heading).items() if "." not in key}
    assert list(documented) == list(schema["properties"])
    for key, (default, meaning) in documented.items():
        needed = key in schema["required"] or (heading, key) in CHOICES
        assert (default == "required") == needed, key
        assert meaning.endswith(" (secret)") == (key in secret_keys(schema)), key


@pytest.mark.parametrize("name", TYPES)
def test_every_default_of_a_type_is_documented(name: str) -> None:
    for key, (default, _) in rows(f"### `{name}`").items():
        known = TYPES[name]["properties"][key].get("default")
        if default != "required":
            written = known if isinstance(known, str) else json.dumps(known)
            assert default == ("" if known is None else f"`{written}`"), key


@pytest.mark.parametrize(
    ("heading", "record"),
    [("## `accesses`", Access), ("## `notifiers`", NotifierEntry), ("## `backups`: `meta`", Backup)],
)
def test_every_default_of_a_record_is_documented(heading: str, record: type[Any]) -> None:
    known = {field.name: field.default for field in dataclasses.fields(record)}
    for key, (default, _) in rows(heading).items():
        if default not in {"required", "`local`"} and known.get(key, dataclasses.MISSING) is not dataclasses.MISSING:
            value = known[key]
            written = f"{value:g}" if isinstance(value, float) else json.dumps(value)
            assert default == ("" if value is None else f"`{written}`"), key


def test_every_section_and_event_is_documented() -> None:
    assert list(rows("## The file")) == list(TOP["properties"])
    events = [key for key in rows("## `notifiers`") if "." in key]
    assert events == list(EVENTS)


def test_every_compression_is_documented() -> None:
    meaning = rows("## `backups`: `meta`")["compression"][1]
    assert all(f"`{method}`" in meaning for method in LEVELS)
    zstd, gzip = LEVELS["zstd"], LEVELS["gzip"]
    sentence = f"Levels are {zstd[0]} to {zstd[1]} for `zstd` (default {zstd[2]}) and {gzip[0]} to {gzip[1]} for `gzip` (default {gzip[2]})."
    assert sentence in PAGE


def test_the_example_is_a_right_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert RECIPIENT in example
    path = tmp_path / "bahub.yaml"
    path.write_text(example)
    (tmp_path / "token").write_text("a-token")
    (tmp_path / "token").chmod(0o600)
    config = load(
        path,
        {"SHOP_DB_PASSWORD": "a-password", "CHAT_HOOK": "https://chat", "SENTRY_DSN": "https://sentry"},
        adapter=lambda name: adapters.definition(name).schema,
        transport=lambda name: transports.definition(name).schema,
    )
    assert list(config.backups) == ["files", "shop"]
    assert config.warnings == ()
