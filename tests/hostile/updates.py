"""Fuzzed updates, by polling, through the inbox and every handler: none stops the bot, none is left lying."""

from __future__ import annotations

import asyncio
import json
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from bot.store.tables import inbox
from bot.telegram.updates import Odd, id_of, read
from inference.queue.database import open_database
from tests.hostile.grammar import Grammar
from tests.hostile.house import House, opened
from tests.hostile.report import Table
from tests.hostile.sink import Sink
from tests.waiting import within

LONG, SHORT, CHUNK = 100_000, 800, 400


def attack(*, long: bool, seed: int, count: int | None = None) -> Table:
    """The table of what was sent and what came of it."""
    return asyncio.run(_attack(count or (LONG if long else SHORT), seed))


async def _attack(count: int, seed: int) -> Table:
    began, sink, tally = time.monotonic(), Sink(), Counter[str]()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        server = await sink.start()
        async with opened(Path(folder), str(server.make_url("")).rstrip("/"), queue_cap=50) as house:
            grammar = Grammar(seed)
            for start in range(0, count, CHUNK):
                expected = _post(sink, grammar, house, min(CHUNK, count - start), tally)
                if not await _drained(sink, house, folder):
                    faults.append(f"after {start} to {start + CHUNK} updates: {await _left(folder)} not handled")
                    break
                silent = [who for who in expected if not sink.answers[who]]
                faults += [f"no answer: {who}: {expected[who]}" for who in silent[:5]]
                tally["unanswered"] += len(silent)
            sink.put(10**9, _plain(10**9))
            if not await within(30, lambda: sink.answers[f"chat {10**9}"] > 0):
                faults.append("in the end nobody is answered any more")
            faults += house.complaints.faults
        await server.close()
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [(name, tally[name]) for name in sorted(tally)]
    rows += [("updates a second", round(count / seconds)), ("peak, MB", round(peak)), ("calls", sink.calls.total())]
    return Table(f"Fuzzed updates, seed {seed}", ("what", "count"), rows, tuple(faults))


def _post(sink: Sink, grammar: Grammar, house: House, count: int, tally: Counter[str]) -> dict[str, str]:
    """Puts updates in line; returns who must be answered, and to what."""
    expected: dict[str, str] = {}
    earlier = ""
    for _ in range(count):
        update = grammar.update()
        text = grammar.text(update)
        sink.put(grammar.count, text, once=update.get("update_id") != grammar.count)
        if grammar.count % 50 == 0:
            sink.put(grammar.count, earlier or text, once=True)
            tally["repeated"] += 1
        earlier = text
        who = _addressed(house, text)
        tally["must be answered" if who else "may be ignored"] += 1
        if who:
            expected[who] = text[:300]
    return expected


def _addressed(house: House, text: str) -> str | None:
    """Whom an answer is due: whoever writes words in private or presses a button, if anybody can read it."""
    try:
        raw = json.loads(text)
        if id_of(raw) is None:
            return None
        update, _body = read(house.studio.bot, raw)
    except (Odd, ValueError, RecursionError):
        return None
    press = update.callback_query
    if press is not None and update.event_type == "callback_query":
        return f"press {press.id}" if press.id == str(press.from_user.id) else None
    message = update.message
    if message is None or update.event_type != "message" or message.from_user is None or message.text is None:
        return None
    if message.chat.type != "private" or message.content_type != "text":
        return None
    if message.sender_chat is not None or message.is_automatic_forward:  # a chat speaks, or nobody
        return None
    return f"chat {message.chat.id}" if message.chat.id == message.from_user.id else None


async def _drained(sink: Sink, house: House, folder: str) -> bool:
    async def empty() -> bool:
        return not sink.pending and not sink.again and await _left(folder) == 0

    async def over() -> bool:
        return house.task.done() or await empty()

    return await within(120, over) and not house.task.done()


async def _left(folder: str) -> int:
    database = open_database(f"sqlite+aiosqlite:///{folder}/studio.db")
    async with database.connect() as connection:
        waits = inbox.c.handled_at.is_(None) & inbox.c.set_aside.is_(None)
        found = await connection.scalar(select(func.count()).select_from(inbox).where(waits))
    await database.dispose()
    return int(found or 0)


def _plain(person: int) -> str:
    who = {"id": person, "is_bot": False, "first_name": "x"}
    said = {"message_id": 1, "date": 0, "chat": {"id": person, "type": "private"}, "from": who, "text": "/help"}
    return json.dumps({"update_id": person, "message": said})
