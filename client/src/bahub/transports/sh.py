"""This machine (contract B 3.5)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bahub.errors import Failed
from bahub.transports import base

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {"shell": {"type": "string", "minLength": 1, "default": "/bin/sh"}},
        "required": [],
        "additionalProperties": False,
    },
    example="""\
type: sh
spec:
  shell: /bin/sh
""",
)


class Transport:
    """Runs scripts as local processes."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._shell = str(spec.get("shell", "/bin/sh"))

    def command(self, text: str) -> Sequence[str]:
        """Return the shell with the script."""
        return [self._shell, "-c", text]

    @contextmanager
    def opened(self) -> Iterator[None]:
        """See whether the shell is there.

        Raises:
            Failed: it is not.
        """
        if shutil.which(self._shell) is None:
            raise Failed(f"the shell {self._shell} is not there")
        yield

    def last_words(self) -> Sequence[str]:
        """Return nothing: this machine keeps no log of ours."""
        return ()
