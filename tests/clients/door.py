"""The real client of KServe, which cannot be installed beside our pins, at a studio that paints squares."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import aiohttp
import pytest

from bot.playground import serve
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.bot.door.conftest import ANNA, Door


async def knocked(command: list[str]) -> str:
    """The verdict of a client that is given the address of a door, and a key. Raises AssertionError."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        playground = await serve(port=0, strict=True)
        house = House(playground, Path(folder), patch, options={"api_port": 0})
        await house.open()
        await house.learns(ALL_MODES)
        try:
            async with aiohttp.ClientSession() as session:
                door = Door(house, session)
                return await _ran(command, {"DOOR": door.url, "KEY": await door.key_of(ANNA)})
        finally:
            await house.close()
            await house.painter.close()
            await playground.close()


async def _ran(command: list[str], more: dict[str, str]) -> str:
    environment = {**os.environ, "PYTHONPATH": "", **more}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode(errors="replace")[-2000:]
    return said.decode().strip()
