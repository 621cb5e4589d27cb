"""When each collection is due, so that what is late is found without a look at every version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice, pairwise
from statistics import median

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LOOKED_AT = 8
BATCH = 500
HOUR = timedelta(hours=1)
MOMENT = sa.DateTime(timezone=True)
COLLECTIONS = sa.table("collections", sa.column("id", sa.String), sa.column("due_at", MOMENT))
VERSIONS = sa.table(
    "versions",
    sa.column("collection_id", sa.String),
    sa.column("number", sa.BigInteger),
    sa.column("created_at", MOMENT),
)


def upgrade() -> None:
    op.add_column("collections", sa.Column("due_at", MOMENT, nullable=True))
    connection = op.get_bind()
    ids = iter(connection.execute(sa.select(COLLECTIONS.c.id)).scalars().all())
    set_due = (
        sa.update(COLLECTIONS).where(COLLECTIONS.c.id == sa.bindparam("wanted")).values(due_at=sa.bindparam("moment"))
    )
    while batch := list(islice(ids, BATCH)):
        last = connection.execute(last_moments(batch)).all()
        found = [
            {"wanted": collection_id, "moment": due_at([row.created_at for row in rows])}
            for collection_id, rows in groupby(last, key=lambda row: row.collection_id)
        ]
        if found:
            connection.execute(set_due, found)


def last_moments(ids: Sequence[str]) -> sa.Select[tuple[str, datetime]]:
    """Select when the last versions of the collections were stored."""
    columns = VERSIONS.c
    place = sa.func.row_number().over(partition_by=columns.collection_id, order_by=columns.number.desc())
    ranked = sa.select(columns.collection_id, columns.created_at, place.label("place"))
    ranked_ones = ranked.where(columns.collection_id.in_(ids)).subquery()
    wanted = sa.select(ranked_ones.c.collection_id, ranked_ones.c.created_at)
    return wanted.where(ranked_ones.c.place <= LOOKED_AT).order_by(ranked_ones.c.collection_id)


def due_at(moments: Sequence[datetime]) -> datetime | None:
    """Apply the rule as it was when this column came."""
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(moments))]
    return max(moments) + max(2 * timedelta(seconds=median(gaps)), HOUR) if len(gaps) > 1 else None
