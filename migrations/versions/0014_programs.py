"""Programs draw for people: their keys, and what they have asked for under an Idempotency-Key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False, comment="what it begins with, no secret"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="sha256 of the whole key, hex"),
        sa.Column("update_id", sa.BigInteger(), nullable=True, comment="the press that it was made by"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
        sa.UniqueConstraint("update_id", name=op.f("uq_api_keys_update_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_api_keys_owner_id"), "api_keys", ["owner_id"])
    op.create_table(
        "api_calls",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="sha256 of the header, hex"),
        sa.Column("asked", sa.String(length=64), nullable=False, comment="sha256 of what was asked for, hex"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_calls")),
        sa.UniqueConstraint("owner_id", "key", name=op.f("uq_api_calls_owner_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_api_calls_created_at"), "api_calls", ["created_at"])


def downgrade() -> None:
    op.drop_table("api_calls")
    op.drop_table("api_keys")
