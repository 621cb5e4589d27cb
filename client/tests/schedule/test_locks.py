"""One definition never runs twice at once, in whatever process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bahub.errors import Failed
from bahub.schedule.locks import is_locked, locked

HOLDER = """
import sys
from pathlib import Path
from bahub.schedule.locks import locked
with locked(Path(sys.argv[1]), sys.argv[2], wait=sys.argv[3] == "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(state: Path, name: str, how: str = "now") -> Iterator[subprocess.Popen[str]]:
    """Another process that takes a lock; it ends, and gives it back, once its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state), name, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def says_that_it_holds(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "held\n"


def test_a_second_run_is_refused_while_the_first_goes(tmp_path: Path) -> None:
    """Case 54."""
    with holder(tmp_path, "db") as other:
        assert says_that_it_holds(other)
        assert is_locked(tmp_path, "db")
        with (
            pytest.raises(Failed, match=f'^"db" is already running \\(process {other.pid}\\)$') as raised,
            locked(tmp_path, "db"),
        ):
            pass
        assert raised.value.exit_code == 1
        assert "--wait" in raised.value.hint
        other.communicate("")
    assert not is_locked(tmp_path, "db")
    with locked(tmp_path, "db"):
        assert is_locked(tmp_path, "db")


def test_another_definition_is_free(tmp_path: Path) -> None:
    with locked(tmp_path, "one"), locked(tmp_path, "two"):
        assert not is_locked(tmp_path, "three")


def test_who_waits_comes_next(tmp_path: Path) -> None:
    with ExitStack() as until_the_end:
        with locked(tmp_path, "db"):
            process = until_the_end.enter_context(holder(tmp_path, "db", "wait"))
        assert says_that_it_holds(process)
        assert is_locked(tmp_path, "db")


def test_a_killed_process_gives_its_lock_back(tmp_path: Path) -> None:
    with holder(tmp_path, "db") as other:
        assert says_that_it_holds(other)
        other.kill()
        other.wait()
        with locked(tmp_path, "db"):
            pass


def test_the_state_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with locked(tmp_path / "state" / "bahub", "db"):
        pass
    assert oct((tmp_path / "state" / "bahub").stat().st_mode & 0o777) == "0o700"
    lock = tmp_path / "state" / "bahub" / "locks" / "db.lock"
    assert oct(lock.stat().st_mode & 0o777) == "0o600"
    assert lock.read_text() == str(os.getpid())


def test_a_state_directory_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(Failed, match=r"^The state directory .*/file/state cannot be used: Not a directory$"),
        locked(tmp_path / "file" / "state", "db"),
    ):
        pass


def test_what_root_makes_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(tmp_path, 12345, 12346)
    with locked(tmp_path, "db"):
        pass
    for made in (tmp_path / "locks", tmp_path / "locks" / "db.lock"):
        assert (made.stat().st_uid, made.stat().st_gid) == (12345, 12346)


@pytest.mark.parametrize("link", ["locks", "locks/db.lock"])
def test_no_link_in_the_state_directory_is_followed(tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    state = tmp_path / "state"
    elsewhere.mkdir()
    (elsewhere / "db.lock").write_text("precious")
    (state / link).parent.mkdir(parents=True)
    (state / link).symlink_to(elsewhere if link == "locks" else elsewhere / "db.lock")
    with pytest.raises(Failed, match="cannot be used"), locked(state, "db"):
        pass
    assert (elsewhere / "db.lock").read_text() == "precious"
