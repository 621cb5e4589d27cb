"""`schedule`: the real daemon makes real backups."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from realm.configs import loaded
from realm.homes import Definition, configure, configure_on
from realm.hooks import hook, nobody
from realm.program import Place
from world.instance import Server
from world.waiting import eventually

from bahub.cli.output import Output
from bahub.cli.schedule import Log, Tellers
from bahub.errors import Failed
from bahub.schedule.locks import locked
from bahub.schedule.memory import Memories, Memory

YESTERDAY = datetime.now(UTC) - timedelta(days=1, minutes=1)
DAILY = ", schedule: '@daily', timezone: UTC"
HOLDING = '{{command: "touch {root}/begun; while [ -e {root}/hold ]; do sleep 0.02; done; echo content"}}'


def overdue(place: Place, *names: str) -> None:
    """Make these definitions known since yesterday, so that they are due at once."""
    for name in names:
        Memories(place.root / "state").write(name, Memory("@daily", "UTC", mark=YESTERDAY))


def result(place: Place, name: str) -> int | None:
    known = Memories(place.root / "state").read([name]).get(name)
    return None if known is None or known.ended is None else known.code


def log_has(place: Place, text: str) -> bool:
    return text in place.said()


def test_a_backup_that_is_due_is_made_and_remembered(place: Place, listening: Server) -> None:
    """Case 54: one run makes up for what was missed."""
    configure_on(place, listening, Definition("files", meta=DAILY), more="state_directory: state\n")
    overdue(place, "files")
    with place.started("schedule", "run") as daemon:
        eventually(lambda: log_has(place, "files: is done"))
        daemon.terminate()
        assert daemon.wait() == 143
    assert 'files: Uploaded version "1" of "files.tar"' in place.said()
    assert place.said().count("Uploaded") == 1
    (row,) = place.run("--json", "schedule", "list").objects()
    assert (row["last_result"], row["overdue"]) == ("done", False)
    assert result(place, "files") == 0


def test_sighup_with_a_broken_file_keeps_backups_going(place: Place, listening: Server) -> None:
    """Case 55."""
    configure_on(place, listening, Definition("files", meta=DAILY), more="state_directory: state\n")
    with place.started("schedule", "run") as daemon:
        eventually(lambda: log_has(place, "schedules files"))
        place.file.write_text("backups: [\n")
        daemon.send_signal(signal.SIGHUP)
        eventually(lambda: log_has(place, "the configuration is not taken over, the former one stays:"))
        assert "is not YAML" in place.said()
        assert daemon.poll() is None


def test_sigterm_ends_a_running_upload_cleanly(place: Place, listening: Server) -> None:
    (place.root / "hold").touch()
    spec = HOLDING.format(root=place.root)
    configure_on(
        place, listening, Definition("files", meta=DAILY, kind="command", spec=spec), more="state_directory: state\n"
    )
    overdue(place, "files")
    with place.started("schedule", "run") as daemon:
        eventually((place.root / "begun").exists)
        daemon.terminate()
        assert daemon.wait() == 143
    (place.root / "hold").unlink()
    assert result(place, "files") == 143
    assert place.run("backup", "list", "files").out.splitlines()[1:] == []


def test_a_server_that_is_down_fails_runs_and_not_the_scheduler(place: Place) -> None:
    missing = Definition("files", meta=DAILY, kind="command", spec='{command: "exit 1"}')
    configure(place, missing, Definition("other", meta=DAILY), url=nobody(), more="state_directory: state\n")
    overdue(place, "files")
    with place.started("--quiet", "schedule", "run") as daemon:
        eventually(lambda: log_has(place, "files: failed with exit code 1"))
        assert daemon.poll() is None


@pytest.mark.parametrize("journal", ["", "8:12345"])
def test_log_lines_carry_priorities_for_the_journal_alone(place: Place, journal: str) -> None:
    configure(place, Definition("files", meta=DAILY), more="state_directory: state\n")
    place.environment["JOURNAL_STREAM"] = journal
    with place.started("schedule", "run"):
        eventually(lambda: log_has(place, "schedules files"))
    (line,) = place.said().splitlines()
    if journal:
        assert line == "<5>schedules files"
    else:
        assert datetime.fromisoformat(line.partition(" ")[0]).tzinfo is not None


def test_the_service_manager_hears_of_readiness_reload_and_stop(place: Place) -> None:
    configure(place, Definition("files", meta=DAILY), more="state_directory: state\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place.root / "notify"))
        manager.settimeout(60)
        place.environment["NOTIFY_SOCKET"] = str(place.root / "notify")

        def heard(fact: str) -> None:
            while fact not in manager.recv(4096).decode().split("\n"):
                pass

        place.environment["WATCHDOG_USEC"] = "200000"
        with place.started("schedule", "run") as daemon:
            heard("READY=1")
            heard("WATCHDOG=1")
            heard("WATCHDOG=1")
            daemon.send_signal(signal.SIGHUP)
            heard("RELOADING=1")
            heard("READY=1")
            daemon.terminate()
            heard("STOPPING=1")


def test_json_prints_one_object_per_line(place: Place, listening: Server) -> None:
    """Case 58."""
    configure_on(place, listening, Definition("files", meta=DAILY), more="state_directory: state\n")
    overdue(place, "files")
    with place.started("--json", "schedule", "run"):
        eventually(lambda: log_has(place, "files: is done"))
    said = [json.loads(line) for line in place.said("out").splitlines()]
    uploaded = next(one for one in said if one["event"] == "backup.uploaded")
    assert (uploaded["definition"], uploaded["version"]) == ("files", 1)


def test_no_secret_stands_in_the_arguments_of_a_run(place: Place, listening: Server) -> None:
    """Case 52."""
    (place.root / "hold").touch()
    spec = HOLDING.format(root=place.root)
    more = "state_directory: state\n"
    configure_on(place, listening, Definition("files", meta=DAILY, kind="command", spec=spec), more=more)
    overdue(place, "files")
    with place.started("schedule", "run") as daemon:
        eventually((place.root / "begun").exists)
        arguments = [Path(f"/proc/{process}/cmdline").read_bytes() for process in _below(daemon.pid)]
        (place.root / "hold").unlink()
        eventually(lambda: log_has(place, "files: is done"))
    assert len(arguments) >= 2
    assert all(listening.token.encode() not in words for words in arguments)


def test_the_table_shows_every_definition(place: Place) -> None:
    configure(
        place,
        Definition("files", meta=DAILY),
        Definition("by-hand"),
        Definition("late", meta=DAILY),
        more="state_directory: state\n",
    )
    overdue(place, "late")
    ran = place.run("schedule", "list")
    assert ran.code == 0
    titles, files, by_hand, late = (line.split("  ") for line in ran.out.splitlines())
    assert titles[0].strip() == "definition"
    assert [word.strip() for word in files if word][:2] == ["files", "@daily"]
    assert [word.strip() for word in by_hand if word] == ["by-hand", "by hand", "-", "-", "-"]
    assert any(word.strip().endswith("UTC (overdue)") for word in late)


def test_trouble_of_the_scheduler_itself_reaches_the_notifiers_once(place: Place) -> None:
    """Case 57."""
    with hook() as chat:
        more = f"state_directory: state\nnotifiers: {{chat: {{type: slack, url: '{chat.url}'}}}}\n"
        configure(place, Definition("files", meta=DAILY), more=more)
        overdue(place, "files")
        (place.root / "state" / "locks" / "files.lock").mkdir(parents=True)
        with place.started("schedule", "run") as daemon:
            eventually(lambda: chat.requests)
            daemon.send_signal(signal.SIGHUP)
            eventually(lambda: place.said().count("the scheduler goes on") == 2)
            daemon.terminate()
            assert daemon.wait() == 143
    (request,) = chat.requests
    assert b"The scheduler met an unexpected error" in request.body
    assert b"cannot be used: Is a directory" in request.body


def test_a_run_that_cannot_read_its_token_any_more_is_told_of(place: Place) -> None:
    """Case 57: the run itself knows nobody whom it could tell."""
    token = place.root / "token"
    token.write_text("a-token")
    with hook() as chat, ExitStack() as until_the_end:
        more = f"state_directory: state\nnotifiers: {{chat: {{type: slack, url: '{chat.url}'}}}}\n"
        configure(place, Definition("files", meta=DAILY), more=more)
        place.file.write_text(place.file.read_text().replace('token: "${TOKEN}"', "token_file: token"))
        overdue(place, "files")
        with locked(place.root / "state", "files"):
            daemon = until_the_end.enter_context(place.started("schedule", "run"))
            eventually(lambda: log_has(place, "files: is due, and waits"))
            token.unlink()
        daemon.send_signal(signal.SIGHUP)  # refused, and a reason to look again
        eventually(lambda: chat.requests)
    (request,) = chat.requests
    assert b"Backup failed: files" in request.body
    assert b"cannot be read (No such file or directory)" in request.body
    assert b"Failing stage: scheduler" in request.body


def test_an_unexpected_exception_of_the_scheduler_reaches_the_error_handlers(tmp_path: Path) -> None:
    """Case 57."""
    with hook() as sentry:
        dsn = f"{sentry.url.replace('://', '://key@')}/1"
        config = loaded(tmp_path, f"error_handlers: {{errors: {{type: sentry, url: '{dsn}'}}}}\n")
        tellers = Tellers(Log(Output(quiet=True)))
        tellers.exception(Failed("foreseen"), config)
        tellers.exception(KeyError("nobody foresaw this"), config)
        tellers.exception(KeyError("nobody foresaw this"), config)
    (request,) = sentry.requests
    assert b"nobody foresaw this" in request.body


def test_parallel_is_at_least_one(place: Place) -> None:
    assert place.run("schedule", "run", "--parallel", "0").code == 2


def test_a_wrong_configuration_does_not_start(place: Place) -> None:
    place.file.write_text("backups: 5\n")
    ran = place.run("schedule", "run")
    assert ran.code == 3
    assert "backups (line 1): must be a mapping" in ran.err


def _below(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = [int(child) for child in children]
    return [process, *found] if not found else [process, *(one for child in found for one in _below(child))]
