"""Queries that are made once: what every request asks goes to the driver as text.

SQLAlchemy stays the one language of statements. To make a statement, find it among the compiled ones, and adapt its
rows costs it several times what the driver needs, though, so for the few reads of nearly every request that is done
once for each database, and then each value goes through the conversions of its type alone.

A prepared query has the same text whatever its values are (no lists of a length that varies), changes nothing, and its
columns have names of their own. `Reader.fetch` runs it; SQLAlchemy would give the same rows for `Prepared.query`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Select

_Conversion: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A query in the words of one database."""

    sql: str
    _values: tuple[tuple[str, Any, _Conversion | None], ...]
    """The name of each value in the order of the text, what stands in the query itself, and what the driver wants."""
    _row: Callable[[Iterable[Any]], Any]
    _conversions: tuple[tuple[int, _Conversion], ...]
    """Columns whose values the driver gives in another form."""

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Put values in order, in the driver's form.

        Raises:
            KeyError: a value is missing.
        """
        ordered = []
        for name, own, convert in self._values:
            value = values[name] if own is None else own
            ordered.append(value if convert is None else convert(value))
        return ordered

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        """Make the driver's rows those that SQLAlchemy would give: named tuples of converted values."""
        rows = []
        for one in found:
            values = list(one)
            for place, convert in self._conversions:
                values[place] = convert(values[place])
            rows.append(self._row(values))
        return rows


class Prepared:
    """A query for `Reader.fetch`; values come by the names of its `bindparam`s."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        self.query = query
        """As SQLAlchemy runs it."""
        self._texts: dict[str, Text] = {}

    def text(self, dialect: Dialect) -> Text:
        """Return the query as this database takes it; made when it is asked for the first time."""
        made = self._texts.get(dialect.name)
        if made is None:
            made = self._texts[dialect.name] = _made(self.query, dialect)
        return made


def _made(query: Select[*tuple[Any, ...]], dialect: Dialect) -> Text:
    compiled: Any = query.compile(dialect=dialect)  # whose parameters are told only by what queries are compiled to
    values = []
    for name in compiled.positiontup:
        bound = compiled.binds[name]
        convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
        values.append((name, None if bound.required else bound.effective_value, convert))
    columns = query.selected_columns
    conversions = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    row = namedtuple("Row", columns.keys())  # type: ignore[misc] # noqa: PYI024 - only the query knows the names
    return Text(
        compiled.string,
        tuple(values),
        row._make,
        tuple((place, convert) for place, convert in enumerate(conversions) if convert is not None),
    )
