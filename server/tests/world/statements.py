"""What an instance asks its database, and how the database goes about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import event

from backup_repository.database.engine import Database

_EXECUTED = "before_cursor_execute"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the driver got it."""

    text: str
    parameters: Sequence[Any]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that it can be run once more."""
        return self.text.lstrip().startswith(("SELECT", "WITH")) and "pg_advisory" not in self.text


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan of PostgreSQL."""

    kind: str
    table: str
    rows: int
    """Rows it looked at, all repetitions together; 0 when it was not run."""

    @property
    def whole_table(self) -> bool:
        """Whether it reads a table from one end to the other."""
        return self.kind == "Seq Scan"


@contextlib.contextmanager
def heard(database: Database) -> Iterator[list[Statement]]:
    """Listen to the statements that a database gets as long as the context lasts."""
    found: list[Statement] = []

    def listen(_connection: Any, _cursor: Any, text: str, parameters: Any, _context: Any, _many: bool) -> None:
        if not text.startswith(("BEGIN", "PRAGMA")):  # which only SQLite's transactions show
            found.append(Statement(text, parameters))

    async def fetch(driver: Any, text: str, values: Sequence[Any], patience: float | None) -> Any:
        found.append(Statement(text, values))
        return await kind.fetch(driver, text, values, patience)

    engine, kind = database._engine, database._kind
    database._kind = SimpleNamespace(**{**vars(kind), "fetch": fetch})  # what goes past SQLAlchemy
    event.listen(engine, _EXECUTED, listen)
    try:
        yield found
    finally:
        event.remove(engine, _EXECUTED, listen)
        database._kind = kind


async def steps(database: Database, statement: Statement) -> list[Step]:
    """Ask PostgreSQL for the plan of a statement; what only reads is run for it."""
    how = "ANALYZE, TIMING OFF, FORMAT JSON" if statement.reads else "FORMAT JSON"
    async with database.reading() as transaction:
        raw: Any = await transaction.run_sync(lambda connection: connection.connection.driver_connection)
        asked = f"EXPLAIN ({how}) {statement.text}"
        rows = await raw.fetch(asked, *statement.parameters)
    return list(_flattened(rows[0][0][0]["Plan"]))


async def words(database: Database, statement: Statement) -> list[str]:
    """Ask SQLite for the plan of a statement: a line for each step."""
    async with database.reading() as transaction:
        asked = f"EXPLAIN QUERY PLAN {statement.text}"
        rows = await transaction.run_sync(lambda one: one.exec_driver_sql(asked, tuple(statement.parameters)))
        return [row.detail for row in rows]


def _flattened(plan: dict[str, Any]) -> Iterator[Step]:
    seen = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    yield Step(plan["Node Type"], plan.get("Relation Name", ""), round(seen * plan.get("Actual Loops", 0)))
    for part in plan.get("Plans", ()):
        yield from _flattened(part)
