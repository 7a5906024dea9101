from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from bot.doctor import examine, findings
from bot.playground import Playground, serve
from bot.settings import Settings
from bot.store.migration import upgrade
from inference.queue.database import open_database
from inference.queue.findings import Finding
from tests.bot.wire import TOKEN


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    yield server
    await server.close()


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def found(folder: Path, **settings: Any) -> dict[str, Finding]:
    chosen = Settings(_env_file=None, data_dir=folder, **settings)
    return {finding.subject: finding async for finding in findings(chosen)}


async def test_a_fresh_machine_lacks_nothing_but_a_token(tmp_path: Path) -> None:
    report = await found(tmp_path, bot_token=None)
    assert report["Python"].ok
    assert report["queue"].ok
    assert report["token"].ok is None
    assert "BOT_TOKEN" in report["token"].words
    assert "first start" in report["database"].words
    assert not (tmp_path / "studio.db").exists(), "a doctor changes nothing"


async def test_a_migrated_database_is_well_and_an_older_one_is_named(tmp_path: Path) -> None:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    async with database.begin():
        pass
    assert "older" in (await found(tmp_path))["database"].words
    await upgrade(database)
    await database.dispose()
    assert (await found(tmp_path))["database"].ok


async def test_a_database_that_cannot_be_reached_is_ill_and_keeps_its_password(tmp_path: Path) -> None:
    report = await found(tmp_path, database_url="postgresql://studio:geheim@127.0.0.1:1/studio")
    assert report["database"].ok is False
    assert "geheim" not in str(report["database"])


async def test_a_missing_driver_is_named_with_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    report = await found(tmp_path, database_url="postgresql://studio:geheim@127.0.0.1:1/studio")
    assert report["database"].ok is False
    assert "[postgres]" in report["database"].words
    assert "geheim" not in str(report["database"])


async def test_a_token_is_tried(tmp_path: Path, playground: Playground) -> None:
    report = await found(tmp_path, bot_token=TOKEN, telegram_api_url=playground.url)
    assert report["token"].ok
    assert "@" in report["token"].words
    away = await found(tmp_path, bot_token=TOKEN, telegram_api_url="http://127.0.0.1:1")
    assert away["token"].ok is None
    assert TOKEN.partition(":")[2] not in str(away["token"])


async def test_the_engine_is_examined_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert await examine(Settings(_env_file=None, data_dir=tmp_path))
    said = capfd.readouterr().out
    assert "torch" in said
    assert "modes" in said
    assert str(tmp_path / "weights") in said


async def test_a_damaged_database_is_ill(tmp_path: Path) -> None:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    await upgrade(database)
    await database.dispose()
    file = tmp_path / "studio.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + bytes(range(256)) * ((len(whole) - 8192) // 256))
    finding = (await found(tmp_path))["database"]
    assert finding.ok is False and str(file) in finding.words


async def test_a_full_disk_is_ill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await found(tmp_path))["disk"].ok
    (tmp_path / "file").write_text("in the way")
    assert (await found(tmp_path / "file" / "data"))["disk"].ok is False
    monkeypatch.setattr("bot.doctor.shutil.disk_usage", lambda _place: Usage(10**9, 10**9 - 4096, 4096))
    assert (await found(tmp_path))["disk"].ok is False
