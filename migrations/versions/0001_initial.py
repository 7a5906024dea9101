"""Jobs, owners and speeds of the queue; people, pictures and posts of the chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("update_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("compatibility", sa.String(length=64), nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suspect", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("overtaken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("queued_at", sa.Double(), nullable=True),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("shown_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("update_id", name=op.f("uq_jobs_update_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_owner_id_jobs_state"), ["owner_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_shown_at"), ["shown_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_state_jobs_owner_id"), ["state", "owner_id"], unique=False)

    op.create_table(
        "owners",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("virtual_time", sa.Double(), server_default="0", nullable=False),
        sa.Column("weight", sa.Double(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_owners")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Telegram's user id"),
        sa.Column(
            "language", sa.String(length=8), nullable=True, comment="chosen in the settings; null: follow the client"
        ),
        sa.Column("client_language", sa.String(length=35), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=True),
        sa.Column("size", sa.String(length=16), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("style", sa.String(length=32), nullable=True),
        sa.Column(
            "blocked_at",
            sa.Double(),
            nullable=True,
            comment="when Telegram told us that this person has blocked the bot",
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "speeds",
        sa.Column("compatibility", sa.String(length=64), nullable=False),
        sa.Column("seconds_per_unit", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("compatibility", name=op.f("pk_speeds")),
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tile", sa.Integer(), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False, comment="sha256 of the PNG, hex"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("starred_at", sa.Double(), nullable=True),
        sa.Column("deleted_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_pictures_job_id_jobs")),
        sa.ForeignKeyConstraint(["parent_id"], ["pictures.id"], name=op.f("fk_pictures_parent_id_pictures")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
        sa.UniqueConstraint("job_id", "tile", name=op.f("uq_pictures_job_id_tile")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("pictures") as batch_op:
        batch_op.create_index(batch_op.f("ix_pictures_blob"), ["blob"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_pictures_owner_id_pictures_created_at"), ["owner_id", "created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_pictures_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "posts",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("picture_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("file_id", sa.String(length=255), nullable=True),
        sa.Column("file_unique_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("kind in ('status', 'grid', 'single', 'file', 'page')", name=op.f("ck_posts_known_kind")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_posts_job_id_jobs")),
        sa.ForeignKeyConstraint(["picture_id"], ["pictures.id"], name=op.f("fk_posts_picture_id_pictures")),
        sa.PrimaryKeyConstraint("chat_id", "message_id", name=op.f("pk_posts")),
    )
    with op.batch_alter_table("posts") as batch_op:
        batch_op.create_index(batch_op.f("ix_posts_file_unique_id"), ["file_unique_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posts_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posts_picture_id"), ["picture_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("posts") as batch_op:
        batch_op.drop_index(batch_op.f("ix_posts_picture_id"))
        batch_op.drop_index(batch_op.f("ix_posts_job_id"))
        batch_op.drop_index(batch_op.f("ix_posts_file_unique_id"))

    op.drop_table("posts")
    with op.batch_alter_table("pictures") as batch_op:
        batch_op.drop_index(batch_op.f("ix_pictures_parent_id"))
        batch_op.drop_index(batch_op.f("ix_pictures_owner_id_pictures_created_at"))
        batch_op.drop_index(batch_op.f("ix_pictures_blob"))

    op.drop_table("pictures")
    op.drop_table("speeds")
    op.drop_table("people")
    op.drop_table("owners")
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_state_jobs_owner_id"))
        batch_op.drop_index(batch_op.f("ix_jobs_shown_at"))
        batch_op.drop_index(batch_op.f("ix_jobs_owner_id_jobs_state"))

    op.drop_table("jobs")
