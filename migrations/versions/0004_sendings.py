"""Messages that are about to be sent, written down before they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sendings",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="what is sent: status:17, single:5"),
        sa.Column("after", sa.BigInteger(), nullable=True, comment="a message of this chat that was there before"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "key", name=op.f("pk_sendings")),
    )


def downgrade() -> None:
    op.drop_table("sendings")
