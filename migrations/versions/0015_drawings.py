"""What a job of several drawings takes is foreseen drawing by drawing. Sheets of before count as one drawing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    drawings = sa.Column(
        "drawings", sa.Integer(), nullable=False, server_default="1", comment="in one job, one after the other"
    )
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.add_column(drawings)


def downgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_column("drawings")
