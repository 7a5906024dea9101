"""`python -m tests.clients`: one small bot in each of four frameworks, driven through the playground, and KServe's own
client at the door for programs.

Not in the default run: the frameworks come from npm and PyPI, into `.clients`. What cannot be had is skipped.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from bot.playground import Playground, serve
from tests.clients.door import knocked
from tests.waiting import until

ROOMS = Path(__file__).parents[2] / ".clients"
BOTS = Path(__file__).parent / "bots"
PATIENCE = 60.0  # seconds a bot may take to come up


@dataclass(frozen=True)
class Client:
    """`token` is a bot of its own; `package` is what its registry serves, at the version that was tried."""

    name: str
    package: str
    program: str
    token: str

    @property
    def is_node(self) -> bool:
        return self.program.endswith(".cjs")


CLIENTS = (
    Client("grammY", "grammy@1.46.0", "grammy.cjs", "501:grammy"),
    Client("Telegraf", "telegraf@4.16.3", "telegraf.cjs", "502:telegraf"),
    Client("pyTelegramBotAPI", "pyTelegramBotAPI==4.37.1", "telebot_bot.py", "503:telebot"),
    Client("python-telegram-bot", "python-telegram-bot==22.8", "ptb_bot.py", "504:ptb"),
)
KSERVE = Client("KServe", "kserve==0.21.0", "kserve_client.py", "")


class NotHereError(Exception):
    """A framework that cannot be had on this machine."""


async def ran(*command: str | Path, where: Path) -> None:
    """Runs an installer. Raises NotHereError with its last line."""
    if shutil.which(str(command[0])) is None:
        raise NotHereError(f"there is no {command[0]}")
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=where, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise NotHereError((said.decode(errors="replace").strip().splitlines() or ["it says nothing"])[-1])


async def installed(client: Client) -> tuple[list[str], dict[str, str]]:
    """The command that runs the bot of a client, and what it needs in its environment."""
    room = ROOMS / client.program.partition(".")[0]
    room.mkdir(parents=True, exist_ok=True)
    if client.is_node:
        await ran("npm", "install", "--no-audit", "--no-fund", "--prefix", room, client.package, where=room)
        return ["node", str(BOTS / client.program)], {"NODE_PATH": str(room / "node_modules")}
    if not (room / "bin" / "python").exists():
        await ran(sys.executable, "-m", "venv", room, where=room)
    await ran(room / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", client.package, where=room)
    return [str(room / "bin" / "python"), str(BOTS / client.program)], {"PYTHONPATH": ""}


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return out.getvalue()


class Person:
    """Somebody who talks to one bot."""

    def __init__(self, session: aiohttp.ClientSession, url: str, bot: str) -> None:
        self.session, self.url, self.bot = session, url, bot

    async def post(self, path: str, **fields: Any) -> Any:
        form = aiohttp.FormData({name: str(it) for name, it in fields.items() if not isinstance(it, bytes)})
        for name, it in fields.items():
            if isinstance(it, bytes):
                form.add_field(name, it, filename="p.png")
        async with self.session.post(f"{self.url}/sim/{path}", data=form) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return found

    async def seen(self, count: int) -> list[dict[str, Any]]:
        """What the bot has said, once it has said so much."""
        query: dict[str, str | int] = {"chat": 1001, "bot": self.bot}

        async def said() -> list[dict[str, Any]]:
            async with self.session.get(f"{self.url}/sim/transcript", params=query) as answer:
                messages = (await answer.json())["messages"]
            told = [it for it in messages if it["from"]["is_bot"]]
            return told if len(told) >= count else []

        return await until(said, f"{count} messages of the bot", seconds=PATIENCE)

    async def say(self, text: str, expected: int) -> dict[str, Any]:
        await self.post("message", user=1001, bot=self.bot, text=text)
        return (await self.seen(expected))[-1]


async def talk(person: Person) -> None:
    """One conversation; raises AssertionError where the bot does not do what it was told to."""
    hello = await person.say("/start", 1)
    assert (hello["text"], hello["entities"][0]["type"]) == ("Hello you", "bold"), hello
    assert hello["reply_to"], hello
    pressed = await person.post("press", user=1001, bot=person.bot, message_id=hello["id"], button="Press", wait=20)
    assert pressed["answer"]["text"] == "Done", pressed

    async def edited() -> bool:
        return (await person.seen(1))[0]["text"] == "Pressed"

    await until(edited, "the edit", seconds=PATIENCE)
    document = (await person.say("/file", 2))["document"]
    assert (document["file_name"], document["file_size"]) == ("лис 1.bin", 5), document
    album = (await person.say("/album", 4), (await person.seen(4))[-2])
    assert album[0]["album"] and album[0]["album"] == album[1]["album"] and album[1]["caption"] == "two", album
    await person.post("message", user=1001, bot=person.bot, photo=picture(64, 48))
    back = (await person.seen(5))[-1]
    assert (back["photo"]["width"], back["entities"][0]["type"]) == (64, "bold"), back
    assert back["caption"].endswith(" bytes"), back


async def tried(client: Client, playground: Playground, session: aiohttp.ClientSession) -> str:
    """The verdict over one client, with the fields of its calls that Telegram passes over."""
    command, needs = await installed(client)
    dot = base64.b64encode(picture(8, 8)).decode()
    environment = {**os.environ, **needs, "TOKEN": client.token, "API_ROOT": playground.url, "DOT": dot}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    number = int(client.token.partition(":")[0])
    try:
        await until(lambda: number in playground.world.mailboxes or process.returncode, client.name, seconds=PATIENCE)
        assert process.returncode is None, (await process.communicate())[1].decode(errors="replace")[-2000:]
        await talk(Person(session, playground.url, str(number)))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    calls = [it for it in playground.bots.calls if it["bot"] == number]
    refused = [f"{it['method']}: {it['error']}" for it in calls if not it["ok"] and it["method"] != "getUpdates"]
    assert not refused, refused
    ignored = sorted({f"{it['method']}.{name}" for it in calls for name in it["ignored"]})
    return f"works, {len(calls)} calls" + (f", passed over: {', '.join(ignored)}" if ignored else "")


async def knocks(client: Client) -> int:
    """Whether a client of the door fails."""
    try:
        command, _needs = await installed(client)
        verdict = await knocked(command)
    except NotHereError as missing:
        verdict = f"skipped: {missing}"
    except AssertionError as wrong:
        verdict = f"FAILED: {wrong}"
    print(f"{client.package:28} {verdict}", flush=True)
    return int(verdict.startswith("FAILED"))


async def main() -> int:
    playground = await serve(port=0)
    failed = 0
    async with aiohttp.ClientSession() as session:
        for client in CLIENTS:
            try:
                verdict = await tried(client, playground, session)
            except NotHereError as missing:
                verdict = f"skipped: {missing}"
            except AssertionError as wrong:
                failed += 1
                verdict = f"FAILED: {wrong}"
            print(f"{client.package:28} {verdict}", flush=True)
    failed += await knocks(KSERVE)
    await playground.close()
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
