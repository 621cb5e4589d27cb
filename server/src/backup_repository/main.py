"""Builds the application from a Config; the only module that knows every part."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from backup_repository import clock
from backup_repository.access.accounts import Accounts
from backup_repository.access.audit import Audit
from backup_repository.access.collections import Collections
from backup_repository.access.first_run import FirstRun
from backup_repository.access.keys import load_keys
from backup_repository.access.members import Members
from backup_repository.access.passwords import Passwords
from backup_repository.access.profile import Profiles
from backup_repository.access.sessions import Sessions
from backup_repository.access.throttle import Throttle
from backup_repository.access.tokens import Tokens
from backup_repository.access.upload_tokens import UploadTokens
from backup_repository.clock import Clock
from backup_repository.collections.model import Limits
from backup_repository.config.load import load
from backup_repository.config.model import Config, LocalStorage
from backup_repository.database.engine import Database
from backup_repository.database.leases import Leases
from backup_repository.health.check import Diagnosis, Health
from backup_repository.health.report import Report
from backup_repository.health.running import RunningUploads
from backup_repository.health.scrape import Scrape
from backup_repository.health.survey import Surveys
from backup_repository.instance import Instance
from backup_repository.metrics.counters import Counters
from backup_repository.storage.open import open_storage
from backup_repository.storage.staging import own_staging
from backup_repository.versions.check import Check
from backup_repository.versions.download import Downloads
from backup_repository.versions.files import Files
from backup_repository.versions.landing import LandingDirectory
from backup_repository.versions.remove import Removals
from backup_repository.versions.sweep import SWEEP, Sweep
from backup_repository.versions.upkeep import Job, Upkeep, repeat
from backup_repository.versions.upload import Uploads

_SWEEP_SECONDS = 3600
_SWEEP_MARGIN = 3600
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""What glibc's `mallopt` calls its parameters."""
_MIB = 1024 * 1024


def default_min_age(config: Config) -> int:
    """Return how old, in seconds, a leftover must be before the sweep takes it (contract 12)."""
    return config.long_execution_time + _SWEEP_MARGIN


def swept_by_then(config: Config) -> int:
    """Return the age in seconds at which the sweep of a running server has surely taken a leftover (contract 12)."""
    return default_min_age(config) + _SWEEP_SECONDS


def build(config: Config, staging: Path, *, now: Clock = clock.now, blocks: Sequence[str] = ()) -> Instance:
    """Wire one instance by hand. Nothing is connected or written yet but missing keys.

    Args:
        config: checked settings.
        staging: this process's own directory for unfinished blobs.
        now: gives the present moment to every job.
        blocks: names of the memory that the processes of one server share for what they count.

    Raises:
        ConfigurationError: the keys cannot be used.
    """
    database = Database(config.database_url)
    storage = open_storage(config, staging)
    keys = load_keys(config.jwt_secret_key, config.jwt_public_key, config.jwt_passphrase)
    passwords = Passwords()
    throttle = Throttle(database, now)
    landing = LandingDirectory(config.revproxy_storage_dir)
    counters = Counters(blocks)
    report = Report(database, now)
    directory = config.fs_rw.directory if isinstance(config.fs_rw, LocalStorage) else None
    maxima = Limits(config.backup_max_versions, config.backup_one_version_max_size, config.backup_collection_max_size)
    sessions = Sessions(
        database, keys, passwords, throttle, now, session_seconds=config.jwt_lifetime, counters=counters
    )
    tokens = Tokens(database, keys, now)
    accounts = Accounts(database, passwords, now)
    collections = Collections(database, now, maxima=maxima)
    first_run = FirstRun(
        database,
        keys,
        accounts=accounts,
        collections=collections,
        sessions=sessions,
        tokens=tokens,
        throttle=throttle,
    )
    return Instance(
        config=config,
        clock=now,
        database=database,
        sessions=sessions,
        tokens=tokens,
        upload_tokens=UploadTokens(database, keys, now),
        accounts=accounts,
        profiles=Profiles(database, passwords, throttle, now),
        collections=collections,
        members=Members(database, now),
        audit=Audit(database),
        first_run=first_run,
        uploads=Uploads(database, storage, now, counters),
        downloads=Downloads(database, storage),
        files=Files(database),
        removals=Removals(database, now),
        landing=landing,
        sweep=Sweep(database, storage, landing, now, counters),
        check=Check(database, storage, now),
        health=Health(database, storage, read_only=config.read_only),
        report=report,
        counters=counters,
        scrape=Scrape(database, report, counters, directory=directory),
        surveys=Surveys(database, now),
        running=RunningUploads(database, counters, landing, now),
    )


@contextlib.contextmanager
def running(config: Config, blocks: Sequence[str] = ()) -> Iterator[Instance]:
    """Build an instance with a staging directory of its own, cleared of what dead processes left.

    Args:
        config: checked settings.
        blocks: as for `build`.

    Raises:
        ConfigurationError: the keys or directories cannot be used.
    """
    with own_staging(config.temp_directory) as staging:
        yield build(config, staging, blocks=blocks)


async def diagnose(config: Config) -> Diagnosis:
    """Check the health of an installation without leaving a trace: no keys are made and no directories.

    Without a `TEMP_DIRECTORY` the storage is only looked at.

    Raises:
        ConfigurationError: the directory cannot be used.
    """
    database = Database(config.database_url)
    with _existing_staging(config.temp_directory) as staging:
        storage = open_storage(config, staging or config.temp_directory)
        health = Health(database, storage, read_only=config.read_only or staging is None)
        try:
            return await health.diagnose()
        finally:
            await database.close()


@contextlib.contextmanager
def _existing_staging(temp_directory: Path) -> Iterator[Path | None]:
    if not temp_directory.is_dir():
        yield None
        return
    with own_staging(temp_directory) as staging:
        yield staging


def create(config: Config, blocks: Sequence[str] = ()) -> Starlette:
    """Build the HTTP application of one server process, which takes part in the upkeep.

    Args:
        config: checked settings.
        blocks: as for `build`.

    Raises:
        ConfigurationError: the keys or directories cannot be used.
    """
    from backup_repository.api.app import create_app  # noqa: PLC0415 - a quarter of a second that the console saves
    from backup_repository.api.content import content_response  # noqa: PLC0415 - likewise
    from backup_repository.api.peer import base_url, client_address  # noqa: PLC0415 - likewise
    from backup_repository.web.app import install  # noqa: PLC0415 - likewise
    from backup_repository.web.lent import Lent  # noqa: PLC0415 - likewise

    _return_freed_memory()
    stack = contextlib.ExitStack()
    instance = stack.enter_context(running(config, blocks))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        with stack:
            tasks = [] if config.read_only else [asyncio.create_task(work) for work in _unasked(instance)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await instance.database.close()

    lent = Lent(client_address=client_address, base_url=base_url, content=content_response)
    app = create_app(instance, lifespan)
    install(app, instance, lent)
    _look_no_more_at_what_stays()
    return app


def _unasked(instance: Instance) -> tuple[Coroutine[Any, Any, None], ...]:
    """Give what a running server does without being asked, for as long as it runs."""
    age = default_min_age(instance.config)
    jobs = [Job(SWEEP, _SWEEP_SECONDS, lambda: instance.sweep.run(age))]
    # the proxy's directory belongs to this machine, and another one may hold the lease
    landed = Job("clearing of landed files", _SWEEP_SECONDS, lambda: instance.landing.clear(age))
    return Upkeep(Leases(instance.database), jobs).run(), repeat(landed)


def create_from_environment(blocks: Sequence[str]) -> Starlette:
    """Build the HTTP application of a worker process, which finds its settings like its parent did.

    Args:
        blocks: as for `build`.

    Raises:
        ConfigurationError: a setting is wrong; the parent has found that out before.
    """
    return create(load(os.environ, None, Path.cwd()).config, blocks)


def _look_no_more_at_what_stays() -> None:
    """Let the garbage collector pass over all that is loaded, which stays until the end.

    While it looks through everything no request is served: 0.09 s amid 200 uploads, and less than half of that so.
    """
    gc.collect()
    gc.freeze()


def _return_freed_memory() -> None:
    """Let the C library give large blocks back to the system when they are freed.

    Left alone, glibc learns from the first log-in to keep blocks of its size, 19 MiB: one for each thread that ever
    checked a password, some 60 MB after a few log-ins at once, and likewise the blocks of parallel uploads. With a heap
    for every thread, 15 MB more stay after ten transfers at once.
    """
    with contextlib.suppress(AttributeError):  # only glibc has it, and needs it
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MIB // 2)
        mallopt(_M_TRIM_THRESHOLD, 2 * _MIB)
        mallopt(_M_ARENA_MAX, 1)
