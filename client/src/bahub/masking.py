"""Secrets, and how they stay out of every text (contract B 3.10).

A `Secret` shows itself as `********`. Each one made is known here, so that texts from elsewhere (what a program wrote
to stderr, what a server answered) can be masked before anybody reads them.
"""

from __future__ import annotations

import threading

MASK = "********"
"""The only mask for secrets."""
_SHORTEST = 4
"""Secrets below this length are not looked for in texts: they would mask half of every sentence."""

_known: set[str] = set()
_lock = threading.Lock()


class Secret:
    """A text that nobody may see; ask for it with `reveal` where it goes to the program that needs it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST:
            with _lock:
                _known.add(value)

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def masked(text: str) -> str:
    """Replace every known secret in a text, the longest first."""
    with _lock:
        secrets = sorted(_known, key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text
