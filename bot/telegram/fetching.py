"""Files that people send, fetched to disk: a piece at a time, bounded while they come, fairly among those who send."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from aiogram import Bot
from aiogram.types import Document, PhotoSize, Sticker

from bot.telegram.turns import Turns

MAX_DOWNLOAD = 20_000_000  # what Telegram lets a bot fetch
AT_ONCE, OF_ONE_PERSON, WAITING = 8, 2, 100
PIECE = 1 << 16
WRITTEN_AT_ONCE = 1 << 20
SECONDS = 60

Downloadable = PhotoSize | Document | Sticker


class FileTooBig(Exception):
    """More bytes than fit, whatever Telegram has said of the size."""


class Files:
    """Fetches files into a folder of its own, which holds nothing but what is being worked with."""

    def __init__(self, bot: Bot, folder: Path) -> None:
        self._bot = bot
        self._folder = folder
        self._turns = Turns(AT_ONCE, per_person=OF_ONE_PERSON, waiting=WAITING)

    def clear(self) -> None:
        """Removes what a process that was killed has left behind."""
        for left in self._folder.glob("*.part"):
            left.unlink(missing_ok=True)

    @asynccontextmanager
    async def fetched(self, file: Downloadable, person: int, most: int = MAX_DOWNLOAD) -> AsyncIterator[Path]:
        """A file on disk for as long as it is worked with; what was fetched counts, not what was said of it.

        Raises FileTooBig, LineFull, and what Telegram answers.
        """
        if (file.file_size or 0) > most:
            raise FileTooBig
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{secrets.token_hex(16)}.part"
        try:
            async with self._turns.turn(person):
                told = await self._bot.get_file(file.file_id)
                if (told.file_size or 0) > most or told.file_path is None:  # of large files there is no path
                    raise FileTooBig
                async with asyncio.timeout(SECONDS), aclosing(self._pieces(told.file_path)) as pieces:
                    with path.open("wb") as written:
                        await _write(pieces, written, most)
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _pieces(self, file_path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, from Telegram or from the disk of a Bot API server on this machine."""
        session = self._bot.session
        if session.api.is_local:
            with await asyncio.to_thread(Path(session.api.wrap_local_file.to_local(file_path)).open, "rb") as source:
                while piece := await asyncio.to_thread(source.read, WRITTEN_AT_ONCE):
                    yield piece
            return
        url = session.api.file_url(self._bot.token, file_path)
        stream = session.stream_content(url, timeout=SECONDS, chunk_size=PIECE, raise_for_status=True)
        async with aclosing(stream):
            async for piece in stream:
                yield piece


async def _write(pieces: AsyncIterator[bytes], file: BinaryIO, most: int) -> None:
    """Writes what comes, some of it at a time: a thread for every packet would cost more than the packets."""
    total, gathered = 0, bytearray()
    async for piece in pieces:
        total += len(piece)
        if total > most:
            raise FileTooBig
        gathered += piece
        if len(gathered) >= WRITTEN_AT_ONCE:
            await asyncio.to_thread(file.write, bytes(gathered))
            gathered.clear()
    await asyncio.to_thread(file.write, bytes(gathered))
