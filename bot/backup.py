"""`python -m bot backup` and `restore`: the database as it is at one moment, then every stored picture, in a folder.

A folder that has its final name is whole: it is written under another, read once more, and renamed. What is laid down
from it is compared with what was taken, row by row.
"""

from __future__ import annotations

import shutil
import threading
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from bot.settings import Settings
from bot.store.copies import (
    COPY,
    CopyError,
    Tables,
    in_thread,
    is_vacant,
    kind_of,
    lay_down,
    prove_readable,
    revision_of,
    take_copy,
)
from bot.store.migration import knows
from bot.troubles import reason_of
from inference.blobs import BlobMissing, BlobStore
from inference.queue.database import DriverMissing

NOTE, BLOBS = "backup.json", "blobs"
FOREVER = float("inf")


class BackupError(RuntimeError):
    """Nothing was backed up or restored, or not all of it; the message says why, in one line."""


class Note(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True)
    format: Literal[1] = 1
    made_at: float
    program: str
    kind: Literal["sqlite", "postgresql"]
    revision: str
    tables: Tables
    pictures: int
    bytes: int


async def back_up(settings: Settings, folder: Path) -> Note:
    """Writes a backup to a folder that must not be there; the bot may run meanwhile. Raises BackupError."""
    unfinished = _begin(folder)
    try:
        note = await _write(settings, unfinished)
        unfinished.rename(folder)
    except (CopyError, DriverMissing, SQLAlchemyError, OSError) as failure:
        raise BackupError(reason_of(failure)) from failure
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return note


async def restore(settings: Settings, folder: Path) -> Note:
    """Lays a backup down in the database and the store of the settings. Raises BackupError.

    The database must be empty, of SQLite neither the file nor its log may be there. Pictures that are stored already
    stay, so what was cut short can be begun anew.
    """
    note = _read(folder)
    if note.kind != kind_of(settings.database_url):
        raise BackupError(f"this is a backup of {note.kind}, and DATABASE_URL names another kind of database")
    if not knows(note.revision):
        raise BackupError(f"this backup is newer than the program (migration {note.revision}); update the program")
    try:
        if not await is_vacant(settings.database_url):
            raise BackupError("DATABASE_URL: there is a database already, or its log, and nothing is ever overwritten")
        copied, _bytes = await in_thread(partial(_copy_all, BlobStore(str(folder / BLOBS)), settings.blobs_url))
        if copied != note.pictures:
            raise BackupError(f"of {note.pictures} pictures {copied} are in the backup")
        await lay_down(folder / COPY[note.kind], settings.database_url, note.tables)
    except (CopyError, DriverMissing, SQLAlchemyError, OSError) as failure:
        raise BackupError(reason_of(failure)) from failure
    return note


def _begin(folder: Path) -> Path:
    """The folder to write to first, made."""
    if folder.exists():
        raise BackupError(f"{folder} is there already, and nothing is ever overwritten; give another name")
    unfinished = folder.with_name(f"{folder.name}.part")
    try:
        unfinished.mkdir(mode=0o700, parents=True)  # it holds what people have said in private
    except FileExistsError:
        raise BackupError(
            f"{unfinished} is left of a backup that was cut short, or still under way; delete it"
        ) from None
    except OSError as refused:
        raise BackupError(f"{unfinished} cannot be made: {refused.strerror}") from refused
    return unfinished


async def _write(settings: Settings, target: Path) -> Note:
    kind, url = kind_of(settings.database_url), settings.database_url
    copy = target / COPY[kind]
    tables = await take_copy(url, copy)
    revision = await revision_of(url if kind == "postgresql" else copy)
    if revision is None:
        raise CopyError("DATABASE_URL: this is no database of the studio")
    await prove_readable(copy, kind)
    # Later than the database: whatever that speaks of was stored before it.
    count, size = await in_thread(partial(_copy_all, BlobStore(settings.blobs_url), str(target / BLOBS)))
    note = Note.model_validate(
        {
            "made_at": time.time(),
            "program": version("kandinsky-studio"),
            "kind": kind,
            "revision": revision,
            "tables": tables,
            "pictures": count,
            "bytes": size,
        }
    )
    (target / NOTE).write_text(note.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return note


def _copy_all(source: BlobStore, target_url: str, stop: threading.Event) -> tuple[int, int]:
    """Copies every stored file, until `stop` is set: how many there are, and their bytes. Raises BackupError where one
    is damaged."""
    target, count, size = BlobStore(target_url), 0, 0
    for digest in source.stored_before(FOREVER):
        if stop.is_set():
            break
        try:
            content = source.get(digest)
        except BlobMissing:  # deleted since it was listed
            continue
        if target.put(content) != digest:
            raise BackupError(f"the file of {digest} is damaged")
        count, size = count + 1, size + len(content)
    return count, size


def _read(folder: Path) -> Note:
    try:
        return Note.model_validate_json((folder / NOTE).read_text("utf-8"))
    except FileNotFoundError:
        raise BackupError(f"there is no backup in {folder}: it has no {NOTE}") from None
    except (OSError, UnicodeDecodeError, ValidationError):
        raise BackupError(f"{folder / NOTE} cannot be read, or is of a newer program") from None
