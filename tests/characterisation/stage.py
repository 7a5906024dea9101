"""People act one after the other; after each act the stage waits until all is still and writes down what came of it."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from bot.playground import serve
from inference.requests import ModelCard
from tests.bot.conversation.painter import SMALL
from tests.characterisation.easel import Seeds, StillHouse, counted_seeds, still_house
from tests.characterisation.writing import Names, Raw, about, call_lines, is_progress, message_lines
from tests.e2e.chat import PATIENCE, Message, Person, buttons, reading

STILL_LOOKS = 4
LOOK_SECONDS = 0.02
FIRST_CALLS = (
    *("getMe", "setMyCommands", "deleteWebhook"),
    *("getMyDescription", "setMyDescription", "getMyShortDescription", "setMyShortDescription"),
)
ERRANDS = ("bring job", "announce job", "resume job", "introduction")
UNHANDLED = "select count(*) from inbox where handled_at is null and set_aside is null"
UNTOLD = "select count(*) from jobs where state = 'new' or (shown_at is null and finished_at is not null)"
ACTIVE = "select count(*) from jobs where state in ('new', 'queued', 'sent', 'running', 'stopping', 'retry_wait')"


@dataclass
class Stage:
    """State: the house, the lines written so far and what they cover, and whether the painter waits."""

    house: StillHouse
    session: aiohttp.ClientSession
    seeds: Seeds
    lines: list[str] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    held: bool = False
    in_order: bool = False  # whether several jobs end in one act, so that their calls are put in order
    greeted: bool = False  # whether the first calls of every start are written down
    _calls: int = 0
    _orders: int = 0
    _database: sqlite3.Connection | None = None

    def person(self, name: str, user: int, language: str = "en", chat: int | None = None) -> Actor:
        return Actor(self, name, Person(self.session, self.house.playground.url, user, language, chat))

    def transcript(self) -> str:
        return "\n".join(self.lines).strip() + "\n"

    def write(self, *lines: str) -> None:
        self.lines += [self.names.stable(line) for line in lines]

    async def open(self, card: ModelCard | None = SMALL, **options: Any) -> None:
        """Starts the bot with this model."""
        self.house.options |= options
        self.house.painter.card = card
        await self.house.open()
        await self._and_then(first=True)

    async def restart(self) -> None:
        self.write("", "The bot stops and starts again.")
        self._orders = 0
        await self.house.reopen()
        await self._and_then(first=True)

    async def act(self, line: str, deed: Callable[[], Awaitable[Any]]) -> Any:
        """Writes down what somebody does, and what comes of it."""
        self.write("", line)
        self.seeds.next_act()
        result = await deed()
        await self._and_then()
        return result

    def hold(self) -> None:
        """From now on nothing is drawn."""
        self.held = True

    async def let_go(self) -> None:
        """What has been waiting is drawn. Several jobs end at once, so what is said of them is put in order."""
        self.write("", "The painter paints.")
        self.held = False
        await self._paint(in_order=True)

    async def _and_then(self, *, first: bool = False) -> None:
        await self.still()
        self._tell_calls(but=FIRST_CALLS if first and not self.greeted else ())
        if not self.held and self._count(ACTIVE):
            await self._paint(in_order=first)

    async def _paint(self, *, in_order: bool) -> None:
        self.house.painter.told.set()
        self.house.painter.gate.set()
        await self.still(ACTIVE)
        self.house.painter.told.clear()
        orders = self.house.painter.submitted[self._orders :]
        self._orders += len(orders)
        self.write(*(self.names.order(order.job_id, order.request) for order in orders))
        self._tell_calls(in_order=in_order)

    async def still(self, *none_of: str) -> None:
        """Returns when every update is handled, every ended job is shown and nobody asks Telegram for anything."""
        deadline, looks, before = time.monotonic() + PATIENCE, 0, -1
        while looks < STILL_LOOKS:
            assert time.monotonic() < deadline, "it never became still:\n" + "\n".join(self.lines[-40:])
            await asyncio.sleep(LOOK_SECONDS)
            calls = self._last_call()
            busy = self._in_hand() or any(self._count(query) for query in (UNHANDLED, UNTOLD, *none_of))
            looks = 0 if busy or calls != before else looks + 1
            before = calls

    def _in_hand(self) -> bool:
        playground = self.house.playground
        waiting = any(mailbox.pending or mailbox.again for mailbox in playground.world.mailboxes.values())
        errands = any(task.get_name().startswith(ERRANDS) for task in asyncio.all_tasks())
        return waiting or errands or bool(playground.bots.performing)

    def _last_call(self) -> int:
        return max(
            (call["id"] for call in self.house.playground.bots.calls if call["method"] != "getUpdates"), default=0
        )

    def rows(self, query: str) -> list[str]:
        """What the database holds, a line a row."""
        if self._database is None:
            self._database = sqlite3.connect(self.house.database, timeout=30, isolation_level=None)
        return [" ".join(str(value) for value in row) for row in self._database.execute(query)]

    def _count(self, query: str) -> int:
        return int(self.rows(query)[0])

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _tell_calls(self, *, but: Collection[str] = (), in_order: bool = False) -> None:
        calls = [it for it in self.house.playground.bots.calls if it["id"] > self._calls]
        self._calls = max((call["id"] for call in calls), default=self._calls)
        told = [it for it in calls if it["method"] not in ("getUpdates", *but) and not is_progress(it)]
        for call in sorted(told, key=about) if in_order or self.in_order else told:
            self.write(*call_lines(call))


@dataclass
class Actor:
    """A person of a flow. What they press is looked for in the newest message that has it."""

    stage: Stage
    name: str
    person: Person

    @property
    def _who(self) -> str:
        return self.name if self.person.chat is None else f"{self.name} in {self.person.chat}"

    async def says(self, text: str, reply_to: int | None = None, **fields: Any) -> None:
        to = {} if reply_to is None else {"reply_to": reply_to}
        how = "".join(f" ({key}: {value})" for key, value in fields.items())
        line = f"{self._who}{how} says" + (f" to #{reply_to}" if reply_to else "") + f": {text}"
        await self.stage.act(line, lambda: self.person.say(text, **to, **fields))

    async def sends(
        self, *files: bytes, caption: str = "", kind: str = "photo", name: str = "picture.png", **fields: Any
    ) -> None:
        """A photo or a file, or an album of them."""
        form = aiohttp.FormData(
            {
                "user": str(self.person.id),
                "chat": str(self.person.chat_id),
                "language": self.person.language,
                **{key: str(value) for key, value in fields.items()},
                **({"caption": caption} if caption else {}),
            }
        )
        for content in files:
            form.add_field(kind, content, filename=name, content_type="image/png")

        async def post() -> None:
            async with self.person.session.post(f"{self.person.url}/sim/message", data=form) as response:
                assert response.status == 200, await response.text()

        what = f"{kind} {name}" if kind == "document" else kind
        how = "".join(f" ({key}: {value})" for key, value in fields.items())
        await self.stage.act(f"{self._who}{how} sends {len(files)} {what}" + (f": {caption}" if caption else ""), post)

    async def presses(self, button: str, under: int | None = None) -> None:
        message = await self.newest(button) if under is None else await self.person.message(under)
        key = next(key for row in message["buttons"] for key in row if button in key["text"])
        await self.presses_data(key["data"], int(message["id"]))

    async def presses_data(self, data: str, under: int) -> None:
        """The button that carries this, where many have the same text."""
        message = await self.person.message(under)
        key = next(key for row in message["buttons"] for key in row if key["data"] == data)
        line = f"{self._who} presses [{key['text']} = {data}] under #{under}"
        await self.stage.act(line, lambda: self._press(under, data))

    async def _press(self, message_id: int, data: str) -> None:
        pressed = {"user": self.person.id, "chat": self.person.chat_id, "message_id": message_id, "button": data}
        await self.person.post("press", {**pressed, "wait": PATIENCE})

    async def newest(self, button: str) -> Message:
        """The newest message of the bot with such a button."""
        messages = [it for it in await self.person.messages() if it["from"]["is_bot"] and not it["deleted"]]
        found = [it for it in messages if any(button in text for text in buttons(it))]
        assert found, f"nobody offers {button}: {[reading(it) for it in messages]}"
        return found[-1]

    async def last(self) -> int:
        """The number of the newest message."""
        return max(int(it["id"]) for it in await self.person.messages() if not it["deleted"])

    async def sees(self, words: str) -> None:
        """Waits for a message with these words and writes down how it looks; for what is shown while a job waits."""
        message = await self.person.until(lambda it: words in (it["text"] or it["caption"] or ""))
        world = self.stage.house.playground.world
        assert self.stage.house.studio is not None
        bot_id = self.stage.house.studio.bot.id
        chat = world.chats[f"{bot_id}:{message['chat']}" if message["chat"] > 0 else str(message["chat"])]
        body: Raw = world.message_body(world.messages[chat.key][message["id"]], bot_id)
        self.stage.write("", f"{self._who} sees #{message['id']}", *message_lines(body))


@asynccontextmanager
async def staged(lay_out: Callable[[Path], None] | None = None, *, keep_telegram: bool = False) -> AsyncIterator[Stage]:
    """A playground and a house that is not open yet; both end with this. `lay_out` fills the house's folder first, the
    playground's chats among it, which are kept in a folder only then or with `keep_telegram`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made, counted_seeds() as (seeds, patch):
        folder = Path(made)
        if lay_out is not None:
            lay_out(folder)
        playground = await serve(
            port=0, state_dir=folder / "telegram" if lay_out or keep_telegram else None, strict=True
        )
        house = still_house(playground, folder, patch)
        try:
            async with aiohttp.ClientSession() as session:
                stage = Stage(house, session, seeds)
                yield stage
                stage.close()
        finally:
            if house.studio is not None and not house.task.done():
                await house.close()
            with suppress(asyncio.CancelledError):
                await house.painter.close()
            await playground.close()


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (192, 128), kind: str = "PNG") -> bytes:
    """A file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()
