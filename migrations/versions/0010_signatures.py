"""Small copies of the pictures that somebody has had in hand lately, by which a painted copy of one is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signatures",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.Column("levels", sa.LargeBinary(), nullable=False, comment="a small copy: bot/imaging/signature.py"),
        sa.Column("used_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "blob", name=op.f("pk_signatures")),
    )
    with op.batch_alter_table("signatures") as batch_op:
        batch_op.create_index(batch_op.f("ix_signatures_blob"), ["blob"], unique=False)
        batch_op.create_index(batch_op.f("ix_signatures_used_at"), ["used_at"], unique=False)


def downgrade() -> None:
    op.drop_table("signatures")
