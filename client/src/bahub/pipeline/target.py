"""The target of a restore: prepared, fed, finished or cleaned, and put back in any case (contract B 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bahub.adapters.base import RestorePlan, Script
from bahub.errors import BahubError
from bahub.pipeline.content import checked
from bahub.pipeline.parts import Parts
from bahub.pipeline.programs import Program, run_script
from bahub.pipeline.records import Record
from bahub.pipeline.stages import Stages
from bahub.streams import Pipe

_HALF = "the target may be half restored"


class Target:
    """Where content goes back to, through its transport, which is open."""

    def __init__(self, parts: Parts, plan: RestorePlan, record: Record) -> None:
        self._parts = parts
        self._plan = plan
        self._record = record
        self._touched = False

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Prepare it; afterwards finish it, or remove what a failure left; at last put back what was changed.

        Raises:
            ProgramFailed: one of the scripts failed.
        """
        plan = self._plan
        self.put_back_what_was_left()
        if plan.record is not None:
            self._record.keep(self._run(plan.record, "recording the target's state"))
        try:
            if plan.prepare is not None:
                self._run(plan.prepare, "preparing the target")
            yield
            if plan.finish is not None:
                self._run(plan.finish, "finishing the restore")
        except BaseException as error:
            self._clean(error)
            raise
        self._recover()

    def put_back_what_was_left(self) -> bool:
        """Put back what an interrupted restore left (`--unblock`), and say whether there was anything.

        Raises:
            ProgramFailed: it could not be put back; it is still recorded.
        """
        if self._record.left() is None:
            return False
        self._recover()
        return True

    def take(self, stages: Stages, content: Pipe) -> None:
        """Feed it; the last block and what makes it valid come when everything was verified.

        Raises:
            Tampered: the content is not what it should be.
            ProgramFailed: the target's program refused.
        """
        inspector = self._parts.adapter.inspector(self._parts.definition.spec)
        with Program(self._parts.transport, self._plan.feed, "the target", self._parts.warn, mute=True) as program:
            stages.cut_by(program.kill)
            program.feed(self._plan.head)
            for block in checked(content, inspector):
                self._touched = True
                program.feed(block)
            program.feed(self._plan.tail)
            program.end_input()
            program.finish()

    def _run(self, script: Script, what: str, words: bytes = b"") -> bytes:
        return run_script(self._parts.transport, script, what, self._parts.warn, words=words)

    def _recover(self) -> None:
        if self._plan.recover is not None:
            self._run(self._plan.recover, "putting back the target's state", self._record.left() or b"")
        self._record.forget()

    def _clean(self, error: BaseException) -> None:
        """Remove what a failed restore left, and put back what it changed; the failure stays the failure."""
        try:
            if self._plan.undo is not None:
                self._run(self._plan.undo, "removing what was restored so far")
        except BahubError as trouble:
            self._tell(trouble)
        try:
            self._recover()
        except BahubError as trouble:
            self._tell(trouble)
            self._parts.warn("`bahub backup restore NAME --unblock` tries again to put it back")
        if not (self._touched and self._plan.half_restored):
            return
        if isinstance(error, BahubError):
            error.hint = f"{_HALF}. {error.hint}".rstrip()
        else:
            self._parts.warn(_HALF)

    def _tell(self, trouble: BahubError) -> None:
        for line in (trouble.message, *trouble.details):
            self._parts.warn(line)
