"""Updates are written down before Telegram is told that we have them, and so is what their handling has done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("update_id", _ID, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=True, comment="as it came; null once it has been handled"),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column(
            "attempts", sa.Integer(), server_default="0", nullable=False, comment="how often its handler has begun"
        ),
        sa.Column("handled_at", sa.Double(), nullable=True),
        sa.Column("set_aside", sa.String(length=255), nullable=True, comment="why nobody tries again"),
        sa.PrimaryKeyConstraint("update_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "inbox_steps",
        sa.Column("update_id", _ID, autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=96), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("update_id", "step", name=op.f("pk_inbox_steps")),
    )


def downgrade() -> None:
    op.drop_table("inbox_steps")
    op.drop_table("inbox")
