"""What is foreseen follows from what the latest jobs of a kind have taken, per machine and weights, developing counted
apart. Speeds of before are forgotten: nobody wrote down whose they were, and a worker times itself now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.add_column(sa.Column("developed", sa.Double(), nullable=False, server_default="0"))
    op.drop_table("speeds")
    op.create_table(
        "speeds",
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("recent", sa.JSON(), nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("basis", "kind", name=op.f("pk_speeds")),
    )


def downgrade() -> None:
    op.drop_table("speeds")
    op.create_table(
        "speeds",
        sa.Column("compatibility", sa.String(length=64), nullable=False),
        sa.Column("seconds_per_unit", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("compatibility", name=op.f("pk_speeds")),
    )
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_column("developed")
