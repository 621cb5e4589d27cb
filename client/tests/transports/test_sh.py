"""Scripts on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.runs import LOCAL, Run

from bahub.config.model import TransportEntry
from bahub.errors import Failed, ProgramFailed


def test_the_environment_is_extended_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "still here")

    assert Run("command", {"command": 'printf %s "$OF_THE_CALLER"'}, tmp_path, LOCAL).backup() == b"still here"


def test_another_shell_is_used_when_asked_for(tmp_path: Path) -> None:
    bash = TransportEntry("bash", "sh", {"shell": "/bin/bash"})

    assert Run("command", {"command": 'printf %s "${BASH_VERSION:+yes}"'}, tmp_path, bash).backup() == b"yes"


def test_a_missing_shell_is_named(tmp_path: Path) -> None:
    missing = TransportEntry("missing", "sh", {"shell": "/bin/no-such-shell"})

    with pytest.raises(Failed, match="the shell /bin/no-such-shell is not there"):
        Run("command", {"command": "echo"}, tmp_path, missing).backup()


def test_a_source_that_is_killed_fails(tmp_path: Path) -> None:
    """Case 32: in the middle, and after its last byte."""
    with pytest.raises(ProgramFailed, match="killed by SIGKILL"):
        Run("command", {"command": "echo half; kill -9 $$"}, tmp_path).backup()
    with pytest.raises(ProgramFailed, match="exit status 1"):
        Run("command", {"command": "echo all; exit 1"}, tmp_path).backup()
