"""Everything wrong or odd in a configuration file, gathered while it is read (contract B 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from bahub.errors import Misconfigured, Problem

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""


@dataclass(slots=True)
class Findings:
    """Problems and warnings so far."""

    lines: dict[Place, int] = field(default_factory=dict)
    """The line of each key and list item."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    settled: set[Place] = field(default_factory=set)
    """Places about which enough was said: their value is unknown, so nothing more is true of it."""

    def add(self, place: Place, message: str, line: int | None = None) -> None:
        """Note a problem, unless enough was said about its place.

        Args:
            place: where.
            message: what is wrong, and what is accepted; never the value of a secret.
            line: where no key stands for it; else the line of the place, or of the nearest one around it.
        """
        if self.is_settled(place):
            return
        self.problems.append(Problem(dotted(place), message, self.line(place) if line is None else line))

    def settle(self, place: Place, message: str) -> None:
        """Note a problem, and that nothing more need be said about its place."""
        self.add(place, message)
        self.settled.add(place)

    def is_settled(self, place: Place) -> bool:
        """Whether enough was said about a place, or one around it."""
        return any(place[:length] in self.settled for length in range(1, len(place) + 1))

    def line(self, place: Place) -> int | None:
        """Return the line of a place, or of the nearest one around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None

    def broken(self, place: Place) -> bool:
        """Whether something is wrong at a place or inside it."""
        start = dotted(place)
        return any(
            problem.path == start or problem.path.startswith((f"{start}.", f"{start}[")) for problem in self.problems
        )

    def finish(self) -> None:
        """Say everything that is wrong.

        Raises:
            Misconfigured: something is; in the order of the document.
        """
        if self.problems:
            raise Misconfigured(sorted(self.problems, key=lambda problem: problem.line or 0))


def dotted(place: Place) -> str:
    """Write a place as people do: `backups.my_db.spec.paths[0]`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
