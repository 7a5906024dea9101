"""A backup is taken while the bot works, and what is restored from it elsewhere is the same, or is refused."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import make_url

from bot.backup import BackupError, back_up, restore
from bot.settings import Settings
from bot.store import History
from bot.store.copies import contents_of, environment_of, take_copy
from inference.blobs import BlobStore
from inference.queue.database import open_database
from inference.queue.ledger import Ledger
from inference.requests import Source
from tests.databases import fresh_address
from tests.inference.queue.jobs import FLASH
from tests.waiting import until

ANNA = 5_000_000_001


def settings_of(folder: Path, database_url: str) -> Settings:
    return Settings(_env_file=None, data_dir=folder, database_url=database_url)


@dataclass
class Studio:
    """Books and pictures as a bot keeps them, some of them written while a test goes on."""

    settings: Settings

    def __post_init__(self) -> None:
        self.database = open_database(self.settings.database_url)
        self.history, self.ledger = History(self.database), Ledger(self.database)
        self.blobs = BlobStore(self.settings.blobs_url)
        self.orders = 0

    async def lives(self) -> None:
        """A person, a photo, a draft and a job more."""
        self.orders += 1
        digest = self.blobs.put(f"photo {self.orders}".encode())
        await self.history.person(ANNA + self.orders, "ru")
        source = Source(blob=digest, width=64, height=64)
        given = await self.history.sources.add_upload(ANNA, ANNA, self.orders, source, f"file {self.orders}", size=7)
        await self.history.signatures.keep(ANNA, {digest: bytes(range(9))})
        await self.history.sources.add_draft(ANNA, ANNA, "mask", {"given": given.model_dump(mode="json"), "ё": 0.1})
        await self.ledger.accept(
            update_id=self.orders, owner_id=ANNA, chat_id=ANNA, request=FLASH, context={"line": "лиса"}, admitted=True
        )


@pytest_asyncio.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    studio = Studio(settings_of(tmp_path / "data", database_url))
    for _ in range(3):
        await studio.lives()
    yield studio
    await studio.database.dispose()


@pytest.fixture
def elsewhere(kind_of_database: str, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a studio where nothing is yet."""
    (tmp_path / "new").mkdir()
    with fresh_address(kind_of_database, tmp_path / "new") as url:
        yield settings_of(tmp_path / "new", url)


async def test_what_is_restored_elsewhere_is_what_was_there(
    studio: Studio, elsewhere: Settings, tmp_path: Path
) -> None:
    note = await back_up(studio.settings, tmp_path / "copy")
    assert await restore(elsewhere, tmp_path / "copy") == note
    assert await contents_of(elsewhere.database_url) == await contents_of(studio.settings.database_url) == note.tables
    assert (note.tables["jobs"].rows, note.tables["people"].rows, note.pictures) == (3, 3, 3)
    there = Studio(elsewhere)
    assert [job.request for job in await there.ledger.active()] == [FLASH] * 3
    assert {there.blobs.get(digest) for digest in there.blobs.stored_before(float("inf"))} == {
        b"photo 1", b"photo 2", b"photo 3"
    }  # fmt: skip
    before = await studio.history.sources.add_draft(ANNA, ANNA, "mask", {})
    after = await there.history.sources.add_draft(ANNA, ANNA, "mask", {})
    assert before.id == after.id == 4, "an id is never given out twice"
    await there.database.dispose()


async def test_a_copy_that_is_taken_while_people_write_is_of_one_moment(
    studio: Studio, elsewhere: Settings, tmp_path: Path
) -> None:
    over = asyncio.Event()

    async def go_on_living() -> None:
        while not over.is_set():
            await studio.lives()

    living = asyncio.create_task(go_on_living())
    note = await back_up(studio.settings, tmp_path / "copy")
    over.set()
    await living
    await restore(elsewhere, tmp_path / "copy")
    jobs, uploads = note.tables["jobs"].rows, note.tables["uploads"].rows
    assert 3 <= jobs <= uploads <= jobs + 1 <= studio.orders + 1, "each job follows its photo"
    there = Studio(elsewhere)
    assert all(there.blobs.exists(one.blob) for one in await there.history.sources.newest_uploads(
        ANNA, ANNA, max_age=3600, limit=10_000
    ))  # fmt: skip
    await there.database.dispose()


async def test_nothing_is_overwritten(studio: Studio, tmp_path: Path) -> None:
    await back_up(studio.settings, tmp_path / "copy")
    kept = await contents_of(studio.settings.database_url)
    with pytest.raises(BackupError, match="there already"):
        await back_up(studio.settings, tmp_path / "copy")
    with pytest.raises(BackupError, match="overwritten"):
        await restore(studio.settings, tmp_path / "copy")
    assert await contents_of(studio.settings.database_url) == kept


async def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(studio: Studio, tmp_path: Path) -> None:
    digest = studio.blobs.put(b"to be damaged")
    path = studio.blobs.path(digest)
    assert path is not None
    path.write_bytes(b"damaged")
    with pytest.raises(BackupError, match=digest):
        await back_up(studio.settings, tmp_path / "copy")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("copy")]


@pytest.mark.parametrize("end", ["-wal", "-journal"])
async def test_a_log_without_its_database_is_not_written_into_what_is_restored(end: str, tmp_path: Path) -> None:
    """SQLite takes a log that lies beside a file for that file's, and would bring back what is older or of another."""
    for folder in ("one", "new"):
        (tmp_path / folder).mkdir()
        with fresh_address("sqlite", tmp_path / folder, tables=True):
            pass
    new = settings_of(tmp_path / "new", f"sqlite+aiosqlite:///{tmp_path / 'new' / 'studio.db'}")
    old = Studio(new)
    await old.lives()
    left = tmp_path / "new" / f"studio.db{end}"
    content = (tmp_path / "new" / "studio.db-wal").read_bytes()  # as a kill would leave it
    await old.database.dispose()
    for path in (tmp_path / "new").glob("studio.db*"):
        path.unlink()
    left.write_bytes(content)
    studio = Studio(settings_of(tmp_path / "one", f"sqlite+aiosqlite:///{tmp_path / 'one' / 'studio.db'}"))
    await studio.lives()
    await back_up(studio.settings, tmp_path / "copy")
    await studio.database.dispose()
    with pytest.raises(BackupError, match="or its log"):
        await restore(new, tmp_path / "copy")
    left.unlink()
    note = await restore(new, tmp_path / "copy")
    assert await contents_of(new.database_url) == note.tables


async def test_where_files_have_one_name_only_a_backup_is_restored_all_the_same(
    studio: Studio, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_names: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refused)
    note = await back_up(studio.settings, tmp_path / "copy")
    assert await restore(elsewhere, tmp_path / "copy") == note
    assert await contents_of(elsewhere.database_url) == note.tables
    assert not [path for path in (tmp_path / "new").iterdir() if path.name.endswith(".part")]


async def test_whoever_interrupts_it_finds_nothing_half_made_and_nobody_still_copying(
    studio: Studio, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, begun, go_on = BlobStore.put, threading.Event(), threading.Event()
    copied: list[bytes] = []

    def slow_put(store: BlobStore, content: bytes) -> str:
        begun.set()
        assert go_on.wait(60)
        copied.append(content)
        return put(store, content)

    await back_up(studio.settings, tmp_path / "whole")
    monkeypatch.setattr(BlobStore, "put", slow_put)
    for work in (back_up(studio.settings, tmp_path / "copy"), restore(elsewhere, tmp_path / "whole")):
        begun.clear()
        go_on.clear()
        copied.clear()
        working = asyncio.create_task(work)
        await until(begun.is_set)
        working.cancel()
        await asyncio.wait([working], timeout=0)
        assert not working.done(), "its thread is still writing"
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert len(copied) == 1, "no file more than the one under way"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("copy")]


async def test_a_program_of_postgresql_ends_with_who_started_it(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    slow = tmp_path / "bin" / "pg_dump"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    working = asyncio.create_task(back_up(settings_of(tmp_path / "a", postgres_url), tmp_path / "copy"))
    pid = int(await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()))
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_names_of_folders_may_have_any_characters(tmp_path: Path) -> None:
    odd = tmp_path / "50% of? #1"
    (odd / "data").mkdir(parents=True)
    with fresh_address("sqlite", tmp_path, tables=True) as url:
        tables = await take_copy(url, odd / "studio.db")
    assert await contents_of(f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}") == tables
    settings = settings_of(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'studio.db'}")
    assert (await back_up(settings, odd / "copy")).tables == tables


async def test_a_damaged_backup_is_refused_and_restores_no_database(
    studio: Studio, elsewhere: Settings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    await back_up(studio.settings, copy)
    [database] = [path for path in copy.iterdir() if path.name.startswith("studio.")]
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupError):
        await restore(elsewhere, copy)
    database.write_bytes(whole)
    lost = next((copy / "blobs").glob("??/*"))
    content = lost.read_bytes()
    lost.unlink()
    with pytest.raises(BackupError, match="of 3 pictures 2"):
        await restore(elsewhere, copy)
    lost.write_bytes(content)
    await restore(elsewhere, copy)


async def test_what_is_no_backup_of_this_studio_is_told_in_a_line(
    studio: Studio, elsewhere: Settings, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="no backup"):
        await restore(elsewhere, tmp_path)
    copy = tmp_path / "copy"
    await back_up(studio.settings, copy)
    note = json.loads((copy / "backup.json").read_text("utf-8"))
    for change, word in (
        ({"revision": "9999"}, "newer"),
        ({"format": 2}, "newer"),
        ({"kind": "sqlite" if note["kind"] == "postgresql" else "postgresql"}, "kind"),
        ({"tables": {**note["tables"], "jobs": {"rows": 4, "digest": "0" * 64}}}, "jobs"),
    ):
        (copy / "backup.json").write_text(json.dumps({**note, **change}), "utf-8")
        with pytest.raises(BackupError, match=word):
            await restore(elsewhere, copy)


def test_the_program_backs_up_and_restores(tmp_path: Path) -> None:
    def bot(*words: str, data: str) -> subprocess.CompletedProcess[str]:
        environment: dict[str, Any] = {**os.environ, "DATA_DIR": str(tmp_path / data), "BOT_TOKEN": ""}
        command = [sys.executable, "-m", "bot", *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    folder = "copies/copy"  # in the folder where one is
    missing = bot("backup", folder, data="here")
    assert (missing.returncode, missing.stdout) == (2, "") and "no database" in missing.stderr
    shutil.copyfile(_with_a_person(tmp_path), tmp_path / "here" / "studio.db")
    assert bot("backup", folder, data="here").stdout.startswith("backed up: 2 rows in")
    assert (tmp_path / folder / "backup.json").is_file()
    assert bot("restore", folder, data="there").stdout.startswith("restored, and compared: 2 rows in")
    again = bot("restore", folder, data="there")
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (2, "", 1)


def _with_a_person(folder: Path) -> Path:
    path = folder / "one.db"
    with fresh_address("sqlite", folder, tables=True) as _url:
        (folder / "studio.db").rename(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("insert into people (id, created_at) values (1, 1.5)")
        database.commit()
    (folder / "here").mkdir(exist_ok=True)
    return path


def test_addresses_become_variables_and_no_words_of_a_command() -> None:
    told = environment_of(make_url("postgresql+asyncpg://anna:ge%40heim@db:5433/st?ssl=require"))
    assert told == {
        "PGHOST": "db", "PGPORT": "5433", "PGUSER": "anna", "PGPASSWORD": "ge@heim", "PGDATABASE": "st",
        "PGSSLMODE": "require",
    }  # fmt: skip
    assert environment_of(make_url("postgresql+asyncpg:///st?host=/run")) == {"PGHOST": "/run", "PGDATABASE": "st"}


async def test_no_password_stands_in_a_command_line(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real programs are asked through one that notes how it was called."""
    noted, spied = tmp_path / "noted", tmp_path / "bin"
    spied.mkdir()
    for program in ("pg_dump", "pg_restore"):
        real = shutil.which(program)
        (spied / program).write_text(f'#!/bin/sh\necho "$0 $*" >> {noted}\nexec {real} "$@"\n')
        (spied / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{spied}{os.pathsep}{os.environ['PATH']}")
    with fresh_address("postgresql", tmp_path) as fresh:
        secret = [url.replace("//studio@", "//studio:geheim@") for url in (postgres_url, fresh)]
        await back_up(settings_of(tmp_path / "a", secret[0]), tmp_path / "copy")
        await restore(settings_of(tmp_path / "b", secret[1]), tmp_path / "copy")
    calls = noted.read_text().splitlines()
    assert [call.split()[0].rsplit("/", 1)[-1] for call in calls] == ["pg_dump", "pg_restore", "pg_restore"]
    assert "geheim" not in noted.read_text()


async def test_without_the_programs_of_postgresql_it_says_what_to_install(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="pg_dump is not installed"):
        await back_up(settings_of(tmp_path / "a", postgres_url), tmp_path / "copy")
