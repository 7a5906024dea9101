"""A database as the bot kept it at migration 0005, and the chats that go with it, as text.

`studio.sql` is the bot's database, `telegram.sql` what the local Telegram remembers, `blobs/` the pictures of both.
`python -m tests.characterisation.old_database.make` has made them; they stay as they are, since a database that is made
by newer code is none of that day.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
MADE_AT = 1_800_000_000.0  # what the clock showed when the files were made, in seconds since the epoch
TIMES = re.compile(r"_at$|^not_before$")


def lay_out(folder: Path) -> None:
    """Puts database, files and chats of that day under a data folder, as if the bot had just been killed."""
    shutil.copytree(HERE / "blobs", folder / "blobs")
    (folder / "telegram" / "files").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "studio.db")) as database:
        database.executescript((HERE / "studio.sql").read_text("utf-8"))
        shift_times(database, time.time() - MADE_AT)
    with closing(sqlite3.connect(folder / "telegram" / "playground.sqlite3")) as telegram:
        telegram.executescript((HERE / "telegram.sql").read_text("utf-8"))
        for (body,) in telegram.execute("select body from documents where kind = 'file'").fetchall():
            digest = json.loads(body)["digest"]
            ours = folder / "blobs" / digest[:2] / digest
            content = ours.read_bytes() if ours.exists() else _something()
            (folder / "telegram" / "files" / digest).write_bytes(content)


def shift_times(database: sqlite3.Connection, seconds: float) -> None:
    """Moves every time in the database, so that it is as old as it was."""
    for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
        columns = [row[1] for row in database.execute(f"pragma table_info({table})") if TIMES.search(row[1])]
        for column in columns:
            database.execute(f"update {table} set {column} = round({column} + ?, 2)", (seconds,))
    database.commit()


def _something() -> bytes:
    """A picture in place of what people have sent: nobody opens these again."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (120, 120, 120)).save(buffer, "JPEG")
    return buffer.getvalue()
