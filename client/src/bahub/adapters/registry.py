"""Adapters by name, other people's completed (contract B 3.1, 3.4)."""

from __future__ import annotations

from typing import cast

from bahub.adapters.base import Adapter, Definition, Minimal
from bahub.adapters.minimal import Completed
from bahub.errors import Misconfigured, Problem
from bahub.transports.modules import definition_of, find_module, part_of

BUILT_IN = ("filesystem", "mysql", "postgres_dump", "sqlite", "redis", "command")
"""Short names of what is always there."""
_PACKAGE = "bahub.adapters"
_WHOLE = ("backup", "restore", "inspector", "check")


def definition(name: str) -> Definition:
    """Return what the `spec` of an adapter may hold; of somebody else's without a `Definition`: anything.

    Raises:
        Misconfigured: there is no such adapter.
    """
    return definition_of(find_module(name, package=_PACKAGE, built_in=BUILT_IN))


def adapter(name: str) -> Adapter:
    """Make an adapter.

    Raises:
        Misconfigured: there is no such adapter, or the module's does not offer what it must.
    """
    make = part_of(find_module(name, package=_PACKAGE, built_in=BUILT_IN), "Adapter")
    if not callable(make):
        raise Misconfigured([Problem("", f"the `Adapter` of `{name}` cannot be called")])
    try:
        made: object = make()
    except Exception as error:
        raise Misconfigured([Problem("", f"the `Adapter` of `{name}` cannot be made: {error}")]) from error
    if all(callable(getattr(made, part, None)) for part in _WHOLE):
        return cast("Adapter", made)
    if not all(callable(getattr(made, part, None)) for part in ("backup", "restore")):
        raise Misconfigured([Problem("", f"the `Adapter` of `{name}` needs `backup(spec)` and `restore(spec)`")])
    return Completed(cast("Minimal", made))
