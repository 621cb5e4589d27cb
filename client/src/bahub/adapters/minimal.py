"""Adapters of other people, who need to write two methods, completed with what callers expect (contract B 3.1)."""

from __future__ import annotations

from bahub.adapters.base import Inspector, Minimal, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.anything import Anything
from bahub.errors import BadUsage


class Completed:
    """A whole adapter around a minimal one."""

    def __init__(self, minimal: Minimal) -> None:
        self._minimal = minimal

    def backup(self, spec: Spec) -> Script:
        """Return what writes the content to stdout."""
        return self._minimal.backup(spec)

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how content goes back.

        Raises:
            BadUsage: it cannot be put back in the way asked for.
        """
        refuse_to(options)
        plan = self._minimal.restore(spec)
        return RestorePlan(feed=plan) if isinstance(plan, Script) else plan

    def inspector(self, spec: Spec) -> Inspector:
        """Return the minimal one's own look at content, or one that wants but a single byte."""
        own = getattr(self._minimal, "inspector", None)
        found: Inspector = own(spec) if callable(own) else Anything()
        return found

    def check(self, spec: Spec) -> Script:
        """Return the minimal one's own look for programs, or none."""
        own = getattr(self._minimal, "check", None)
        found: Script = own(spec) if callable(own) else Script(":")
        return found


def refuse_to(options: RestoreOptions) -> None:
    """See that nobody wants the content in another directory.

    Raises:
        BadUsage: somebody does.
    """
    if options.to is not None:
        raise BadUsage(
            "only backups of type `filesystem` go to another directory",
            hint="use --download FILE to get the content as a file",
        )
