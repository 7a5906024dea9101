from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from aiogram import Dispatcher
from aiogram.methods import Response
from aiogram.types import WebhookInfo

from bot.app import Running, open_studio
from bot.app import serve as serve_updates
from bot.app.parts import stop_on_signals
from bot.playground import Playground, serve
from bot.settings import Settings, SettingsError
from bot.telegram.connection import make_bot
from bot.telegram.inbox import Inbox
from inference.queue.database import open_database
from tests.bot.wire import TOKEN

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture
async def playground() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    yield server
    await server.close()


def settings_for(folder: Path, url: str, **options: Any) -> Settings:
    return Settings(**{"_env_file": None, "bot_token": TOKEN, "telegram_api_url": url, "data_dir": folder, **options})


def test_the_bot_is_put_together_without_torch() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'diffusers', 'transformers', 'safetensors'): sys.modules[name] = None\n"
        "import bot.app, bot.demo, bot.doctor\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100)


async def test_a_token_that_telegram_does_not_know_is_named(playground: Playground, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        fault = {"method": "getMe", "status": 401, "description": "Unauthorized"}
        await session.post(f"{playground.url}/sim/faults", json=fault)
    with pytest.raises(SettingsError) as refusal:
        async with open_studio(settings_for(tmp_path, playground.url), asyncio.Event()):
            pass
    assert refusal.value.variable == "BOT_TOKEN"
    assert TOKEN not in str(refusal.value)


@pytest.mark.parametrize(
    ("fault", "variable"),
    [
        ({"status": 400, "description": "Bad Request: bad webhook: HTTPS required"}, "WEBHOOK_URL"),
        (None, "WEBHOOK_PORT"),
    ],
)
async def test_a_webhook_that_cannot_be_is_named(
    playground: Playground, tmp_path: Path, fault: dict[str, Any] | None, variable: str
) -> None:
    async with aiohttp.ClientSession() as session:
        if fault is not None:
            await session.post(f"{playground.url}/sim/faults", json={"method": "setWebhook", **fault})
    options = {"webhook_url": "https://bot.example.org/x", "webhook_port": playground.port if fault is None else 0}
    settings = settings_for(tmp_path, playground.url, **options)
    bot = make_bot(settings)
    inbox = Inbox(bot, Dispatcher(), open_database(settings.database_url))
    studio = Running(settings, bot, await bot.me(), Dispatcher(), inbox, cast("Any", None), cast("Any", None))
    with pytest.raises(SettingsError) as refusal:
        await serve_updates(studio, asyncio.Event())
    await bot.session.close()
    assert refusal.value.variable == variable


async def test_a_stop_is_heard_while_telegram_is_out_of_reach(tmp_path: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, stop.set)
    async with asyncio.timeout(30), open_studio(settings_for(tmp_path, "http://127.0.0.1:1"), stop) as studio:
        assert studio is None


async def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "studio.db").write_bytes(b"this is no database, it only has its name" * 100)
    with pytest.raises(SettingsError) as refusal:
        async with open_studio(settings_for(tmp_path, "http://127.0.0.1:1"), asyncio.Event()):
            pass
    assert refusal.value.variable == "DATABASE_URL"


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"data_dir": "file/data"}, "DATA_DIR"),
        ({"data_dir": "file"}, "DATA_DIR"),
        ({"blobs_url": "file/blobs"}, "BLOBS_URL"),
        ({"blobs_url": "nosuchprotocol://bucket"}, "BLOBS_URL"),
        ({"database_url": "sqlite:///{folder}/file/studio.db"}, "DATABASE_URL"),
    ],
)
async def test_a_place_that_takes_nothing_is_named_in_one_line_before_telegram_is_asked(
    tmp_path: Path, options: dict[str, str], variable: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    where = {
        name: value.format(folder=tmp_path) if ":" in value else str(tmp_path / value)
        for name, value in options.items()
    }
    settings = settings_for(tmp_path, "http://127.0.0.1:1", **where)
    with pytest.raises(SettingsError) as refusal:
        async with open_studio(settings, asyncio.Event()):
            pass
    assert refusal.value.variable == variable
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_to_stop_and_a_second_one_is_no_longer_caught(name: signal.Signals) -> None:
    before = signal.getsignal(name)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), name)
        await asyncio.wait_for(stop.wait(), 5)
        assert signal.getsignal(name) in (signal.SIG_DFL, signal.default_int_handler)
    signal.signal(name, before)


def test_calls_go_to_the_server_of_the_settings(tmp_path: Path) -> None:
    own = make_bot(settings_for(tmp_path, "http://127.0.0.1:8081", telegram_api_local=True))
    assert own.session.api.api_url(TOKEN, "getMe") == f"http://127.0.0.1:8081/bot{TOKEN}/getMe"
    assert own.session.api.is_local
    assert make_bot(settings_for(tmp_path, "https://api.telegram.org")).session.api.api_url(TOKEN, "getMe") == (
        f"https://api.telegram.org/bot{TOKEN}/getMe"
    )


async def test_what_answers_are_read_by_is_not_made_anew_for_every_answer(
    playground: Playground, tmp_path: Path
) -> None:
    bot = make_bot(settings_for(tmp_path, playground.url))
    async with bot.session:
        await bot.get_webhook_info()
    kept = weakref.ref(Response[WebhookInfo])
    gc.collect()
    assert kept() is not None
