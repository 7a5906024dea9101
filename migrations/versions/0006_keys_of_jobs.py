"""What may be asked of jobs stands in columns of its own, no longer within what is kept with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JOBS = sa.table(
    "jobs",
    sa.column("context", sa.JSON()),
    sa.column("key", sa.Text()),
    sa.column("reply_to", sa.BigInteger()),
)


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.add_column(
            sa.Column("key", sa.Text(), nullable=True, comment="equal for what must not be ordered twice")
        )
        batch_op.add_column(
            sa.Column("reply_to", sa.BigInteger(), nullable=True, comment="the message that has ordered it")
        )
        batch_op.create_index(batch_op.f("ix_jobs_owner_id_jobs_key"), ["owner_id", "key"], unique=False)
    kept = _JOBS.c.context
    op.execute(
        _JOBS.update().values(
            key=kept["key"].as_string(), reply_to=sa.cast(kept["reply_to"].as_string(), sa.BigInteger())
        )
    )


def downgrade() -> None:
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_owner_id_jobs_key"))
        batch_op.drop_column("reply_to")
        batch_op.drop_column("key")
