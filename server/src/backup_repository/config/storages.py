"""Storages: which names are known, which variable belongs to whom, what each is made of (contract B 1.3)."""

from __future__ import annotations

import re
from typing import Any

from backup_repository.config.adapters import ADAPTER, ADAPTERS, SHAPES, keys_of, storage_variable
from backup_repository.config.model import StorageSettings
from backup_repository.config.reader import Reader
from backup_repository.config.values import storage_name
from backup_repository.errors import ConfigurationError

_BUILT_IN = "LOCAL"
"""The storage that exists without being written down."""
_DEFINITION = re.compile(r"FS_(\w+)_ADAPTER", re.ASCII)


def read_storages(reader: Reader, written: str, read: str, settings: frozenset[str]) -> dict[str, StorageSettings]:
    """Read every known storage, the written and the read one first.

    Args:
        reader: reads variables.
        written: the value of `FS_RW_NAME`.
        read: the value of `FS_RO_NAME`.
        settings: the `FS_*` variables that belong to no single storage.

    Raises:
        ConfigurationError: a variable belongs to no known storage or is no key of its adapter, an adapter is unknown,
            a key is missing or its value is not accepted.
    """
    given = sorted({name for layer in reader.sources.layers for name in layer.values if name.startswith("FS_")})
    given = [name for name in given if name not in settings]
    names = _known_names(given, written, read)
    owned = _owned(given, names)
    return {name: _read_storage(reader, name, owned[name], used=name in {written, read}) for name in names}


def _known_names(given: list[str], written: str, read: str) -> list[str]:
    defined = [match[1] for name in given if (match := _DEFINITION.fullmatch(name)) and _is_name(match[1])]
    return list(dict.fromkeys([written, read, _BUILT_IN, *defined]))


def _is_name(text: str) -> bool:
    try:
        storage_name(text)
    except ValueError:
        return False
    return True


def _owned(given: list[str], names: list[str]) -> dict[str, list[str]]:
    """Share the variables out: the longest name owns one, and what is left over is an error."""
    owned: dict[str, list[str]] = {name: [] for name in names}
    for variable in given:
        owner = max((name for name in names if variable.startswith(f"FS_{name}_")), key=len, default=None)
        if owner is None:
            keys = dict.fromkeys(key for adapter in ADAPTERS for key in keys_of(adapter))
            raise ConfigurationError(
                variable,
                f"belongs to no known storage (known: {', '.join(names)}); accepted: FS_<NAME>_ADAPTER, which makes a "
                f"name known, and for known names the keys {', '.join(keys)}",
            )
        owned[owner].append(variable)
    return owned


def _read_storage(reader: Reader, name: str, given: list[str], *, used: bool) -> StorageSettings:
    adapter = reader.read(storage_variable(name, ADAPTER), {})
    keys = keys_of(adapter)
    variables = [storage_variable(name, key) for key in keys.values()]
    allowed = {variable.name for variable in variables}
    allowed |= {variable.file_name for variable in variables if variable.secret}
    for variable in given:
        if variable not in allowed:
            problem = f"is no key of the adapter {adapter}; accepted: {', '.join(sorted(allowed))}"
            raise ConfigurationError(variable, problem)
    values: dict[str, Any] = {}
    for key in keys:
        if key != ADAPTER.name:
            values[key] = reader.read(storage_variable(name, keys[key]), values, used=used)
    return SHAPES[adapter](name=name, **{key.lower(): value for key, value in values.items()})
