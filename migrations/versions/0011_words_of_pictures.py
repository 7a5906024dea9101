"""Pictures are looked for by their words."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PICTURES = sa.table(
    "pictures", sa.column("id", sa.BigInteger()), sa.column("recipe", sa.JSON()), sa.column("words", sa.Text())
)


def upgrade() -> None:
    with op.batch_alter_table("pictures") as batch_op:
        batch_op.add_column(
            sa.Column("words", sa.Text(), nullable=True, comment="what it is looked for by (bot.store.words)")
        )
    connection = op.get_bind()
    for number, recipe in connection.execute(sa.select(_PICTURES.c.id, _PICTURES.c.recipe)).all():
        prompt = str((recipe.get("request") or {}).get("prompt") or "")
        found = re.findall(r"[\w']+", prompt.casefold().replace("ё", "е"))
        words = "".join(f" {word}" for word in found)[:4000]
        connection.execute(_PICTURES.update().where(_PICTURES.c.id == number).values(words=words))


def downgrade() -> None:
    with op.batch_alter_table("pictures") as batch_op:
        batch_op.drop_column("words")
