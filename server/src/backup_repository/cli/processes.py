"""The processes of a server: a single one, or a supervisor with workers (contract B 2.3).

* The first SIGTERM or SIGINT stops accepting; running transfers may finish for the grace time. The next one cuts them.
* SIGHUP changes nothing: logs go to stderr, so there is no file to open again.
* No worker outlives its supervisor.
* `READY=1` is sent when every process accepts requests, not before.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from backup_repository.cli import output
from backup_repository.cli.protocol import ContractProtocol
from backup_repository.config.model import Config
from backup_repository.errors import ConfigurationError
from backup_repository.main import create, create_from_environment
from backup_repository.metrics.board import Blocks

_log = logging.getLogger(__name__)

_STARTUP_SECONDS = 60
_HUNG_SECONDS = 30
"""After this long without a sign of life a worker is replaced; on a busy machine a few seconds are nothing."""
_LOOK_SECONDS = 0.2
"""How often a stopping supervisor looks for a second signal."""
_BLOCKS = "BACKUP_REPOSITORY_BLOCKS"
"""The variable by which workers learn where they count."""
_PR_SET_PDEATHSIG = 1
"""What Linux calls the signal that a process gets when its parent dies."""


def run(
    config: Config, sockets: list[socket.socket], *, workers: int, grace: int, logging_settings: dict[str, Any]
) -> None:
    """Serve on listening sockets until a signal ends it.

    Args:
        config: checked settings.
        sockets: listen already; they are closed when the server stops accepting.
        workers: how many processes serve; with more than one they find the settings in the environment.
        grace: seconds that running transfers may take to finish.
        logging_settings: from `logs.log_config`.

    Raises:
        ConfigurationError: the keys or directories cannot be used.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = uvicorn.Config(
        create(config) if workers == 1 else f"{__name__}:worker",
        factory=workers > 1,
        workers=workers,
        http=ContractProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=logging_settings,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace,
        timeout_worker_healthcheck=_HUNG_SECONDS,
    )
    if workers == 1:
        _Server(settings).run(sockets=sockets)
    else:
        blocks = Blocks(workers)
        os.environ[_BLOCKS] = os.pathsep.join(blocks.names)
        _Supervisor(settings, sockets).run()


def worker() -> Any:
    """Build the application of a worker process, which finds its settings like its parent did and ends with it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _end_with_parent()
    try:
        return create_from_environment(os.environ[_BLOCKS].split(os.pathsep))
    except ConfigurationError as error:  # something has changed since the parent looked
        output.note_configuration(error)
        sys.exit(STARTUP_FAILURE)


def _end_with_parent() -> None:
    """See to it that this worker ends also when its parent is killed and can tell nobody."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:  # killed before
        sys.exit(STARTUP_FAILURE)


class _Server(uvicorn.Server):
    """Says when it accepts requests, and ends with exit code 0 when a signal ended it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the service manager."""
        await super().startup(sockets)
        _notify_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop like uvicorn, but let the application end in order also when a second signal cuts what is running."""
        await super().shutdown(sockets)
        if self.force_exit:
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal, cut what is running at the second; uvicorn would die of the first one later."""
        del sig, frame
        self.force_exit = self.should_exit
        self.should_exit = True


class _Supervisor(Multiprocess):
    """Says when every worker accepts requests, and passes on what should end them."""

    def init_processes(self) -> None:
        """Start the workers, then tell the service manager."""
        # ignored, not caught: only so do workers inherit it, which SIGHUP would otherwise end while they start
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        super().init_processes()
        if all(process.wait_until_ready(_STARTUP_SECONDS, self.should_exit) for process in self.processes):
            _notify_ready()

    def terminate_all(self) -> None:
        """Stop accepting: the workers close their copies of the sockets, this process its own."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Wait for the workers; a further signal makes them cut what is running."""
        self.signal_queue.clear()
        while running := [process for process in self.processes if process.process.is_alive()]:
            running[0].process.join(_LOOK_SECONDS)
            if signal.SIGTERM in self.signal_queue or signal.SIGINT in self.signal_queue:
                self.signal_queue.clear()
                for process in running:
                    _send(process.pid, signal.SIGINT)  # which makes a stopping uvicorn cut

    def handle_ttin(self) -> None:
        """Change nothing; uvicorn would add a worker."""

    def handle_ttou(self) -> None:
        """Change nothing; uvicorn would end a worker."""


def _send(process_id: int | None, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if process_id is not None:
            os.kill(process_id, number)


def _notify_ready() -> None:
    """Send `READY=1` where the service manager asked for it (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.connect("\0" + address[1:] if address.startswith("@") else address)
            manager.sendall(b"READY=1")
        except OSError as error:
            _log.warning("the service manager cannot be told that the server is ready: %s", error)
