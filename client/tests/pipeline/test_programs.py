"""Scripts that run, fail, are killed, and keep secrets."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from world.waiting import eventually

from bahub.errors import Misconfigured, ProgramFailed
from bahub.masking import Secret
from bahub.pipeline.programs import Program, run_script
from bahub.streams import Broken
from bahub.transports.base import Script
from bahub.transports.registry import transport


@contextmanager
def program(text: str, **secrets: str) -> Iterator[Program]:
    script = Script(text, {name: Secret(value) for name, value in secrets.items()})
    with Program(transport("sh", {}), script, "the source", lambda _: None) as running:
        yield running


def run(text: str, words: bytes = b"", **secrets: str) -> bytes:
    script = Script(text, {name: Secret(value) for name, value in secrets.items()})
    return run_script(transport("sh", {}), script, "the source", lambda _: None, words=words)


def test_its_output_is_what_it_writes() -> None:
    assert run("printf 'a\\0b'; printf c") == b"a\0bc"


def test_secrets_come_before_the_data_and_in_no_argument() -> None:
    """Case 52, the way of secrets."""
    seen = run(
        'cat /proc/$$/cmdline /proc/$$/environ; printf "%s|%s|" "$FIRST" "$SECOND"; cat',
        b"the data\n",
        FIRST=" with blanks, $dollar, `tick` and \\back ",
        SECOND="üñí",
    )
    arguments, _, rest = seen.partition(b" with blanks")
    assert rest == ", $dollar, `tick` and \\back |üñí|the data\n".encode()
    assert "üñí".encode() not in arguments


def test_a_secret_of_two_lines_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        run(f"touch {tmp_path}/started", SECRET="first-half\nother-half")
    assert "half" not in str(caught.value)
    assert not (tmp_path / "started").exists()


def test_the_environment_is_extended_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_USER", "kept")
    assert run('printf "%s %s" "$OF_THE_USER" "$MORE"', MORE="added") == b"kept added"


def test_its_exit_status_and_its_last_lines_are_told() -> None:
    with pytest.raises(ProgramFailed) as caught:
        run("seq 1 100 >&2; exit 3")
    assert caught.value.message == "the source ended with exit status 3"
    assert caught.value.details == tuple(str(number) for number in range(81, 101))


def test_secrets_in_its_last_lines_are_masked() -> None:
    """Case 52, what a program says."""
    with pytest.raises(ProgramFailed) as caught:
        run('echo "cannot log in with $PASSWORD" >&2; exit 1', PASSWORD="a-secret-of-tests")
    assert caught.value.details == ("cannot log in with ********",)


def test_the_signal_that_killed_it_is_named() -> None:
    with pytest.raises(ProgramFailed, match="was killed by SIGKILL"):
        run("kill -9 $$")


def test_endless_lines_on_stderr_do_not_fill_the_memory() -> None:
    before = psutil.Process().memory_info().rss
    with pytest.raises(ProgramFailed) as caught:
        run("head -c 300000000 /dev/zero >&2; exit 1")
    assert sum(map(len, caught.value.details)) < 50_000
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_a_program_that_is_missing_is_told() -> None:
    with (
        pytest.raises(ProgramFailed, match="cannot be started"),
        Program(transport("sh", {"shell": "/nowhere/sh"}), Script(":"), "the source", lambda _: None),
    ):
        pass


def test_warnings_reach_the_user_also_after_success() -> None:
    warnings: list[str] = []
    run_script(transport("sh", {}), Script("echo 'warning: it changed' >&2; echo other >&2"), "it", warnings.append)
    assert warnings == ["it: it changed"]


def test_a_target_that_stops_reading_has_failed() -> None:
    with program("head -c 10 >&2") as target, pytest.raises(ProgramFailed, match="before it had read everything"):
        target.feed(b"x" * 10_000_000)


def test_leaving_early_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with program(f"sleep 1000 & echo $$ $! > {pids}; sleep 1000 | cat") as running:
        numbers = eventually(lambda: pids.read_text().split() if pids.exists() else [])
    eventually(lambda: not any(psutil.pid_exists(pid) and _alive(pid) for pid in map(int, numbers)))
    assert running._process.returncode is not None  # reaped: no zombie


def test_a_program_that_ignores_requests_is_killed_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bahub.pipeline.programs._POLITE", 0.1)
    pid = tmp_path / "pid"
    with program(f"trap '' TERM; echo $$ > {pid}; while :; do sleep 0.05; done"):
        number = int(eventually(lambda: pid.exists() and pid.read_text()) or "0")
    assert not psutil.pid_exists(number)


def test_a_request_to_end_lets_the_script_clean_up(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with program(f"trap 'rm {copy}; exit 1' TERM; touch {copy}; while :; do sleep 0.05; done"):
        eventually(copy.exists)
    assert not copy.exists()


def test_a_kill_from_another_thread_ends_the_waiting() -> None:
    with program("sleep 1000") as running:
        threading.Timer(0.05, running.kill).start()
        with pytest.raises(Broken):
            running.finish()


def test_somebody_who_holds_the_output_of_a_failed_script_does_not_hold_us(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with program(f"sleep 1000 & echo $! > {pid}; kill -9 $$") as running:
        assert list(running.output()) == []
        with pytest.raises(ProgramFailed, match="SIGKILL"):
            running.finish()
    eventually(lambda: not _alive(int(pid.read_text())))


def test_its_input_is_open_until_it_has_ended() -> None:
    """A target must not take a failure for the end of its input."""
    with program("cat; echo 'saw the end'") as target:
        target.feed(b"some of it\n")
        output = target.output()
        assert next(output) == b"some of it\n"
        os.kill(target._process.pid, signal.SIGTERM)
        assert b"saw the end" not in b"".join(output)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
