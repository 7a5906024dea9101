"""Whether a person lets everybody in a group have recipes, originals and repetitions of what they draw there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("people") as batch_op:
        batch_op.add_column(sa.Column("shared", sa.Boolean(), nullable=True, comment="null: as the house has it, yes"))


def downgrade() -> None:
    with op.batch_alter_table("people") as batch_op:
        batch_op.drop_column("shared")
