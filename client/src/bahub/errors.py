"""What can go wrong, each with the exit code of the contract (contract B 3.2).

    BahubError
    ├── Failed          1  network, server error, compression or encryption stage, lock held, no keys
    ├── BadUsage        2  options that contradict each other
    ├── Misconfigured   3  everything wrong with the configuration, all at once
    ├── Refused         4  the server said no: its message and code
    ├── ProgramFailed   5  the source or the target program, or an empty source
    └── Tampered        6  digest or length differs, decryption reports tampering or truncation
    Interrupted   130, 143  a signal; no `Exception`, so that nobody takes it for a failure

Texts may quote what other programs and the server said; whoever prints them masks secrets (`masking`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from signal import Signals


class BahubError(Exception):
    """A failure that a sentence explains; anything else is a defect of the program."""

    exit_code = 1
    """What the process ends with."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """One sentence for people."""
        self.hint = hint
        """What to do about it; may be empty."""
        self.stage = ""
        """Where in the pipeline it happened (`source`, `encryption`, `upload`); empty: outside of one."""
        self.details: tuple[str, ...] = ()
        """What a program said last, line by line; may quote anything."""


class Interrupted(BaseException):
    """A signal asked the process to end; nothing but clean-up may catch it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        """Which signal."""

    @property
    def name(self) -> str:
        """Its name, as `SIGTERM`."""
        return Signals(self.signum).name

    @property
    def exit_code(self) -> int:
        """What the process ends with: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self.signum


class Failed(BahubError):
    """The network, the server, a stage of our own, or a lock that somebody holds."""


class BadUsage(BahubError):
    """Options that contradict each other."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration file."""

    path: str
    """Where in the document, as `backups.my_db.meta.access`; empty: the whole file."""
    message: str
    """What is wrong, and what is accepted."""
    line: int | None = None
    """Counted from 1; None where no line can be named."""


class Misconfigured(BahubError):
    """The configuration cannot be used; every problem found is listed."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__("\n".join(_line(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)
        """In the order of the document."""


class Refused(BahubError):
    """The server answered 4xx."""

    exit_code = 4

    def __init__(self, message: str, *, status: int, code: int | None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        """The HTTP status."""
        self.code = code
        """The server's stable number; None when it gave none."""


class ProgramFailed(BahubError):
    """The source or target program failed, or the source was empty."""

    exit_code = 5


class Tampered(BahubError):
    """What arrived is not what was stored, or is no complete, authentic archive."""

    exit_code = 6


def _line(problem: Problem) -> str:
    where = problem.path or "configuration"
    line = "" if problem.line is None else f" (line {problem.line})"
    return f"{where}{line}: {problem.message}"
