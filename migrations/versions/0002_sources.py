"""Pictures that people give, several parents of a picture, and what is being put together before it is ordered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("blob", sa.String(length=64), nullable=False, comment="sha256 of the PNG, hex"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("file_unique_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("uploads") as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_blob"), ["blob"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_uploads_owner_id_uploads_file_unique_id"), ["owner_id", "file_unique_id"], unique=False
        )
    op.create_table(
        "picture_parents",
        sa.Column("picture_id", _ID, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_id", _ID, nullable=True),
        sa.Column("upload_id", _ID, nullable=True),
        sa.CheckConstraint("(parent_id is null) <> (upload_id is null)", name=op.f("ck_picture_parents_one_parent")),
        sa.ForeignKeyConstraint(["picture_id"], ["pictures.id"], name=op.f("fk_picture_parents_picture_id_pictures")),
        sa.ForeignKeyConstraint(["parent_id"], ["pictures.id"], name=op.f("fk_picture_parents_parent_id_pictures")),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name=op.f("fk_picture_parents_upload_id_uploads")),
        sa.PrimaryKeyConstraint("picture_id", "place", name=op.f("pk_picture_parents")),
    )
    with op.batch_alter_table("picture_parents") as batch_op:
        batch_op.create_index(batch_op.f("ix_picture_parents_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_picture_parents_upload_id"), ["upload_id"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("drafts") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_drafts_owner_id_drafts_chat_id_drafts_kind"),
            ["owner_id", "chat_id", "kind"],
            unique=False,
        )
    op.execute(
        "INSERT INTO picture_parents (picture_id, place, parent_id) "
        "SELECT id, 0, parent_id FROM pictures WHERE parent_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("drafts")
    op.drop_table("picture_parents")
    op.drop_table("uploads")
