"""Pages of large tables: only the rows of the page are read, those before it are passed over in an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select


def page(
    table: Table,
    key: ColumnElement[Any],
    conditions: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    *,
    descending: bool,
    total: int,
    offset: int,
    limit: int,
) -> Select[Any]:
    """Select one page of the rows that meet every condition.

    Args:
        table: whose rows.
        key: its primary key.
        conditions: what the rows meet; best on columns of one index.
        order: columns that order the rows, the last of them unique; an index of them makes pages far behind cheap.
        descending: whether the rows come from the largest to the smallest.
        total: how many rows meet the conditions at this moment, so that pages are looked for from the nearer end.
        offset: rows before the page.
        limit: rows of the page.
    """
    after = max(0, total - offset - limit)
    backwards = after < offset
    size = min(limit, max(0, total - offset))  # no more than there are, so that nobody looks for another one to the end
    keys = select(key).where(*conditions).order_by(*_directed(order, descending=descending != backwards))
    wanted = keys.offset(after if backwards else offset).limit(size)
    return select(table).where(key.in_(wanted)).order_by(*_directed(order, descending=descending))


def _directed(order: Sequence[ColumnElement[Any]], *, descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column in order]
