"""What is done to the studio, one kill after the other, while its people go on; and what is left in the end."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from bot.playground import Playground
from tests.e2e.chat import Message
from tests.hostile.crowd import Diary, Visitor
from tests.hostile.judge import Answer, Ask, Press, Verdict, answers_to, buttons_of, came_late, is_status, judge
from tests.hostile.lives import Lives, Victim
from tests.waiting import until, within

EVERY_SECONDS = 0.35  # somebody does something
ENGINE_SECONDS, SPARING_SECONDS = 8.0, 12.0
SETTLED_SECONDS, LONGEST_SECONDS = 3.0, 300.0
GIVEN_UP_SECONDS = 75.0  # a group may have to wait a minute for its turn

# What Telegram does to the next calls of a kind, now and then.
FAULTS: tuple[dict[str, Any], ...] = (
    {"method": "sendMessage", "status": 429, "retry_after": 1},
    {"method": "editMessageMedia", "status": 429, "retry_after": 1},
    {"method": "sendMessage", "status": 500},
    {"method": "sendPhoto", "status": 502},
    {"method": "editMessageMedia", "status": 500},
    {"method": "editMessageMedia", "drop": True, "when": "after"},
    {"method": "editMessageText", "drop": True},
    {"method": "sendMessage", "drop": True},
    {"method": "sendMessage", "drop": True, "when": "after"},
    {"method": "sendPhoto", "drop": True},
    {"method": "getFile", "delay": 1.2},
    {"method": "getFile", "status": 500},
    {"method": "getUpdates", "drop": True},
    {"method": "getUpdates", "drop": True, "when": "after"},
    {"method": "answerCallbackQuery", "status": 500},
    {"method": "*", "delay": 0.4, "count": 3},
)


@dataclass
class Trial:
    """A studio, the people in its chats, and what was done to it. `count` is how often each was killed, and when;
    `given_up` are asks whose answer was awaited in vain."""

    playground: Playground
    lives: Lives
    people: list[Visitor]
    diary: Diary
    chance: random.Random
    count: Counter[str] = field(default_factory=Counter)
    bot_killed: list[float] = field(default_factory=list)
    given_up: set[Ask] = field(default_factory=set)

    async def run(self, kills: int, *, group: int) -> None:
        """So many kills, a third of them each of bot, worker and engine, in a random order."""
        victims: list[Victim] = [get_args(Victim)[number % 3] for number in range(kills)]
        self.chance.shuffle(victims)
        await self.lives.begin()
        await self.lives.listens()
        await self.people[0].person.post("chat", {"chat": group, "title": "Friends", "privacy": False})
        bustle = asyncio.create_task(self._bustle())
        try:
            for victim in victims:
                if bustle.done():
                    bustle.result()  # raises: nobody does anything any more
                if self.chance.random() < 0.4:
                    await self.trouble(self.chance.choice(FAULTS))
                if self.chance.random() < 0.2:  # of no consequence to anybody but the picture that is being opened
                    self.count["what opens pictures, besides"] += await self.lives.kill("decoder")
                await (self._kill_bot() if victim == "bot" else self._kill_beside(victim))
                if self.chance.random() < 0.6:  # else the next kill comes while there is no engine yet
                    await within(ENGINE_SECONDS, lambda: self.lives.drawing)
        finally:
            bustle.cancel()
            await asyncio.gather(bustle, return_exceptions=True)

    async def trouble(self, fault: dict[str, Any]) -> None:
        await self.people[0].person.post("faults", fault)
        self.count["faults of Telegram"] += 1

    async def act(self) -> str | None:
        return await self.chance.choice(self.people).act()

    async def chats(self, latest: int = 1_000_000) -> dict[int, list[Message]]:
        """Every chat as its people see it, or the latest messages of it."""
        found: dict[int, list[Message]] = {}
        for chat in {visitor.person.chat_id: visitor.person for visitor in self.people}.values():
            found[chat.chat_id] = (await chat.get(f"transcript?chat={chat.chat_id}&limit={latest}"))["messages"]
        return found

    async def _bustle(self) -> None:
        while True:
            await self.act()
            await asyncio.sleep(self.chance.uniform(0, 2 * EVERY_SECONDS))

    # Kills

    async def _kill_bot(self) -> None:
        moments: dict[str, Callable[[], Awaitable[None]]] = {
            "soon after a message": self._soon,
            "in the middle of a send": self._during({"method": "sendMessage", "delay": 0.5}),
            "before an answer is read": self._during({"method": "sendMessage", "delay": 0.5, "when": "after"}),
            "in the middle of a result": self._during({"method": "editMessageMedia", "delay": 0.5, "when": "after"}),
            "while a file is fetched": self._during({"method": "getFile", "delay": 1.0}),
            "while Telegram asks for patience": self._during({"method": "sendMessage", "retry_after": 2}),
            "as the chat shows its message": self._as_shown,
            "while it starts": self._while_starting,
        }
        weights = (8, 2, 2, 2, 2, 2, 2, 2)
        moment = self.chance.choices(list(moments), weights)[0]
        await self._spare(2 if moment == "while it starts" else 1)
        await moments[moment]()
        await self._end_bot()
        self.count[f"bot, {moment}"] += 1
        await self.lives.begin()
        await self.lives.listens()

    async def _end_bot(self) -> None:
        self.bot_killed.append(time.time())
        await self.lives.kill("bot")
        self.count["bot"] += 1

    async def _spare(self, kills: int) -> None:
        """Waits for what would now live through its third kill of the bot: who is killed three times over the same
        message may take it for the killer, and set it aside."""
        if len(self.bot_killed) < 3 - kills:
            return
        before = self.bot_killed[kills - 3]
        deadline = time.monotonic() + SPARING_SECONDS
        while True:
            old = {ask for ask, since in self.diary.asks.items() if since < before} - self.given_up
            chats = await self.chats(latest=300) if old else {}
            answered = {ask for ask in old if answers_to(chats[ask.chat], ask)}
            pressed = any(since < before for since in self.diary.pressing.values())
            in_vain = time.monotonic() > deadline
            self.given_up |= old if in_vain else answered
            if in_vain or not (old - answered or pressed):
                return
            await asyncio.sleep(0.2)

    async def _soon(self) -> None:
        """Within a second of a message, mostly at once."""
        while await self.act() is None:
            await asyncio.sleep(0.05)
        await asyncio.sleep(self.chance.choice([0.15, 0.4, 1.0]) * self.chance.random())

    def _during(self, fault: dict[str, Any]) -> Callable[[], Awaitable[None]]:
        """While a call is slow, or a pause is kept: somebody does something that leads to it."""

        async def wait() -> None:
            await self.trouble(fault)
            mine = self.playground.bots.faults.faults[-1:]  # none where the bot has met it already
            deadline = time.monotonic() + 4
            while mine and mine[0] in self.playground.bots.faults.faults and time.monotonic() < deadline:
                await self.act()
                await asyncio.sleep(0.1)
            await asyncio.sleep(self.chance.random() * (fault.get("delay") or 1.0))

        return wait

    async def _as_shown(self) -> None:
        """At the very moment the next message or edit of the bot appears."""
        events = self.playground.world.events
        stream = events.subscribe(None)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(4):
                    await self.act()
                    while not _is_of_bot(await stream.get()):
                        pass
        finally:
            events.unsubscribe(stream)

    async def _while_starting(self) -> None:
        """A kill, and another one before the next life has got far."""
        await self.act()
        await self._end_bot()
        await self.lives.begin()
        await asyncio.sleep(1.5 * self.chance.random())

    async def _kill_beside(self, victim: Victim) -> None:
        """The worker or the engine, mostly when there is something to be lost."""
        if self.chance.random() < 0.85:
            await within(ENGINE_SECONDS, lambda: self.lives.drawing)
        for _ in range(self.chance.randint(1, 2)):
            await self.act()
        await asyncio.sleep(1.2 * self.chance.random())
        await until(  # it may only just be being started again
            lambda: self.lives.kill(victim),
            lambda: f"no {victim}; log:\n{self.lives.log.read_text()[-3000:]}",
            seconds=10,
        )
        self.count[victim] += 1

    # Peace

    async def settle(self) -> Verdict:
        """Lets everything come to its end, and judges: no event any more, and nothing that time might mend."""
        await self._peace()
        deadline = time.monotonic() + LONGEST_SECONDS
        events, quiet_since, last = self.playground.world.events, time.monotonic(), -1
        while True:
            await asyncio.sleep(0.25)
            if events.last_id != last:
                last, quiet_since = events.last_id, time.monotonic()
            quiet = time.monotonic() - quiet_since
            if quiet < SETTLED_SECONDS and time.monotonic() < deadline:
                continue
            if self.diary.pressing and time.monotonic() < deadline:
                continue
            verdict = judge(await self.chats(), list(self.diary.asks), self.presses())
            if not verdict.open or quiet > GIVEN_UP_SECONDS or time.monotonic() > deadline:
                return verdict

    def presses(self) -> list[Press]:
        """All presses, with which of them were answered too late."""
        answers: dict[str, list[Answer]] = {}
        for call in self.playground.bots.calls:
            if call["method"] == "answerCallbackQuery":
                tried = Answer(call["time"], call["status"])
                answers.setdefault(str(call["params"].get("callback_query_id")), []).append(tried)
        return [
            replace(press, late=not press.answered and came_late(press, answers.get(press.query, ()), self.bot_killed))
            for press in self.diary.presses
        ]

    async def waiting_lines(self) -> list[str]:
        """Who is told that something of theirs is still in line, when all is at rest."""
        asked = []
        for visitor in self.people:
            if visitor.private:
                sent = await visitor.person.say("/queue")
                asked.append((visitor, sent["message"]["id"]))
        found = []
        for visitor, message in asked:
            answer = await visitor.person.until(lambda m, to=message: m["reply_to"] == to, after=message, patience=60)
            if buttons_of(answer):
                found.append(f"person {visitor.person.id} still has something in line: {answer['text']!r}")
        return found

    async def press_orphans(self, verdict: Verdict) -> int:
        """Their people press them. Returns how many go on saying that they wait or draw."""
        chats = await self.chats()
        for orphan in verdict.orphans:
            owner = next(it for it in self.people if (it.person.chat_id, it.person.id) == (orphan.chat, orphan.person))
            message = next(message for message in chats[orphan.chat] if message["id"] == orphan.message)
            owner.press(message, next(data for data in buttons_of(message) if data.startswith("j:cancel:")))
        deadline = time.monotonic() + GIVEN_UP_SECONDS
        while True:
            await asyncio.sleep(0.5)
            chats = await self.chats()
            left = {(chat, message["id"]) for chat in chats for message in chats[chat] if is_status(message)}
            unmended = sum((orphan.chat, orphan.message) in left for orphan in verdict.orphans)
            if not (self.diary.pressing or unmended) or time.monotonic() > deadline:
                return unmended

    async def keep_evidence(self, path: Path) -> None:
        """What the verdict was made of, and the calls and updates behind it."""
        seen = {
            "chats": await self.chats(),
            "asks": [asdict(ask) for ask in self.diary.asks],
            "presses": [asdict(press) for press in self.presses()],
            "calls": list(self.playground.bots.calls),
            "kills of the bot": self.bot_killed,
            "updates": [update.as_json() for box in self.playground.world.mailboxes.values() for update in box.history],
        }
        path.write_text(json.dumps(seen, ensure_ascii=False, indent=1, default=repr))

    async def _peace(self) -> None:
        async with self.people[0].person.session.delete(f"{self.playground.url}/sim/faults") as response:
            assert response.status == 200


def _is_of_bot(event: Any) -> bool:
    return event.name in ("message", "edit") and '"is_bot":true' in event.data
