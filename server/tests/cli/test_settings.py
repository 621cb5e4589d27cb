"""`config show`, and what every command makes of wrong settings (contract B 1.1, 2.2; cases 1, 4, 22)."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.console import bare, run
from world.ports import free_port

SECRET = "hunter2-and-more"
SECRETS = {
    "DATABASE_URL": f"postgresql://backup:{SECRET}@db.example.org/backup",
    "HEALTH_CHECK_CODE": SECRET,
    "METRICS_CODE": f"{SECRET}2",
    "JWT_PASSPHRASE": SECRET,
    "SENTRY_DSN": f"https://{SECRET}@sentry.example.org/1",
}
WRONG = {
    "DATABASE_URL": f"mysql://backup:{SECRET}@db.example.org/backup",
    "TEMP_DIRECTORY": "missing/tmp",
    "JWT_LIFETIME": "0",
    "FS_NOBODY_BUCKET": "x",
}


def test_without_settings_every_source_is_the_default(tmp_path: Path) -> None:
    """Case 1, the console's part."""
    ran = run(bare(tmp_path), "config", "show", "--json")
    assert (ran.code, ran.err) == (0, "")
    rows = ran.json()
    assert {row["source"] for row in rows} == {"default"}
    assert {tuple(row) for row in rows} == {("variable", "value", "source")}
    values = {row["variable"]: row["value"] for row in rows}
    assert values["DATABASE_URL"] == "********"
    assert values["HEALTH_CHECK_CODE"] == "(empty)"
    assert values["JWT_LIFETIME"] == "2 hours"
    table = run(bare(tmp_path), "config", "show")
    assert [line.split()[0] for line in table.out.splitlines()] == list(values)
    assert list(tmp_path.iterdir()) == [], "showing makes nothing"


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """Case 22, second part."""
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'jwt_passphrase = "{SECRET}"\n[fs.s3]\nadapter = "aws"\nbucket = "b"\ncredentials_key = "k"\ncredentials_secret = "{SECRET}"\n'
    )
    settings.chmod(0o600)
    place = bare(tmp_path, **{name: value for name, value in SECRETS.items() if name != "JWT_PASSPHRASE"})
    for form in ((), ("--json",)):
        ran = run(place, "--config", "settings.toml", "config", "show", *form)
        assert (ran.code, ran.err) == (0, "")
        assert SECRET not in ran.out
    shown = {row["variable"]: (row["value"], row["source"]) for row in ran.json()}
    assert {shown[name] for name in SECRETS} == {("********", "environment"), ("********", "file")}
    assert shown["FS_S3_CREDENTIALS_SECRET"] == ("********", "file")
    assert shown["FS_S3_BUCKET"] == ("b", "file")


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_setting_stops_the_start_in_one_line(variable: str, tmp_path: Path) -> None:
    """Case 4, the program's part."""
    port = str(free_port())
    ran = run(bare(tmp_path, **{variable: WRONG[variable]}), "serve", "--port", port)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith(f"configuration: {variable}: ")
    assert ran.err.count("\n") == 1
    assert SECRET not in ran.err
    assert "Listening" not in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("config", "show"), ("health", "check"), ("db", "migrate")], ids=" ".join)
def test_every_command_stops_at_a_wrong_setting(command: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(bare(tmp_path, JWT_LIFETIME="soon"), *command)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: JWT_LIFETIME: ")
    assert ran.err.count("\n") == 1


def test_a_configuration_file_that_is_missing_is_a_wrong_setting(tmp_path: Path) -> None:
    ran = run(bare(tmp_path), "--config", "missing.toml", "config", "show")
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("configuration: --config: ")
    assert ran.err.count("\n") == 1


def test_warnings_stay_off_stdout(tmp_path: Path) -> None:
    place = bare(tmp_path, HEALTH_CHECK_CODE=SECRET, METRICS_CODE=SECRET)
    for command in (("config", "show", "--json"), ("storage", "sweep", "--json")):
        ran = run(place, *command)
        assert ran.code == 0
        assert ran.json()
        assert ran.err.startswith("warning: METRICS_CODE: ")
        assert SECRET not in ran.err
