"""What listings and numbers need where there is much: sums over all collections, and narrower indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEWEST = """
    UPDATE collections SET newest_at = (
        SELECT created_at FROM versions WHERE collection_id = collections.id ORDER BY number DESC LIMIT 1
    )
"""
RETIRED = sa.text("retired_at IS NOT NULL")
SUMS = """
    INSERT INTO totals (part, collections, versions, used_space, declared_millions, declared_rest)
    SELECT 0, count(*), coalesce(sum(versions_count), 0), coalesce(sum(used_space), 0),
           coalesce(sum(max_collection_size / 1000000), 0), coalesce(sum(max_collection_size % 1000000), 0)
    FROM collections
"""


def upgrade() -> None:
    op.create_table(
        "totals",
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("collections", sa.BigInteger(), nullable=False),
        sa.Column("versions", sa.BigInteger(), nullable=False),
        sa.Column("used_space", sa.BigInteger(), nullable=False),
        sa.Column("declared_millions", sa.BigInteger(), nullable=False),
        sa.Column("declared_rest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_totals"),
    )
    op.execute(SUMS)
    op.add_column("collections", sa.Column("newest_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(NEWEST)
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_index("ix_audit_actor_id_id", table_name="audit")
    op.drop_index("ix_audit_event_id", table_name="audit")
    op.create_index("ix_audit_at_id", "audit", ["at", "id"])
    op.create_index("ix_audit_actor_id_at_id", "audit", ["actor_id", "at", "id"])
    op.create_index("ix_audit_event_at_id", "audit", ["event", "at", "id"])
    op.create_index("ix_audit_actor_id_event_at_id", "audit", ["actor_id", "event", "at", "id"])
    op.create_table(
        "audit_counts",
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("until_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "event", name="pk_audit_counts"),
    )
    op.create_index("ix_users_active_expires_at", "users", ["active", "expires_at"])
    op.drop_index("ix_tokens_user_id", table_name="tokens")
    op.create_index("ix_tokens_user_id_active_expires_at", "tokens", ["user_id", "active", "expires_at"])
    op.create_index("ix_tokens_user_id_issued_at_id", "tokens", ["user_id", "issued_at", "id"])
    op.drop_index("ix_version_tags_tag", table_name="version_tags")
    op.create_index("ix_version_tags_tag_file_id", "version_tags", ["tag", "file_id"])
    op.drop_index("ix_blobs_retired_at", table_name="blobs")
    op.create_index("ix_blobs_retired", "blobs", ["key"], sqlite_where=RETIRED, postgresql_where=RETIRED)
