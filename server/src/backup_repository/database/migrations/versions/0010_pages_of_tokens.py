"""Pages of an account's tokens far from the first: rows before them are passed over in the index alone."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["user_id", "issued_at", "id", "active", "expires_at"]
    op.create_index("ix_tokens_user_id_issued_at_id_active_expires_at", "tokens", columns)
    op.drop_index("ix_tokens_user_id_issued_at_id", table_name="tokens")
