"""The bot as it is put together, against a Bot API server of the attacker's and with a painter that refuses at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import bot.app as app
from bot.settings import Settings
from bot.telegram.outbox import Outbox
from bot.telegram.pacing import Pace, Window
from inference.blobs import BlobStore
from inference.requests import Failed
from tests.bot.conversation.painter import ALL_MODES, Painter

TOKEN = "123456:" + "A" * 35
UNHURRIED = Pace(private=(Window(10_000, 1.0),), group=(Window(10_000, 1.0),), per_second=100_000.0)


class Complaints(logging.Handler):
    """What the log says that it should not: errors, and tracebacks of any level."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.said.append(logging.Formatter("%(name)s: %(message)s").format(record)[-1500:])

    @property
    def faults(self) -> list[str]:
        """One of each kind, with how often it was said."""
        kinds = Counter(said.splitlines()[-1] for said in self.said)
        first = {said.splitlines()[-1]: said for said in reversed(self.said)}
        return [f"{times} times in the log: {first[kind]}" for kind, times in kinds.most_common(20)]

    @contextlib.contextmanager
    def listening(self) -> Any:
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield self
        finally:
            root.removeHandler(self)


@dataclass
class House:
    studio: app.Running
    task: asyncio.Task[None]
    complaints: Complaints


@contextlib.asynccontextmanager
async def opened(folder: Path, url: str, **options: Any) -> AsyncIterator[House]:
    """The bot while it polls, or hears its webhook where the options have one."""
    painter = Painter(BlobStore(str(folder / "blobs")), card=ALL_MODES, steps=1)
    painter.failure = Failed(code="internal", message="nothing is drawn here")
    settings = Settings(
        _env_file=None,
        bot_token=TOKEN,
        telegram_api_url=url,
        data_dir=folder,
        shutdown_grace_seconds=5,
        **options,
    )
    stop = asyncio.Event()
    with (
        mock.patch.object(app, "delivery_of", lambda _settings, _blobs: painter),
        mock.patch.object(app, "Outbox", lambda: Outbox(UNHURRIED, progress_seconds=(0.1, 0.1))),
        Complaints().listening() as complaints,
    ):
        async with app.open_studio(settings, stop) as studio:
            assert studio is not None
            task = asyncio.create_task(app.serve(studio, stop))
            yield House(studio, task, complaints)
            stop.set()
            await task
    await painter.close()
