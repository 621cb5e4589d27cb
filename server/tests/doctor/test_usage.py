"""How the command is called: no setting of a server, files for secrets, exit 2 for a wrong call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from world import console
from world.instance import Server
from world.ports import free_port

from backup_repository.cli.main import build_app

URL = "http://127.0.0.1:1"
BLUNDERS = {
    "no address": [],
    "no scheme": ["backups.example.org"],
    "another scheme": ["ftp://backups.example.org"],
    "no host": ["https:///health"],
    "a port that is none": ["https://backups.example.org:https"],
    "a port too high": ["https://backups.example.org:65536"],
    "a password": ["https://me:hidden-word@backups.example.org"],
    "a path with a line break": ["https://backups.example.org/a\r\nX: y"],
    "a host with a space": ["https://backups example.org"],
    "no such token file": [URL, "--token-file", "missing"],
    "an empty token file": [URL, "--token-file", "empty"],
    "a token of two words": [URL, "--token-file", "words"],
    "a token file that is a directory": [URL, "--token-file", "."],
    "a code that is no text": [URL, "--health-code-file", "bytes"],
    "no such code file": [URL, "--health-code-file", "missing"],
    "a collection that is no id": [URL, "--collection", "../users"],
    "a collection of an unset variable": [URL, "--collection", ""],
    "a size that is none": [URL, "--size", "large"],
    "a size of nothing": [URL, "--size", "0"],
    "a pause below zero": [URL, "--pause", "-1"],
    "a pause that is no number": [URL, "--pause", "nan"],
    "an endless pause": [URL, "--pause", "inf"],
    "an unknown option": [URL, "--everything"],
}


@pytest.mark.parametrize("kind", BLUNDERS)
def test_a_wrong_call_is_exit_2_with_nothing_on_stdout(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "words").write_text("Bearer hidden-word\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(build_app("doctor"), ["doctor", *BLUNDERS[kind]])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "Error" in ran.stderr
    assert "hidden-word" not in ran.stderr


def test_it_needs_no_setting_and_makes_nothing(listening: Server, tmp_path: Path) -> None:
    """Wrong settings of a server on the same machine do not concern it."""
    place = console.bare(tmp_path, DATABASE_URL="nonsense", FS_NOBODY_BUCKET="x", JWT_LIFETIME="never")
    ran = console.run(place, "doctor", f"http://{listening.direct.host}", "--pause", "0")
    assert (ran.code, ran.err) == (0, "10 checks: 5 OK, 0 WARN, 0 FAIL, 5 SKIP\n"), ran.out
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_one_json_document_too(tmp_path: Path) -> None:
    ran = console.run(console.bare(tmp_path), "doctor", f"http://127.0.0.1:{free_port()}", "--json")
    assert ran.code == 1
    document = ran.json()
    assert document["passed"] is False
    assert document["checks"][0]["verdict"] == "FAIL"


def test_a_terminal_is_told_what_goes_on(listening: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(listening.token)
    collection = listening.create_collection().split("/")[-2]
    options = ("--token-file", "token", "--collection", collection, "--pause", "1")
    url = f"http://{listening.direct.host}"
    ran, shown = console.run_on_terminal(console.bare(tmp_path), "doctor", url, *options, answers=())
    assert ran.code == 0, ran.out
    assert "time-outs: pausing, 1 s left" in shown
    assert "\r" not in ran.out
    assert shown.endswith("10 checks: 8 OK, 0 WARN, 0 FAIL, 2 SKIP\r\n")
    assert "\r" not in console.run(console.bare(tmp_path), "doctor", url, *options).err


def test_an_address_may_have_a_path_in_front(listening: Server) -> None:
    """A slash at its end is none."""
    ran = CliRunner().invoke(build_app("doctor"), ["doctor", f"http://{listening.direct.host}///", "--pause", "0"])
    assert ran.exit_code == 0, ran.stdout


def test_it_loads_nothing_of_a_server_and_no_other_command_loads_it() -> None:
    """It begins at once, and a server does not carry it."""
    assert loaded_by("doctor", URL) == ["backup_repository.doctor"]
    assert loaded_by("config", "show") == []


def loaded_by(*arguments: str) -> list[str]:
    """Return which of these modules a command has loaded when it ends."""
    program = (
        "import atexit, sys\n"
        "from backup_repository.cli.main import main\n"
        "names = ('backup_repository.doctor', 'backup_repository.main', 'sqlalchemy', 'starlette', 'cryptography')\n"
        "atexit.register(lambda: sys.stderr.write('\\n' + ' '.join(n for n in names if n in sys.modules)))\n"
        f"sys.argv = ['backup-repository', *{arguments!r}]\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return ran.stderr.splitlines()[-1].split()
