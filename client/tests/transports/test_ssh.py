"""Scripts on another machine, through a real SSH server (case 51)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from realm.runs import Run
from realm.sshd import Sshd, sshd

from bahub.config.model import TransportEntry
from bahub.errors import Failed, ProgramFailed
from bahub.transports.registry import transport


@pytest.fixture
def server() -> Iterator[Sshd]:
    """A server of our own: tests change its keys."""
    with sshd() as running:
        yield running


def _there(server: Sshd, tmp_path: Path, command: str = 'printf %s "$SSH_CONNECTION"') -> Run:
    return Run(
        "command",
        {"command": command, "restore_command": f"cat >'{tmp_path}/restored'"},
        tmp_path,
        TransportEntry("there", "ssh", server.spec),
    )


def test_commands_run_over_there(server: Sshd, tmp_path: Path) -> None:
    assert _there(server, tmp_path).backup().endswith(f" 127.0.0.1 {server.port}".encode())

    content = bytes(range(256)) * 10_000
    _there(server, tmp_path).restore(content)

    assert (tmp_path / "restored").read_bytes() == content


@pytest.mark.parametrize("text", ['it\'s "$HOME" `no` \\ !', "two\nlines", "a  b", "#", "ż\t*"])
def test_scripts_arrive_as_they_are_written(server: Sshd, tmp_path: Path, text: str) -> None:
    """Two shells read them: the account's own over there, and the one that runs them."""
    run = Run("command", {"command": ["printf", "%s", text]}, tmp_path, TransportEntry("there", "ssh", server.spec))

    assert run.backup().decode() == text


def test_an_unknown_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    """Case 51."""
    server.known_hosts.write_text("")

    with pytest.raises(Failed, match=r"127\.0\.0\.1: its host key is not known"):
        _there(server, tmp_path).backup()

    assert server.known_hosts.read_text() == ""


def test_a_changed_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    """Case 51."""
    server.make_key("another")
    server.knows("another")

    with pytest.raises(Failed, match="its host key has changed"):
        _there(server, tmp_path).backup()


def test_a_key_that_does_not_open_fails_without_a_question(server: Sshd, tmp_path: Path) -> None:
    stranger = server.make_key("stranger")
    run = _there(server, tmp_path)
    run.transport = TransportEntry("there", "ssh", {**server.spec, "identity_file": str(stranger)})

    with pytest.raises(Failed, match="Permission denied") as failure:
        run.backup()

    assert "without a question" in failure.value.hint


def test_a_machine_that_does_not_listen_is_named(server: Sshd, tmp_path: Path) -> None:
    run = _there(server, tmp_path)
    run.transport = TransportEntry("there", "ssh", {**server.spec, "port": 1})

    with pytest.raises(Failed, match=r"cannot run anything on 127\.0\.0\.1: .*Connection refused"):
        run.backup()


def test_the_status_over_there_is_the_status_here(server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="exit status 7") as failure:
        _there(server, tmp_path, "echo half; echo alas >&2; exit 7").backup()

    assert failure.value.details == ("alas",)


def test_a_connection_that_is_cut_is_no_end_of_the_content(server: Sshd, tmp_path: Path) -> None:
    """Case 32: the source breaks in the middle."""
    with pytest.raises(ProgramFailed, match="exit status 255"):
        _there(server, tmp_path, "echo half; kill -9 $PPID; sleep 600").backup()


@pytest.mark.parametrize("rule", ["BatchMode=yes", "StrictHostKeyChecking=yes", "ControlPath=none"])
def test_the_users_own_configuration_cannot_weaken_the_rules(rule: str) -> None:
    """What stands on the command line wins over any file."""
    assert rule in transport("ssh", {"host": "db"}).command("exit 0")
