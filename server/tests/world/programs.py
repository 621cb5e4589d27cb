"""Programs that tests run: found like an operator would find them, skipped where missing, required where CI is set."""

from __future__ import annotations

import os
from typing import Never

import pytest
from machine import find_program


def require_program(name: str, *places: str) -> str:
    """Return the path of a program, also looked for in the given directories and where Debian puts such programs.

    Without it the test is skipped, saying what is missing; with the variable CI set, it fails: there a part that
    cannot be tested is a fault of the machine.
    """
    path = find_program(name, *places)
    if path is None:
        lack(f"the program {name} is missing (`make test` installs it where it may)")
    return path


def lack(reason: str) -> Never:
    """Skip the test for want of something the machine should have, or fail it when CI is set."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
