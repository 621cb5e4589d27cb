"""What clients know of the collections they share: what they sent, what was acknowledged, what they ever saw listed.

An operation whose answer was lost may have happened or not; either is right, and listings tell which.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ledger:
    """Everything about one collection; several threads may write it."""

    versions: str
    """Path of its versions."""
    fields: dict[str, Any]
    """As it was created."""
    rotates: bool
    """Whether versions go by themselves, oldest first; then nobody deletes any."""
    most: int
    """The largest limit of versions it ever had, also one whose answer was lost; 0: none."""
    least: int
    """The smallest one."""
    most_bytes: int
    sent: dict[str, int] = field(default_factory=dict)
    """SHA-256 of each body whose upload began, and its size."""
    acknowledged: dict[int, str] = field(default_factory=dict)
    """Number and SHA-256."""
    given_up: set[int] = field(default_factory=set)
    """Numbers of versions whose deletion began."""
    seen: dict[int, str] = field(default_factory=dict)
    """Every number that was ever acknowledged or listed, with its bytes."""
    problems: list[str] = field(default_factory=list)
    """What must not be."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sends(self, sha256: str, size: int) -> None:
        """Note an upload that begins."""
        with self._lock:
            self.sent[sha256] = size

    def acknowledges(self, number: int, sha256: str) -> None:
        """Note an upload that was answered."""
        with self._lock:
            if number in self.acknowledged:
                self.problems.append(f"number {number} was given twice")
            self.acknowledged[number] = sha256
            self._see(number, sha256)

    def gives_up(self, number: int) -> None:
        """Note a deletion that begins."""
        with self._lock:
            self.given_up.add(number)

    def allows(self, count: int) -> None:
        """Note a change of the limit of versions that begins."""
        with self._lock:
            self.most, self.least = max(self.most, count), min(self.least, count)

    def lists(self, listing: Mapping[str, Any]) -> None:
        """Note a listing; compare it with the limits and with what was ever seen."""
        with self._lock:
            sizes = 0
            for number, shown in listing.items():
                details = shown["details"]
                sha256, size = details["checksum"]["value"], details["file"]["filesize_bytes"]
                sizes += size
                if self.sent.get(sha256) != size:
                    self.problems.append(f"version {number} has {size} bytes that nobody sent")
                self._see(int(number), sha256)
            if self.most and len(listing) > self.most:
                self.problems.append(f"{len(listing)} versions where {self.most} are allowed")
            if self.most_bytes and sizes > self.most_bytes:
                self.problems.append(f"{sizes} bytes where {self.most_bytes} are allowed")

    def closes(self, listing: Mapping[str, Any]) -> None:
        """Compare the last listing with everything that was acknowledged."""
        self.lists(listing)
        left = {int(number) for number in listing}
        lost = self.acknowledged.keys() - left - self.given_up
        if self.rotates:  # the oldest may go, and only as many as the limit says
            oldest = min(left, default=0)
            enough = len(left) >= min(self.least, len(self.acknowledged))
            lost = {number for number in lost if number > oldest or not enough}
        if lost:
            self.problems.append(f"acknowledged versions {sorted(lost)} are gone")

    def expected(self, number: int) -> str | None:
        """Return the SHA-256 of a version that nobody may have removed; None when it may be gone, or never was."""
        with self._lock:
            return None if self.rotates or number in self.given_up else self.seen.get(number)

    def numbers(self) -> list[int]:
        """Return every number ever seen that nobody has begun to delete."""
        with self._lock:
            return sorted(self.seen.keys() - self.given_up)

    def _see(self, number: int, sha256: str) -> None:
        if self.seen.setdefault(number, sha256) != sha256:
            self.problems.append(f"number {number} is used for two versions")
