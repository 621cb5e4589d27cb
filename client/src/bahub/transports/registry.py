"""Transports by name (contract B 3.1, 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from bahub.errors import Misconfigured, Problem
from bahub.transports.base import Definition, Transport
from bahub.transports.modules import definition_of, find_module, part_of

BUILT_IN = ("sh", "ssh", "docker", "temporarydocker")
"""Short names of what is always there."""
_PACKAGE = "bahub.transports"


def definition(name: str) -> Definition:
    """Return what the `spec` of a transport may hold; of somebody else's without a `Definition`: anything.

    Raises:
        Misconfigured: there is no such transport.
    """
    return definition_of(find_module(name, package=_PACKAGE, built_in=BUILT_IN))


def transport(name: str, spec: Mapping[str, Any]) -> Transport:
    """Make a transport from its checked `spec`.

    Raises:
        Misconfigured: there is no such transport.
    """
    made = part_of(find_module(name, package=_PACKAGE, built_in=BUILT_IN), "Transport")
    if not callable(made):
        raise Misconfigured([Problem("", f"the `Transport` of `{name}` cannot be called")])
    return cast("Callable[[Mapping[str, Any]], Transport]", made)(spec)
