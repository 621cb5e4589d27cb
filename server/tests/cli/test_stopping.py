"""How a server ends, with one process and with several (contract B 2.3)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from world import wire
from world.console import accepts, said, started
from world.instance import ADMIN, PASSWORD, Installation, Server, log_in
from world.processes import processes_below, workers_of
from world.traces import calm, settled
from world.waiting import eventually

PATH = "/api/stable/version"
ENDING = [signal.SIGTERM, signal.SIGINT]


@contextmanager
def serving(installation: Installation, *options: str) -> Iterator[Server]:
    """Run a server on its Unix socket, and end with it whatever it has started."""
    path = installation.root / "server.sock"
    path.unlink(missing_ok=True)
    address = wire.unix(str(path))
    with started(installation, "serve", "--uds", path.name, *options) as process:
        eventually(lambda: process.poll() is not None or accepts(address))
        assert process.poll() is None, said(installation).read_text()
        token = log_in(address, ADMIN, PASSWORD)
        try:
            yield Server(installation, process, address, token)
        finally:
            for child in processes_below(process.pid):
                child.kill()


@contextmanager
def uploading(server: Server, versions: str) -> Iterator[None]:
    """Begin an upload and never send its end."""
    staged = set(server.leftovers())
    with server.direct.connected() as connection:
        wire.send_head(connection, "POST", versions, server.bearer, body=iter(()))
        wire.send_chunk(connection, b"the first half")
        eventually(lambda: set(server.leftovers()) - staged)
        yield


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_ends_an_idle_server_with_exit_code_0(number: signal.Signals, installation: Installation) -> None:
    with serving(installation) as server:
        server.process.send_signal(number)
        assert server.process.wait() == 0
    assert list(server.staging.iterdir()) == []
    assert "Traceback" not in said(installation).read_text()


def test_sighup_changes_nothing(installation: Installation) -> None:
    with serving(installation) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.direct.ask("GET", PATH, server.bearer).status == 200


def test_workers_outlive_sighup_and_end_together(installation: Installation) -> None:
    with serving(installation, "--workers", "2") as server:
        below = processes_below(server.pid)
        workers = {worker.pid for worker in workers_of(server.pid)}
        assert len(workers) == 2
        for pid in (server.pid, *workers):
            os.kill(pid, signal.SIGHUP)
        assert server.direct.ask("GET", PATH, server.bearer).status == 200
        assert {worker.pid for worker in workers_of(server.pid)} == workers
        server.process.terminate()
        assert server.process.wait() == 0
        assert psutil.wait_procs(below, timeout=30)[1] == []
        with pytest.raises(ConnectionRefusedError):
            server.direct.ask("GET", PATH)
    assert list(server.staging.iterdir()) == []
    assert "Traceback" not in said(installation).read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_first_signal_stops_accepting_and_the_second_cuts(workers: str, tmp_path: Path) -> None:
    installation = Installation.make(tmp_path)
    with serving(installation, "--workers", workers) as server:
        versions = server.create_collection()
        before = calm(server)
        with uploading(server, versions):
            below = processes_below(server.pid)
            server.process.terminate()
            eventually(lambda: not accepts(server.direct))
            assert server.process.poll() is None, "the upload may still finish"
            server.process.terminate()
            assert server.process.wait() == 0
            assert psutil.wait_procs(below, timeout=30)[1] == []
        assert "Traceback" not in said(installation).read_text()
    with serving(installation) as again:
        assert settled(again, before).records == before.records


def test_a_worker_that_dies_is_replaced_and_none_outlives_the_supervisor(installation: Installation) -> None:
    with serving(installation, "--workers", "2") as server:
        victim, survivor = workers_of(server.pid)
        victim.kill()
        eventually(lambda: {worker.pid for worker in workers_of(server.pid)} - {victim.pid, survivor.pid})
        assert server.direct.ask("GET", PATH, server.bearer).status == 200
        workers = workers_of(server.pid)
        server.process.kill()
        assert psutil.wait_procs(workers, timeout=30)[1] == []
