"""Searching for a part of a text regardless of case, alike on every engine.

The engines fold case differently (SQLite knows ASCII alone, PostgreSQL what its locale says), so what is searched is
stored folded.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, func, true

_BETWEEN = "\x1f"
"""Stands between two texts; in a text, or in what is looked for, it counts as a blank."""


def searchable(*texts: str) -> str:
    """Fold texts into the one in which `contains` finds a part of any of them, but nothing that spans two."""
    return _BETWEEN.join(_folded(text) for text in texts)


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a column that holds what `searchable` made contains the text, each of its characters taken literally."""
    if not text:
        return true()
    if "\0" in text:  # no column holds it, and PostgreSQL cannot even be asked
        return false()
    # no LIKE: its patterns have wildcards, and on SQLite a greatest length
    return func.replace(column, _folded(text), "") != column


def _folded(text: str) -> str:
    return text.casefold().replace(_BETWEEN, " ")
