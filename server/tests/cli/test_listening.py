"""Where `serve` listens, and when it says so (contract B 2.3)."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner
from world import wire
from world.console import accepts, bare, run, said, started
from world.instance import Installation
from world.ports import free_port
from world.processes import workers_of
from world.waiting import eventually

from backup_repository.cli.main import build_app

PATH = "/api/stable/version"
"""Answers 401 without a token."""

HANDED_OVER = (
    sys.executable,
    "-c",
    (
        "import os, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'backup_repository', *sys.argv[2:]])\n"
    ),
)
"""Starts the console as a service manager does: with a listening socket as descriptor 3."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A migrated installation whose server nobody has started."""
    fresh = bare(tmp_path_factory.mktemp("place"))
    assert run(fresh, "db", "migrate").code == 0
    return fresh


@contextmanager
def serving(place: Installation, address: wire.Address, *options: str) -> Iterator[None]:
    """Run a server, see it answer, and end it with the test."""
    with started(place, "serve", *options) as process:
        eventually(lambda: process.poll() is not None or accepts(address))
        assert process.poll() is None, said(place).read_text()
        assert address.ask("GET", PATH).status == 401
        yield


def refused(place: Installation, *options: str) -> str:
    """Run a server that cannot start, and return the one line it says."""
    ran = run(place, "serve", *options)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    return ran.err


@pytest.mark.parametrize(("host", "shown"), [("localhost", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_and_a_port(host: str, shown: str, place: Installation) -> None:
    port = free_port()
    with serving(place, wire.tcp(host, port), "--bind", host, "--port", str(port)):
        assert said(place).read_text().splitlines()[0] == f"Listening on http://{shown}:{port}"


def test_a_socket_is_for_owner_and_group_and_replaces_a_stale_one(place: Installation) -> None:
    path = place.root / "stale.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert not accepts(wire.unix(str(path)))
    with serving(place, wire.unix(str(path)), "--uds", path.name):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert said(place).read_text().splitlines()[0] == f"Listening on {path.name}"


def test_a_socket_that_is_used_is_left_alone(place: Installation) -> None:
    path = place.root / "live.sock"
    with serving(place, wire.unix(str(path)), "--uds", path.name):
        assert refused(place, "--uds", path.name) == f"another server listens on {path.name}\n"
        assert accepts(wire.unix(str(path)))


def test_a_file_that_is_no_socket_is_left_alone(place: Installation) -> None:
    file = place.root / "notes.txt"
    file.write_text("mine")
    assert refused(place, "--uds", file.name) == f"{file.name} exists and is no socket\n"
    assert file.read_text() == "mine"


@pytest.mark.parametrize("path", ["missing/server.sock", "s" * 200])
def test_a_socket_that_cannot_be_made_is_one_line(path: str, place: Installation) -> None:
    line = refused(place, "--uds", path)
    assert line.startswith(f"cannot listen on {path}: ")
    assert "None" not in line


def test_a_taken_port_is_one_line(place: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(place, "--port", str(port))
    assert line == f"cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_an_address_of_another_machine_is_one_line(place: Installation) -> None:
    assert refused(place, "--bind", "192.0.2.1", "--port", "0").startswith("cannot listen on 192.0.2.1 port 0: ")


@pytest.mark.parametrize("other", ["--bind 127.0.0.1", "--port 8000"])
def test_a_socket_excludes_address_and_port(other: str) -> None:
    ran = CliRunner().invoke(build_app(), ["serve", "--uds", "server.sock", *other.split()])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", "--uds excludes --bind and --port\n")


def test_a_handed_over_socket_is_used_in_place_of_all_others(place: Installation) -> None:
    unused = free_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        before = (*HANDED_OVER, str(listener.fileno()))
        with started(place, "serve", "--port", str(unused), before=before, descriptors=[listener.fileno()]) as process:
            listener.close()
            assert wire.tcp("127.0.0.1", port).ask("GET", PATH).status == 401
            assert not accepts(wire.tcp("127.0.0.1", unused))
            expected = f"Listening on http://127.0.0.1:{port}\n"
            assert said(place).read_text().replace(set_up_line(place), "") == expected + requests_in(place)
            process.terminate()
            assert process.wait() == 0


def set_up_line(place: Installation) -> str:
    """Return what is said because the place has no account."""
    lines = said(place).read_text().splitlines(keepends=True)
    return next(line for line in lines if line.startswith("No account exists yet."))


def requests_in(place: Installation) -> str:
    lines = said(place).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if " backup_repository.requests " in line)


def test_sockets_for_another_process_are_not_taken(place: Installation) -> None:
    port = free_port()
    strange = place.with_settings(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    with serving(strange, wire.tcp("127.0.0.1", port), "--port", str(port)):
        pass


def test_descriptors_that_are_no_sockets_are_one_line(place: Installation) -> None:
    (place.root / "file").touch()
    with (place.root / "file").open() as file:
        before = (*HANDED_OVER, str(file.fileno()))
        with started(place, "serve", before=before, descriptors=[file.fileno()]) as process:
            assert process.wait() == 1
    assert said(place).read_text().startswith("LISTEN_FDS is 1, but ")
    assert said(place).read_text().count("\n") == 1


def test_readiness_is_announced_when_requests_are_accepted(place: Installation) -> None:
    port = free_port()
    with service_manager(str(place.root / "notify")) as manager:
        told = place.with_settings(NOTIFY_SOCKET=str(place.root / "notify"))
        with started(told, "serve", "--port", str(port)):
            assert manager.recv(64) == b"READY=1"
            assert wire.tcp("127.0.0.1", port).ask("GET", PATH).status == 401


def test_workers_share_a_handed_over_socket_and_announce_readiness_together(place: Installation) -> None:
    name = f"backup-repository-{os.getpid()}"
    told = place.with_settings(NOTIFY_SOCKET=f"@{name}")
    with service_manager(f"\0{name}") as manager, socket.create_server(("127.0.0.1", 0)) as listener:
        address = wire.tcp("127.0.0.1", listener.getsockname()[1])
        before = (*HANDED_OVER, str(listener.fileno()))
        with started(told, "serve", "--workers", "2", before=before, descriptors=[listener.fileno()]) as process:
            listener.close()
            assert manager.recv(64) == b"READY=1"
            workers = workers_of(process.pid)
            assert len(workers) == 2
            for asleep in workers:
                asleep.suspend()
                try:
                    assert address.ask("GET", PATH).status == 401
                finally:
                    asleep.resume()
            process.terminate()
            assert process.wait() == 0
            assert_silent(manager)


@contextmanager
def service_manager(name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(60)
        yield manager


def assert_silent(manager: socket.socket) -> None:
    manager.settimeout(0)
    with pytest.raises(BlockingIOError):
        manager.recv(64)


def test_nothing_is_announced_by_a_server_that_does_not_start(place: Installation) -> None:
    name = str(place.root / "notify-nothing")
    with service_manager(name) as manager:
        ran = run(place.with_settings(NOTIFY_SOCKET=name, JWT_LIFETIME="soon"), "serve", "--port", "0")
        assert ran.code == 78
        assert_silent(manager)


def test_a_service_manager_that_is_gone_does_not_stop_the_server(place: Installation) -> None:
    port = free_port()
    alone = place.with_settings(NOTIFY_SOCKET=str(place.root / "nobody"))
    with serving(alone, wire.tcp("127.0.0.1", port), "--port", str(port)):
        assert "the service manager cannot be told" in said(place).read_text()
