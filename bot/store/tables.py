"""Tables of people, pictures and the messages that show them, in the same metadata as the queue's own."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from inference.queue.tables import Id, metadata

people = Table(
    "people",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="Telegram's user id"),
    Column("language", String(8), comment="chosen in the settings; null: follow the client"),
    Column("client_language", String(35)),
    Column("mode", String(16)),
    Column("size", String(16)),
    Column("count", Integer),
    Column("style", String(32)),
    Column("shared", Boolean, comment="null: as the house has it, yes"),
    Column("blocked_at", Double, comment="when Telegram told us that this person has blocked the bot"),
    Column("created_at", Double, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("tile", Integer, nullable=False),
    Column("blob", String(64), nullable=False, comment="sha256 of the PNG, hex"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("words", Text, comment="what it is looked for by (bot.store.words)"),
    Column("owner_id", BigInteger, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("parent_id", ForeignKey("pictures.id")),
    Column("starred_at", Double),
    Column("deleted_at", Double),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("job_id", "tile"),
    Index(None, "owner_id", "created_at"),
    Index(None, "blob"),
    Index(None, "parent_id"),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("message_id", BigInteger),
    Column("blob", String(64), nullable=False, comment="sha256 of the PNG, hex"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("file_unique_id", String(64)),
    Column("bytes", BigInteger, comment="of the stored file; null: not measured yet"),
    Column("created_at", Double, nullable=False),
    Index(None, "owner_id", "file_unique_id"),
    Index(None, "blob"),
    sqlite_autoincrement=True,
)

signatures = Table(
    "signatures",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("blob", String(64), primary_key=True),
    Column("levels", LargeBinary, nullable=False, comment="a small copy: bot/imaging/signature.py"),
    Column("used_at", Double, nullable=False),
    Index(None, "blob"),
    Index(None, "used_at"),
)

picture_parents = Table(
    "picture_parents",
    metadata,
    Column("picture_id", ForeignKey("pictures.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("parent_id", ForeignKey("pictures.id")),
    Column("upload_id", ForeignKey("uploads.id")),
    CheckConstraint("(parent_id is null) <> (upload_id is null)", name="one_parent"),
    Index(None, "parent_id"),
    Index(None, "upload_id"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("message_id", BigInteger),
    Column("kind", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double),
    Column("listens_until", Double, comment="to what comes without answering it"),
    Index(None, "owner_id", "chat_id", "kind"),
    Index(None, "owner_id", "listens_until"),
    Index(None, "chat_id", "message_id"),
    sqlite_autoincrement=True,
)

posts = Table(
    "posts",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", ForeignKey("jobs.id")),
    Column("picture_id", ForeignKey("pictures.id")),
    Column("kind", String(16), nullable=False),
    Column("file_id", String(255)),
    Column("file_unique_id", String(64)),
    Column("created_at", Double, nullable=False),
    CheckConstraint("kind in ('status', 'grid', 'single', 'file', 'page')", name="known_kind"),
    Index(None, "job_id"),
    Index(None, "picture_id"),
    Index(None, "file_unique_id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("update_id", Id, primary_key=True, autoincrement=False),
    Column("body", Text, comment="as it came; null once it has been handled"),
    Column("received_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0", comment="how often its handler has begun"),
    Column("handled_at", Double),
    Column("set_aside", String(255), comment="why nobody tries again"),
)

inbox_steps = Table(
    "inbox_steps",
    metadata,
    Column("update_id", Id, primary_key=True, autoincrement=False),
    Column("step", String(96), primary_key=True),
    Column("result", Text),
)

# A row stands from before a message is sent until its post is written down: one that a kill has left behind says that
# the message may be there although nobody knows its id.
sendings = Table(
    "sendings",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(64), primary_key=True, comment="what is sent: status:17, single:5"),
    Column("after", BigInteger, comment="a message of this chat that was there before"),
    Column("created_at", Double, nullable=False),
)

# What programs ask with. The key itself is nowhere: a row holds what stands in front of its secret part, and a hash.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("name", String(16), nullable=False, unique=True, comment="what it begins with, no secret"),
    Column("digest", String(64), nullable=False, comment="sha256 of the whole key, hex"),
    Column("update_id", BigInteger, unique=True, comment="the press that it was made by"),
    Column("created_at", Double, nullable=False),
    Column("used_at", Double),
    Column("revoked_at", Double),
    Index(None, "owner_id"),
    sqlite_autoincrement=True,
)

# What a program has asked for under an Idempotency-Key, from before its job is there. The job's update id follows from
# the row's (bot/store/calls.py).
api_calls = Table(
    "api_calls",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("key", String(64), nullable=False, comment="sha256 of the header, hex"),
    Column("asked", String(64), nullable=False, comment="sha256 of what was asked for, hex"),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("owner_id", "key"),
    Index(None, "created_at"),
    sqlite_autoincrement=True,
)
