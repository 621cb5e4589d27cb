"""Whatever a command writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from realm.runs import Run

from bahub.errors import BadUsage, ProgramFailed, Tampered


def test_a_text_is_for_the_shell_and_a_list_for_one_program(tmp_path: Path) -> None:
    """Case 26."""
    assert Run("command", {"command": "echo one | tr a-z A-Z; echo $((1 + 1))"}, tmp_path).backup() == b"ONE\n2\n"
    assert Run("command", {"command": ["printf", "%s|", "$HOME", "a b"]}, tmp_path).backup() == b"$HOME|a b|"


@pytest.mark.parametrize("form", ["text", "list"])
def test_the_content_goes_back_through_stdin(tmp_path: Path, form: str) -> None:
    """Case 26."""
    back = tmp_path / "it's back"
    (tmp_path / "put").write_text('#!/bin/sh\ncat >"$1"\n')
    (tmp_path / "put").chmod(0o755)
    command: object = f'cat >"{back}"' if form == "text" else [str(tmp_path / "put"), str(back)]
    run = Run("command", {"command": "cat /dev/null", "restore_command": command}, tmp_path)
    content = bytes(range(256)) * 10_000

    run.restore(content)

    assert back.read_bytes() == content
    assert run.verify(content) == "2560000 bytes"


def test_without_a_command_to_restore_only_a_download_is_possible(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="no `restore_command`") as refusal:
        Run("command", {"command": "true"}, tmp_path).restore(b"x")

    assert "--download" in refusal.value.hint


def test_it_cannot_go_to_another_directory(tmp_path: Path) -> None:
    run = Run("command", {"command": "true", "restore_command": "cat"}, tmp_path)

    with pytest.raises(BadUsage, match="only backups of type `filesystem`"):
        run.restore(b"x", to=str(tmp_path / "there"))


def test_an_empty_source_fails_unless_that_is_allowed(tmp_path: Path) -> None:
    """Case 33."""
    with pytest.raises(ProgramFailed, match="yielded nothing"):
        Run("command", {"command": "true"}, tmp_path).backup()

    assert Run("command", {"command": "true"}, tmp_path, allow_empty=True).backup() == b""
    with pytest.raises(Tampered, match="is empty"):
        Run("command", {"command": "true"}, tmp_path).verify(b"")


def test_a_command_that_refuses_its_input_fails_the_restore(tmp_path: Path) -> None:
    run = Run("command", {"command": "true", "restore_command": "read -r _; echo no room >&2; exit 4"}, tmp_path)

    with pytest.raises(ProgramFailed, match="exit status 4") as failure:
        run.restore(b"line\n" * 1_000_000)

    assert failure.value.details == ("no room",)
    assert "may be half restored" in failure.value.hint


def test_missing_programs_of_lists_are_found_beforehand(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="exit status 127") as failure:
        Run("command", {"command": ["no-such-program", "x"]}, tmp_path).check()

    assert failure.value.details == ("no-such-program is not there",)
    Run("command", {"command": "no-such-program x"}, tmp_path).check()
