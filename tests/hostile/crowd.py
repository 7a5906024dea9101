"""People who go on as if nothing happened: they write, send photos and albums, answer, press and edit.

Each waits for what has been answered before asking for the same again, so that every answer belongs to one ask.
"""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cache

import aiohttp
from PIL import Image

from tests.e2e.chat import Message, Person
from tests.hostile.judge import ANSWER_SECONDS, Ask, Press, Wish, answers_to, buttons_of, is_result, is_status

BOT = "@kandinsky_bot"
PATIENCE = 45.0  # until somebody who got no answer asks for the same again
AT_A_TIME = 3
REMEMBERED = 100  # messages that somebody scrolls back
SENTENCES = {
    "en": ("a red circle", "a blue cat at night", "a lighthouse in a storm", "green hills --n 2", "a fox --seed 7"),
    "ru": ("красный круг", "синий кот ночью", "маяк в бурю", "зелёные холмы --n 2", "лиса --seed 7"),
}
REPLIES: tuple[tuple[str, Wish], ...] = (("/info", "words"), ("/vary", "draw"), ("/upscale", "draw"))
# Buttons that bring a message, and those that only change the one they are under.
BRINGING = ("j:again:", "o:vary:", "o:subtle:", "j:recipe:", "p:recipe:", "p:open:", "j:files:", "p:file:", "m:start:")
CHANGING = ("j:star:", "p:star:", "o:more:", "j:cancel:", "j:queue:", "m:more:", "m:swap:")


@dataclass
class Diary:
    """What everybody has done, in the order it was done, and when (Unix time). `pressing` has not ended yet."""

    asks: dict[Ask, float] = field(default_factory=dict)
    presses: list[Press] = field(default_factory=list)
    edits: int = 0
    pressing: dict[asyncio.Task[None], float] = field(default_factory=dict)


@dataclass
class Visitor:
    """One person in one chat, with what they still wait for."""

    person: Person
    chance: random.Random
    diary: Diary
    waiting: list[tuple[Ask, float]] = field(default_factory=list)
    pressed: set[tuple[int, str]] = field(default_factory=set)

    @property
    def private(self) -> bool:
        return self.person.chat is None

    async def act(self) -> str | None:
        """Does one thing; returns what, None where there was nothing to be done but wait."""
        messages = (await self.person.get(f"transcript?chat={self.person.chat_id}&limit={REMEMBERED}"))["messages"]
        now = time.monotonic()
        self.waiting = [
            (ask, since)
            for ask, since in self.waiting
            if now - since < PATIENCE and not _is_over(answers_to(messages, ask))
        ]
        if len(self.waiting) >= AT_A_TIME:
            return None
        deeds: list[tuple[float, Callable[[list[Message]], Awaitable[bool]]]] = [
            (4, self._say),
            (2, self._photo),
            (2, self._album),
            (2, self._command),
            (1.5, self._reply),
            (3, self._press),
            (0.5, self._edit),
        ]
        weights, choices = zip(*deeds, strict=True)
        deed = self.chance.choices(choices, weights)[0]
        return deed.__name__.strip("_") if await deed(messages) else None

    # Deeds: each returns whether anything was done

    async def _say(self, _messages: list[Message]) -> bool:
        text = self._sentence()
        if self.chance.random() < 0.2:
            text = f"/imagine {text}"
        elif not self.private:
            text = f"{BOT} {text}"
        sent = await self.person.say(text)
        self._asked("draw", sent)
        return True

    async def _photo(self, _messages: list[Message]) -> bool:
        worded = not self.private or self.chance.random() < 0.5
        kind = "document" if self.chance.random() < 0.25 else "photo"
        sent = await self._send([self._picture()], self._caption() if worded else "", kind)
        self._asked("draw" if worded else "menu", sent)
        return True

    async def _album(self, _messages: list[Message]) -> bool:
        worded = not self.private or self.chance.random() < 0.5
        parts = [self._picture() for _ in range(self.chance.randint(2, 4))]
        sent = await self._send(parts, self._caption() if worded else "")
        self._asked("mix", sent)
        return True

    async def _command(self, _messages: list[Message]) -> bool:
        asked_for: dict[str, Wish] = {"/queue": "words", "/cancel": "words"}
        if self.private:  # what does not say whom it answers is asked for where nobody else asks
            asked_for |= {"/help": "help", "/settings": "settings", "/history": "history"}
        command = self.chance.choice(sorted(asked_for))
        wish = asked_for[command]
        if wish != "words" and any(ask.wish == wish for ask, _since in self.waiting):
            return False
        self._asked(wish, await self.person.say(command if self.private else f"{command}{BOT}"))
        return True

    async def _reply(self, messages: list[Message]) -> bool:
        results = [message for message in messages if is_result(message) and not message["deleted"]][-8:]
        if not results:
            return False
        result = self.chance.choice(results)
        command, wish = self.chance.choice(REPLIES)
        which = " 1" if command != "/info" and _is_grid(result) else ""
        self._asked(wish, await self.person.say(command + which, reply_to=result["id"]))
        return True

    async def _press(self, messages: list[Message]) -> bool:
        """A button not pressed before; of those that bring a message, one under each message."""
        fresh = [
            (message, data)
            for message in messages[-25:]
            if message["from"]["is_bot"] and not message["deleted"] and (self.private or self._asked_for(message))
            for data in buttons_of(message)
            if data.startswith(BRINGING + CHANGING) and self._may_press(message, data)
        ]
        if not fresh:
            return False
        message, data = self.chance.choice(fresh)
        self.pressed.add((message["id"], data))
        self.press(message, data)
        return True

    async def _edit(self, messages: list[Message]) -> bool:
        own = [m for m in messages[-10:] if m["from"]["id"] == self.person.id and m["text"] and m["text"][0] != "/"]
        if not own:
            return False
        message = self.chance.choice(own)
        fields = {"user": self.person.id, "chat": self.person.chat_id, "message_id": message["id"]}
        await self.person.post("edit", {**fields, "text": f"{message['text']}!"})
        self.diary.edits += 1
        return True

    # How

    def press(self, message: Message, data: str) -> None:
        """Presses, and goes on while the answer is awaited."""
        task = asyncio.create_task(self._press_and_wait(message, data))
        self.diary.pressing[task] = time.time()
        task.add_done_callback(self.diary.pressing.pop)

    async def _press_and_wait(self, message: Message, data: str) -> None:
        brings = data.startswith(BRINGING)
        press = Press(self.person.chat_id, self.person.id, message["id"], data, False, brings=brings, at=time.time())
        fields = {"user": self.person.id, "chat": self.person.chat_id, "message_id": message["id"], "button": data}
        url = f"{self.person.url}/sim/press"
        async with self.person.session.post(url, json={**fields, "wait": ANSWER_SECONDS}) as response:
            body = await response.json()
        if body["ok"]:  # else the button has gone in the meantime
            answer = body["answer"]
            told = answer["text"] if answer else None
            self.diary.presses.append(replace(press, answered=answer is not None, told=told, query=body["query_id"]))

    def _may_press(self, message: Message, data: str) -> bool:
        if (message["id"], data) in self.pressed or (is_status(message) and self.chance.random() < 0.7):
            return False
        brought = any(at == message["id"] and did.startswith(BRINGING) for at, did in self.pressed)
        return not (data.startswith(BRINGING) and brought)

    def _asked_for(self, message: Message) -> bool:
        """In a group: whether the message answers something of one's own."""
        mine = {part for ask in self.diary.asks if ask.person == self.person.id for part in ask.messages}
        return message["reply_to"] in mine

    def _asked(self, wish: Wish, sent: dict[str, list[Message]]) -> None:
        ask = Ask(wish, self.person.chat_id, self.person.id, tuple(m["id"] for m in sent["messages"]))
        self.diary.asks[ask] = time.time()
        self.waiting.append((ask, time.monotonic()))

    async def _send(self, pictures: list[bytes], caption: str, kind: str = "photo") -> dict[str, list[Message]]:
        form = aiohttp.FormData()
        for name, value in (("user", self.person.id), ("chat", self.person.chat_id), ("caption", caption)):
            form.add_field(name, str(value))
        form.add_field("language", self.person.language)
        for number, picture in enumerate(pictures):
            form.add_field(kind, picture, filename=f"{number}.jpg", content_type="image/jpeg")
        async with self.person.session.post(f"{self.person.url}/sim/message", data=form) as response:
            sent: dict[str, list[Message]] = await response.json()
        assert sent["ok"], sent
        return sent

    def _picture(self) -> bytes:
        return _jpeg(self.chance.randrange(12))

    def _sentence(self) -> str:
        return self.chance.choice(SENTENCES[self.person.language])

    def _caption(self) -> str:
        return self._sentence() if self.private else f"{BOT} {self._sentence()}"


def _is_over(answers: list[Message]) -> bool:
    return any(not is_status(message) for message in answers)


def _is_grid(message: Message) -> bool:
    return any(data.startswith("p:open:") for data in buttons_of(message))


@cache
def _jpeg(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (160 + 8 * number, 120), (20 * number, 120, 255 - 20 * number)).save(out, "JPEG")
    return out.getvalue()
