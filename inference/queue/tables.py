"""Tables of the queue. `metadata` is the one all tables of the house hang on."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in a column of type INTEGER

# Times are seconds since the epoch. An id is never given out twice: buttons in old messages carry it.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("update_id", BigInteger, unique=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("message_id", BigInteger),
    Column("request", Text, nullable=False),
    Column("context", JSON, nullable=False),
    Column("key", Text, comment="equal for what must not be ordered twice"),
    Column("reply_to", BigInteger, comment="the message that has ordered it"),
    Column("compatibility", String(64), nullable=False),
    Column("cost", Double, nullable=False),
    Column("developed", Double, nullable=False, server_default="0"),
    Column("drawings", Integer, nullable=False, server_default="1", comment="in one job, one after the other"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("outcome", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("suspect", Boolean, nullable=False, server_default="0"),
    Column("overtaken", Integer, nullable=False, server_default="0"),
    Column("not_before", Double),
    Column("created_at", Double, nullable=False),
    Column("queued_at", Double),
    Column("sent_at", Double),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("shown_at", Double),
    sqlite_autoincrement=True,
)
Index(None, jobs.c.state, jobs.c.owner_id)
Index(None, jobs.c.owner_id, jobs.c.state)
Index(None, jobs.c.owner_id, jobs.c.key)
Index(None, jobs.c.owner_id, jobs.c.chat_id, jobs.c.reply_to)
Index(None, jobs.c.shown_at)

# What each person has been served: weighted work in megapixel passes.
owners = Table(
    "owners",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("virtual_time", Double, nullable=False, server_default="0"),
    Column("weight", Double, nullable=False, server_default="1"),
)

# What the latest jobs of each kind have taken, the latest last: lists of device seconds, megapixel passes and
# megapixels developed. `basis` stands for the machine and the weights, see inference.queue.timings.
speeds = Table(
    "speeds",
    metadata,
    Column("basis", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("recent", JSON, nullable=False),
    Column("measured_at", Double, nullable=False),
)
