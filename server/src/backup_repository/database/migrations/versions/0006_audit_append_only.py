"""The audit log refuses to be changed: its rows can be added and read, nothing else."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REFUSAL = "the audit log is append-only"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        op.execute(f"CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit {refuse}")
        op.execute(f"CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit {refuse}")
        # REPLACE deletes without asking the trigger of deletions
        known = "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
        op.execute(f"CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit {known} {refuse}")
        return
    op.execute(
        "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()"
    )
