"""Until when a draft listens to what a person says without answering it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DRAFTS = sa.table(
    "drafts",
    sa.column("kind", sa.String()),
    sa.column("created_at", sa.Double()),
    sa.column("closed_at", sa.Double()),
    sa.column("listens_until", sa.Double()),
)
_DIALOGS = ("mix", "mask", "frame", "words", "edit")
_SECONDS = 30 * 60.0


def upgrade() -> None:
    with op.batch_alter_table("drafts") as batch_op:
        batch_op.add_column(
            sa.Column("listens_until", sa.Double(), nullable=True, comment="to what comes without answering it")
        )
    still_open = _DRAFTS.c.kind.in_(_DIALOGS) & _DRAFTS.c.closed_at.is_(None)
    op.execute(_DRAFTS.update().where(still_open).values(listens_until=_DRAFTS.c.created_at + _SECONDS))


def downgrade() -> None:
    with op.batch_alter_table("drafts") as batch_op:
        batch_op.drop_column("listens_until")
