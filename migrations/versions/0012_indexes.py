"""What is asked of every message of a chat is found by an index: whose draft an answered message shows, which draft
listens, which job a message has ordered."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_drafts_chat_id_drafts_message_id"), "drafts", ["chat_id", "message_id"])
    op.create_index(op.f("ix_drafts_owner_id_drafts_listens_until"), "drafts", ["owner_id", "listens_until"])
    op.create_index(op.f("ix_jobs_owner_id_jobs_chat_id_jobs_reply_to"), "jobs", ["owner_id", "chat_id", "reply_to"])


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_owner_id_jobs_chat_id_jobs_reply_to"), "jobs")
    op.drop_index(op.f("ix_drafts_owner_id_drafts_listens_until"), "drafts")
    op.drop_index(op.f("ix_drafts_chat_id_drafts_message_id"), "drafts")
