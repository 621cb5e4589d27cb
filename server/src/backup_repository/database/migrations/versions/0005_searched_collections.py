"""What a search for collections looks at, regardless of case in every script."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

collections = sa.table(
    "collections",
    sa.column("id", sa.String),
    sa.column("description", sa.Text),
    sa.column("filename", sa.Text),
    sa.column("searched", sa.Text),
)


def upgrade() -> None:
    op.add_column("collections", sa.Column("searched", sa.Text(), server_default=sa.text("''"), nullable=False))
    connection = op.get_bind()
    for row in connection.execute(sa.select(collections)).all():
        texts = (row.id, row.description, row.filename)
        searched = "\x1f".join(text.casefold().replace("\x1f", " ") for text in texts)
        connection.execute(sa.update(collections).where(collections.c.id == row.id).values(searched=searched))
