"""Searching for a part of a text regardless of case, alike on every engine.

The engines fold case differently (SQLite knows ASCII alone, PostgreSQL what its locale says), so what is searched is
stored folded.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, false, func, literal, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

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


def contains_ascii(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a column of ASCII texts contains the text regardless of case, each of its characters taken literally.

    For columns so long that what stands beside each text counts: every engine is asked in its fastest words.
    """
    folded = text.casefold()
    if "\0" in folded or not folded.isascii() or len(folded) > _LONGEST:
        return false()
    pattern = "".join(f"\\{character}" if character in "%_\\" else character for character in folded)
    return _ContainsAscii(column, literal(folded), literal(f"%{pattern}%"))


_LONGEST = 1000
"""Characters of a text that a column of names could contain; SQLite bounds its patterns."""


class _ContainsAscii(FunctionElement[bool]):
    """`(column, lower-case text, LIKE pattern)`; each engine uses one of the last two."""

    name = "contains_ascii"
    type = Boolean()
    inherit_cache = True


@compiles(_ContainsAscii, "sqlite")
def _on_sqlite(element: _ContainsAscii, compiler: SQLCompiler, **options: Any) -> str:
    column, _, pattern = element.clauses
    return f"{compiler.process(column, **options)} LIKE {compiler.process(pattern, **options)} ESCAPE '\\'"


@compiles(_ContainsAscii, "postgresql")
def _on_postgresql(element: _ContainsAscii, compiler: SQLCompiler, **options: Any) -> str:
    column, text, _ = element.clauses
    return f'strpos(lower({compiler.process(column, **options)} COLLATE "C"), {compiler.process(text, **options)}) > 0'


def _folded(text: str) -> str:
    return text.casefold().replace(_BETWEEN, " ")
