"""Modules by the names that configuration files give them: short, or importable (contract B 3.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType

from bahub.errors import Misconfigured, Problem
from bahub.transports.base import Definition


def find_module(name: str, *, package: str, built_in: Sequence[str]) -> ModuleType:
    """Return the module that a `type` names.

    Args:
        name: a built-in one's short name, or the path of any module.
        package: where the built-in ones are; `<package>.<short name>` names them as well.
        built_in: their short names.

    Raises:
        Misconfigured: there is no such module, or it cannot be imported.
    """
    short = name.removeprefix(f"{package}.")
    if short in built_in:
        return import_module(f"{package}.{short}")
    if "." not in name and (near := get_close_matches(name, built_in, n=1)):
        raise _unusable(f"there is no type `{name}`; did you mean `{near[0]}`?")
    if not re.fullmatch(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", name) or short != name:
        raise _unusable(f"there is no type `{name}`; accepted: {_listed(built_in)}, or the path of a module")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            known = f"accepted: {_listed(built_in)}, or the path of a module that Python finds"
            raise _unusable(f"there is no type `{name}`; {known}") from None
        raise _unusable(f"the module `{name}` needs `{error.name}`, which is not installed") from error
    except Exception as error:
        raise _unusable(f"the module `{name}` cannot be imported: {type(error).__name__}: {error}") from error


def part_of(module: ModuleType, part: str) -> object:
    """Return what a module must offer under a name.

    Raises:
        Misconfigured: it does not.
    """
    found: object = getattr(module, part, None)
    if found is None:
        raise _unusable(f"the module `{module.__name__}` has no `{part}`")
    return found


def definition_of(module: ModuleType) -> Definition:
    """Return a module's `Definition`, whatever kind of object with `schema` and `example` it is.

    Without one any `spec` is accepted.
    """
    found = getattr(module, "Definition", None)
    if isinstance(found, Definition):
        return found
    if found is None or found is Definition:
        return Definition(schema={"type": "object"}, example="")
    schema, example = getattr(found, "schema", None), getattr(found, "example", "")
    if not isinstance(schema, dict):
        raise _unusable(f"the `Definition` of the module `{module.__name__}` has no `schema`")
    return Definition(schema=schema, example=str(example))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _unusable(message: str) -> Misconfigured:
    return Misconfigured([Problem("", message)])
