"""How commands are called: groups, spellings, help, exit codes (contract B 2.1; case 12)."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner
from world.console import bare, run
from world.instance import Installation

from backup_repository.cli.main import COMMANDS, build_app

CREATING = ("--email", "nonsense", "--generate-password")
BLUNDERS = (
    "auth nothing",
    "auth create-user --nothing",
    "auth create-user --email a@example.org --generate-password --max-file-size 1e3",
    f"auth create-user --email a@example.org --generate-password --max-file-size {2**63}",
    "auth create-admin-account --email a@example.org --generate-password --tags a",
    "backup create-collection",
    "backup create-collection --filename a --max-backups-count many",
    f"backup create-collection --filename a --max-backups-count {2**63}",
    "auth reset-password --generate-password",
    "auth reset-password a@example.org b@example.org --generate-password",
    "storage sweep --min-age soon",
    "storage read-file",
    "audit list --limit 1001",
    "audit list --page 0",
    "health wait-for-database --timeout -1",
    "serve --port 70000",
    "serve --workers 0",
    "serve --grace -1",
    "serve --log-format xml",
)


@pytest.mark.parametrize(
    "command",
    [("nothing",), ("auth", "create-user"), ("config", "show", b"caf\xe9")],
    ids=["command", "option", "bytes"],
)
def test_a_wrong_call_is_exit_2_with_nothing_on_stdout(command: tuple[str | bytes, ...], tmp_path: Path) -> None:
    ran = run(bare(tmp_path), *command)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == [], "a wrong call leaves nothing behind"


@pytest.mark.parametrize("command", BLUNDERS)
def test_every_wrong_option_and_value_is_told(command: str) -> None:
    ran = CliRunner().invoke(build_app(), command.split())
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "Error" in ran.stderr


def test_the_help_names_the_exit_codes_and_every_group(tmp_path: Path) -> None:
    ran = run(bare(tmp_path, TERM="dumb", COLUMNS="200"), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Exit codes: 0 done, 1 refused or failed, 2 usage, 78 configuration" in ran.out
    for word in COMMANDS:
        assert word in ran.out.split("Commands", 1)[1]


@pytest.mark.parametrize("called", [*COMMANDS, "", "nothing", None])
def test_every_command_is_known_whichever_is_loaded(called: str | None) -> None:
    console = get_command(build_app(called))
    assert isinstance(console, TyperGroup)
    assert set(console.commands) == set(COMMANDS)


def test_help_and_refused_calls_load_neither_the_database_nor_the_server() -> None:
    for arguments in (["--help"], ["config", "show"]):
        assert loaded_by(arguments) == []


def loaded_by(arguments: list[str]) -> list[str]:
    """Return which of the heavy libraries a command has loaded when it ends."""
    program = (
        "import atexit, sys\n"
        "from backup_repository.cli.main import main\n"
        "heavy = ('sqlalchemy', 'uvicorn', 'starlette', 'cryptography', 'alembic', 'asyncpg')\n"
        "atexit.register(lambda: sys.stderr.write('\\n' + ' '.join(n for n in heavy if n in sys.modules)))\n"
        f"sys.argv = ['backup-repository', *{arguments!r}]\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return ran.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("spelling", [("auth", "create-user"), ("auth:create-user",)])
def test_a_colon_stands_for_the_space(spelling: tuple[str, ...], installation: Installation) -> None:
    """Case 12."""
    ran = run(installation, *spelling, *CREATING)
    assert (ran.code, ran.out, ran.err) == (1, "", 'Refused:\n Field "email": Invalid e-mail format (code: 40005)\n')


@pytest.mark.parametrize("spelling", [("health:wait-for-database",), ("health:wait-for:database",)])
def test_aliases_behave_like_their_main_forms(spelling: tuple[str, ...], installation: Installation) -> None:
    """Case 12; the tests of `storage read-file` and `docs openapi` hold the other two."""
    ran = run(installation, *spelling, "-x", "5")
    assert (ran.code, ran.out, ran.err) == (0, "The database is ready\n", "")


def test_only_the_command_is_spelled_out_and_never_a_value(tmp_path: Path) -> None:
    settings = tmp_path / "auth:create-user"
    settings.write_text("APP_ENV=test\n")
    settings.chmod(0o600)
    ran = run(bare(tmp_path), "--config", settings.name, "config:show", "--json")
    assert ran.code == 0
    assert {"variable": "APP_ENV", "value": "test", "source": "file"} in ran.json()


def test_the_version_is_printed(tmp_path: Path) -> None:
    ran = run(bare(tmp_path), "--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out[0].isdigit()
    assert ran.out.count("\n") == 1


def test_an_unforeseen_failure_is_one_line_and_verbose_shows_where(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    with contextlib.closing(sqlite3.connect(installation.database.removeprefix("sqlite:///"))) as database:
        database.execute("ALTER TABLE users RENAME TO gone")
    ran = run(installation, "auth", "list-users")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Unexpected failure: OperationalError; with -v in front of the command it says where\n"
    verbose = run(installation, "-v", "auth", "list-users")
    assert (verbose.code, verbose.out) == (1, "")
    assert "Traceback" in verbose.err
