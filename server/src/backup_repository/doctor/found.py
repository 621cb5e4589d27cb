"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended (contract B 2.4)."""

    OK = "OK"
    """As it should be."""
    WARN = "WARN"
    """It works, and will not do so for long or not for everybody."""
    FAIL = "FAIL"
    """Backups will be lost, refused or exposed."""
    SKIP = "SKIP"
    """Not looked at; the sentence says what it takes."""


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict and one sentence that names the setting to change."""

    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    verdict: Verdict
    sentence: str


def ok(sentence: str) -> Found:
    """As it should be."""
    return Found(Verdict.OK, sentence)


def warn(sentence: str) -> Found:
    """Something to mend before it hurts."""
    return Found(Verdict.WARN, sentence)


def fail(sentence: str) -> Found:
    """Something is broken."""
    return Found(Verdict.FAIL, sentence)


def skip(sentence: str) -> Found:
    """The check could not be made."""
    return Found(Verdict.SKIP, sentence)
