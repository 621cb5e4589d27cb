"""One definition at a time: its lock, whom to tell, how long it took (contract B 3.8, 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from bahub.cli.live import watched
from bahub.cli.output import sentence_of
from bahub.cli.session import Session
from bahub.config.model import Backup
from bahub.errors import BahubError, Interrupted
from bahub.notifications.event import Event
from bahub.notifications.send import Notifiers
from bahub.progress import Progress
from bahub.schedule.locks import locked


@dataclass(frozen=True, slots=True)
class Job:
    """A definition that is being worked on, and nobody else works on it."""

    session: Session
    definition: Backup
    kind: str
    """`backup` or `restore`."""
    progress: Progress

    def watched(self) -> AbstractContextManager[Progress]:
        """Show how far it is until the context ends; results are printed afterwards."""
        return watched(self.session.output, self.definition.name, self.progress)

    def happened(self, what: str, text: str = "", **fields: Any) -> None:
        """Print and tell that something has happened: `started`, `uploaded`, `restored`.

        Args:
            what: the second half of the event's name.
            text: the sentence for people.
            fields: further ones for machines; `version` and `size` go to notifiers as well.
        """
        seconds = None if what == "started" else round(self.progress.seconds, 3)
        known = {} if seconds is None else {"seconds": seconds}
        name = f"{self.kind}.{what}"
        collection = self.definition.collection_id
        self.session.output.result(
            name, text, definition=self.definition.name, collection=collection, **known, **fields
        )
        version = str(fields.get("version", ""))
        self._tell(Event(name, self.definition.name, collection, version, fields.get("size"), seconds))

    def failed(self, error: BaseException) -> None:
        """Tell that it failed; printing is up to whoever catches the error."""
        stage = error.stage if isinstance(error, BahubError) else ""
        details = error.details if isinstance(error, BahubError) else ()
        self._tell(
            Event(
                f"{self.kind}.failed",
                self.definition.name,
                self.definition.collection_id,
                size=self.progress.done or None,
                seconds=round(self.progress.seconds, 3),
                stage=stage,
                reason="\n".join((sentence_of(error), *details)),
            )
        )

    def _tell(self, event: Event) -> None:
        Notifiers(self.session.config.notifiers, self.session.output.warn).tell(event, self.definition.notify)


def reported(session: Session, definition: Backup, event: str, work: Callable[[], object]) -> int:
    """Do something for a definition, print its failure if it fails, and return the exit code.

    Args:
        session: of this run.
        definition: what it is about.
        event: the name of a failure, as `backup.failed`.
        work: what to do.

    Raises:
        Interrupted: a signal came.
    """
    try:
        work()
    except Exception as error:  # noqa: BLE001 - even a defect here is none in the next definition
        reason = session.ending.reason(error)
        if isinstance(reason, Interrupted):
            raise reason from None
        code = session.output.failure(reason, event, definition=definition.name)
        if not isinstance(reason, BahubError):
            session.tell_unexpected(reason)
        return code
    return 0


@contextmanager
def job(session: Session, definition: Backup, kind: str, *, wait: bool) -> Iterator[Job]:
    """Hold the lock of a definition while it is backed up or restored, and tell of its start and its failure.

    Raises:
        Failed: it is already running.
        BaseException: what the work raises; it has been told of.
    """
    with locked(session.config.state_directory, definition.name, wait=wait):
        work = Job(session, definition, kind, Progress())
        work.happened("started")
        try:
            yield work
        except BaseException as error:
            work.failed(error)
            raise
