"""Which statements look at too much, held against the plans of both databases."""

from __future__ import annotations

import re
from collections.abc import Sequence

from world.statements import Statement, steps, words

from backup_repository.database.engine import Database

GROWING = frozenset({"versions", "version_tags", "blobs", "tokens", "audit", "login_failures"})
"""Tables that grow with every backup, log-in or change."""
_SCANNED = re.compile(r"^SCAN (\w+)(.*)$")


async def too_much(
    database: Database, statements: Sequence[Statement], *, rows: int, all_names: bool = False
) -> list[str]:
    """Say which statements read a growing table from end to end, or look at more rows in one step than they may.

    Args:
        database: plans them, and on PostgreSQL runs again what only reads; SQLite tells no numbers of rows.
        statements: that were sent.
        rows: the most rows of one step.
        all_names: whether every stored file name may be read once.
    """
    found = []
    for statement in statements:
        if database.name == "sqlite":
            matches = [_SCANNED.match(line) for line in await words(database, statement)]
            whole = [match[1] for match in matches if match and "USING" not in match[2]]
            found += [f"{table} is scanned: {statement.text}" for table in whole if table.rpartition("_")[0] in GROWING]
            continue
        for step in await steps(database, statement):
            names = all_names and step.table == "versions"
            if step.whole_table and step.table in GROWING and not names:
                found.append(f"{step.table} is scanned: {statement.text}")
            if step.rows > rows:
                found.append(f"{step.kind} {step.table} looks at {step.rows}: {statement.text}")
    return found
