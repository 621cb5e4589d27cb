"""Puts a version back, or writes it into a file (contract B 3.7).

1. the beginning of the archive is looked at: nothing is touched for one that cannot be opened;
2. what a restore changes for a while is recorded, then the target is prepared;
3. the content goes to the target as it arrives, its last block only when everything was verified;
4. success is made visible, or what a failure left is removed;
5. whatever happened, what step 2 changed is put back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bahub.adapters.base import RestoreOptions, RestorePlan
from bahub.pipeline.archive import Fetch, fetched, opened, staged
from bahub.pipeline.content import pour
from bahub.pipeline.files import appearing
from bahub.pipeline.parts import Parts
from bahub.pipeline.records import Record
from bahub.pipeline.stages import Stages
from bahub.pipeline.target import Target


@dataclass(frozen=True, slots=True)
class How:
    """What the user asked for."""

    to: str | None = None
    """Another directory, on the transport's machine."""
    stage: Path | None = None
    """Where the whole archive is verified before anything is touched; None: nowhere."""
    allow_unencrypted: bool = False
    """Whether an archive may be plain though the definition encrypts."""


def plan_of(parts: Parts, how: How) -> RestorePlan:
    """Ask the adapter how content goes back.

    Raises:
        BadUsage: it cannot be put back in the way asked for.
    """
    return parts.adapter.restore(parts.definition.spec, RestoreOptions(to=how.to))


def restore(parts: Parts, fetch: Fetch, how: How, record: Record) -> None:
    """Put a version back where it came from, or into another directory.

    Raises:
        BadUsage: it cannot be put back in the way asked for.
        Tampered: the archive is not what was stored.
        ProgramFailed: the target refused.
        BahubError: anything of the way here.
    """
    target = Target(parts, plan_of(parts, how), record)
    with _near(fetch, how.stage) as near, Stages() as stages:
        start = opened(parts, stages, near, allow_unencrypted=how.allow_unencrypted)
        with parts.transport.opened(), target.prepared():
            content = start()
            stages.run("target", lambda: target.take(stages, content))
            stages.wait()


def unblock(parts: Parts, record: Record) -> bool:
    """Put back what an interrupted restore left; false when there was nothing.

    Raises:
        ProgramFailed: it could not be put back.
    """
    plan = plan_of(parts, How())
    with parts.transport.opened():
        return Target(parts, plan, record).put_back_what_was_left()


def save(parts: Parts, fetch: Fetch, file: Path, how: How) -> None:
    """Write the content of a version into a file, which appears when it is verified; touch nothing else.

    Raises:
        BahubError: as `restore`; a file of that name is then as it was.
    """
    with _near(fetch, how.stage) as near, appearing(file) as sink, Stages() as stages:
        content = opened(parts, stages, near, allow_unencrypted=how.allow_unencrypted)()
        stages.run("file", lambda: pour(content, sink))
        stages.wait()


def save_raw(fetch: Fetch, file: Path) -> None:
    """Write the stored bytes of a version into a file, which appears when they are verified.

    Raises:
        BahubError: as `restore`; a file of that name is then as it was.
    """
    with appearing(file) as sink, Stages() as stages:
        stored = fetched(stages, fetch)
        stages.run("file", lambda: pour(stored, sink))
        stages.wait()


def _near(fetch: Fetch, stage: Path | None) -> AbstractContextManager[Fetch]:
    """Give the archive from the server, or from a directory where it was verified first."""
    return nullcontext(fetch) if stage is None else staged(fetch, stage)
