"""What a search for accounts looks at, regardless of case in every script."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

users = sa.table(
    "users",
    sa.column("id", sa.String),
    sa.column("email", sa.String),
    sa.column("organization", sa.Text),
    sa.column("about", sa.Text),
    sa.column("permissions", sa.JSON),
    sa.column("searched", sa.Text),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("searched", sa.Text(), server_default=sa.text("''"), nullable=False))
    connection = op.get_bind()
    for row in connection.execute(sa.select(users)).all():
        texts = (row.id, row.email, row.organization, row.about, *row.permissions)
        searched = "\x1f".join(text.casefold().replace("\x1f", " ") for text in texts)
        connection.execute(sa.update(users).where(users.c.id == row.id).values(searched=searched))
