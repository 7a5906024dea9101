"""Forged presses: every class of buttons with hostile values, right ids of the wrong kind, and strangers' ids.

Mallory presses, under messages of her own, of others and of nobody. Vera and a group whose administrator asks without a
name are the victims. What is drawn in the group is no secret there: everybody may have its recipe, original and Again.
The studio is the real one on the playground, with a painter of squares for a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
from PIL import Image
from sqlalchemy import select

from bot.jobs import order as ordering
from bot.playground import serve
from bot.prompt.styles import styles
from bot.store.tables import drafts, people, pictures, uploads
from bot.telegram.callbacks import MOST_ID, Ours
from bot.texts.i18n import _, speaking
from bot.texts.languages import LANGUAGES
from inference.blobs import BlobStore
from inference.queue.database import open_database
from inference.queue.tables import jobs
from tests.bot.conversation.conftest import House
from tests.bot.conversation.forging import Forger, Raw
from tests.bot.conversation.painter import ALL_MODES
from tests.e2e.chat import Message, Person, Silence, buttons, is_result
from tests.hostile.report import Table

VERA, MALLORY, ADMIN, GROUP = 1, 2, 3, -77
VICTIMS = (VERA, GROUP)
SECRET, SHARED = "unspeakable", "spoken"
FRESH_EVERY = 2000  # presses, after which Mallory gets herself new things to press
DRAFTS = {"m": "mix", "k": "order", "a": "mask", "x": "frame", "q": "kept", "n": "edit"}
REFUSALS = {kind.model_construct(action=action).foreign for kind in Ours.known.values() for action in ("", "cancel")}
OUTCOMES = ("broken", "gone", "not hers", "alert", "done", "unanswered")
HOSTILE = (
    "-1", "0", "1", "3", "4", "15", "16", "500", "1500", str(2**31), str(MOST_ID), str(MOST_ID + 1), str(-MOST_ID),
    "9" * 40, "²", "٥", "05", "+5", " 5", "5 ", "5_0", "5.0", "1e3", "NaN", "0x10", "true", "None", "", "'; --", "%s",
    "\x00", "\n", "🙂", "../..", "a" * 70,
)  # fmt: skip
WHOLE_HOSTILE = (None, "", ":", "::::", "j", "zz:1", "j:cancel", "p:open:1:2:3", "h:1", "\x00", "²", "j" * 200)


def attack(*, long: bool, seed: int) -> Table:
    """Presses 20,000 times, or some hundreds."""
    return asyncio.run(_attack(20_000 if long else 300, seed))


@dataclass
class Things:
    """What there is in the studio: ids by owner and kind, and what the messages of each chat carry."""

    ids: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    messages: dict[int, list[Message]] = field(default_factory=dict)  # by who they are for
    blobs: set[str] = field(default_factory=set)  # the victims'


async def _attack(presses: int, seed: int) -> Table:
    async with _studio() as (house, session):
        url, chance = house.playground.url, random.Random(seed)
        vera, mallory = (Person(session, url, user, "en") for user in (VERA, MALLORY))
        here = {user: Person(session, url, user, "en", GROUP) for user in (VERA, MALLORY, ADMIN)}
        await here[ADMIN].say("/start", title="Foxes")
        await _furnish(vera, here[VERA], here[ADMIN], SECRET, in_group=SHARED)
        things = await _things(house, vera, mallory, here[VERA])
        before = await _state(house, vera, here[VERA], things)
        faults: list[str] = []
        tally: Counter[tuple[str, str]] = Counter()
        with _errors() as errors, _blobs_read() as read:
            for number in range(presses):
                if number % FRESH_EVERY == 0:
                    read.clear()
                    await _furnish(mallory, here[MALLORY], None, "harmless")
                    things = await _things(house, vera, mallory, here[VERA], victims=things)
                    read.clear()
                data, message, more = _forged(chance, Forger(house), things)
                answer = await Forger(house, 2_000_000_000 + number).press(MALLORY, data, message, **more)
                prefix = (data or "").partition(":")[0]
                name = Ours.known[prefix].__name__ if prefix in Ours.known else "no button of ours"
                outcome = _outcome(answer)
                tally[name, outcome] += 1
                about = f"{data!r} under {_where(message)}, seed {seed}, press {number}"
                if outcome == "unanswered":
                    faults.append(f"unanswered: {about}")
                if SECRET in str(answer):
                    faults.append(f"told something of the victim: {about}")
                if errors:
                    faults.append(f"ERROR {errors.pop(0)!r}: {about}")
                    errors.clear()
                if read & things.blobs:
                    faults.append(f"read a picture of the victim: {about}")
                    read.clear()
            new = [it for it in await here[VERA].messages() if _is_new(it, things)]
            if SECRET in str(await mallory.messages()) + str(new):
                faults.append("something of the victim has been shown")
            after = await _state(house, vera, here[VERA], things)
            faults += [f"the victims' {what} have changed" for what in before if before[what] != after[what]]
    names = sorted({name for name, _outcome in tally})
    rows = [(name, *(tally[name, outcome] for outcome in OUTCOMES)) for name in names]
    total = ("all", *(sum(tally[name, outcome] for name in names) for outcome in OUTCOMES))
    return Table(f"{presses} forged presses, seed {seed}", ("button", *OUTCOMES), [*rows, total], tuple(faults[:20]))


@contextlib.asynccontextmanager
async def _studio() -> AsyncIterator[tuple[House, aiohttp.ClientSession]]:
    playground = await serve(port=0, strict=True)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(playground, Path(folder), patch)
        house.painter.card, house.painter.steps = ALL_MODES, 1
        await house.open()
        try:
            async with aiohttp.ClientSession() as session:
                yield house, session
        finally:
            await house.close()
            await house.painter.close()
            await playground.close()


async def _furnish(
    person: Person, here: Person, anonymous: Person | None, word: str, *, in_group: str | None = None
) -> None:
    """Something of every kind that has buttons, in private and in the group."""
    for message in (
        f"a red circle {word} --n 2", f"a blue cat {word} --n 1", "/settings", "/styles", "/start", "/history",
    ):  # fmt: skip
        await _say(person, message)
    number = random.Random(f"{person.id} {word}").randrange(200)
    for caption in ("", "/inpaint", "/outpaint", "/mix", f"/control {word}", "/upscale 4k"):
        number += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ordering, "LONG_SECONDS", -1.0)  # so that its cost is asked about
            await _send(person, (number, 40, 250 - number), caption)
    for speaks, fields in ((here, {}), *(((anonymous, {"sender_chat": GROUP}),) if anonymous else ())):
        for message in (f"/imagine a red circle {in_group or word} --n 2", "/history", "/settings"):
            await _say(speaks, message, **fields)
        await _send(speaks, (number, 90, 20 if fields else 220), "/inpaint", **{k: str(v) for k, v in fields.items()})


async def _say(person: Person, text: str, **fields: Any) -> None:
    said = await person.say(text, **fields)
    drawing = "circle" in text or "cat" in text
    await _heard(person, is_result if drawing else lambda it: bool(buttons(it)), said)


async def _send(person: Person, colour: tuple[int, int, int], caption: str, **fields: str) -> None:
    content = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((800, 700)).save(content, "PNG")
    image = Image.blend(Image.open(content), Image.new("RGB", (800, 700), colour), 0.5)
    content = io.BytesIO()
    image.save(content, "PNG")
    about = {"user": str(person.id), "chat": str(person.chat_id), "language": person.language, **fields}
    form = aiohttp.FormData(about | ({"caption": caption} if caption else {}))
    form.add_field("photo", content.getvalue(), filename="p.png", content_type="image/png")
    async with person.session.post(f"{person.url}/sim/message", data=form) as response:
        sent = await response.json()
    await _heard(person, lambda it: bool(buttons(it)), sent)


async def _heard(person: Person, seen: Callable[[Message], bool], said: Raw) -> None:
    """Waits for an answer; there may be none once Mallory has pressed this and that."""
    with contextlib.suppress(Silence):
        await person.until(seen, after=said["message"]["id"], patience=10.0)


async def _things(house: House, vera: Person, mallory: Person, here: Person, victims: Things | None = None) -> Things:
    """What is there now; what belongs to the victims stays as `victims` says, once they have been furnished."""
    found = Things()
    for table, kind in ((jobs, "job"), (pictures, "picture"), (uploads, "upload"), (drafts, None)):
        for row in await _rows(house, table):
            mine = found.ids.setdefault(row["owner_id"], {})
            mine.setdefault(kind or row["kind"], []).append(row["id"])
            shared = table is pictures and row["chat_id"] == GROUP
            if "blob" in row and row["owner_id"] in VICTIMS and not shared:
                found.blobs.add(row["blob"])
    found.messages[MALLORY] = [it for it in await mallory.messages() if it["from"]["is_bot"]]
    if victims is not None:
        found.messages[VERA], found.messages[GROUP] = victims.messages[VERA], victims.messages[GROUP]
        known = {it["id"] for it in victims.messages[GROUP]}
        ours = [it for it in await here.messages() if it["from"]["id"] == 123456 and it["id"] not in known]
        found.messages[MALLORY] += ours
    else:
        found.messages[VERA] = [it for it in await vera.messages() if it["from"]["is_bot"]]
        found.messages[GROUP] = [it for it in await here.messages() if it["from"]["id"] == 123456]
    return found


async def _state(house: House, vera: Person, here: Person, things: Things) -> dict[str, Any]:
    """Everything that is the victims': rows, and messages as anybody sees them."""
    state: dict[str, Any] = {"private messages": await vera.messages()}
    state["messages"] = [it for it in await here.messages() if not _is_new(it, things)]
    for table in (jobs, pictures, uploads, drafts):
        state[str(table)] = [row for row in await _rows(house, table) if row["owner_id"] in VICTIMS]
    state["settings"] = [row for row in await _rows(house, people) if row["id"] in VICTIMS]
    return state


def _is_new(message: Message, things: Things) -> bool:
    newest: int = max(it["id"] for it in things.messages[GROUP])
    return bool(message["id"] > newest)


async def _rows(house: House, table: Any) -> list[dict[str, Any]]:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        async with database.connect() as connection:
            return [dict(row) for row in (await connection.execute(select(table).order_by(table.c.id))).mappings()]
    finally:
        await database.dispose()


def _forged(chance: random.Random, forger: Forger, things: Things) -> tuple[str | None, Raw | None, Raw]:
    """What is pressed, under which message, and what else the press says."""
    if chance.random() < 0.1:  # a real button of somebody
        message = chance.choice([it for found in things.messages.values() for it in found if it["buttons"]])
        keys = [key["data"] for row in message["buttons"] for key in row if key["data"]]
        if keys:
            return chance.choice(keys), forger.shown(message), {}
    data = chance.choice(WHOLE_HOSTILE) if chance.random() < 0.05 else _data(chance, things)
    place = chance.random()
    if place < 0.45:
        return data, forger.carrying(chance.choice(things.messages[MALLORY]), data or ""), {}
    if place < 0.65:
        return data, forger.inaccessible(chance.choice(things.messages[MALLORY])), {}
    somebody = chance.choice(things.messages[chance.choice((VERA, GROUP, MALLORY))])
    if place < 0.78:
        return data, forger.shown(somebody), {}
    if place < 0.91:
        return data, forger.inaccessible(somebody), {}
    if place < 0.94:
        return data, None, {"inline_message_id": "AbCd"} if chance.random() < 0.5 else {}
    strange = {"message_id": chance.choice((0, -5, 10**6, 2**31, MOST_ID, MOST_ID + 1))}
    return data, forger.inaccessible(somebody) | strange, {}


def _data(chance: random.Random, things: Things) -> str:
    """A button of some class; mostly every field could be right, sometimes one is hostile or missing or too much."""
    prefix, kind = chance.choice(list(Ours.known.items()))
    values = [_value(chance, things, prefix, name, info.annotation) for name, info in kind.model_fields.items()]
    if prefix == "o" and chance.random() < 0.8:
        values[chance.choice((1, 2))] = "0"  # it is of one picture
    fate = chance.random()
    if fate < 0.2:
        values[chance.randrange(len(values))] = chance.choice(HOSTILE)
    elif fate < 0.25:
        values.pop()
    elif fate < 0.3:
        values.append(chance.choice(HOSTILE))
    return ":".join((prefix, *values))


def _value(chance: random.Random, things: Things, prefix: str, name: str, annotation: Any) -> str:
    if options := get_args(annotation):  # of a Literal
        return str(chance.choice(options))
    if annotation is bool:
        return chance.choice("01")
    match name:
        case "owner":
            return str(chance.choice((MALLORY, MALLORY, VERA, GROUP, ADMIN, 0)))
        case "slug" | "value":
            return chance.choice((*styles(), "", "16x9", "ru", "en", "full", "flash", "4", "auto"))
        case "job" | "picture" | "upload" | "draft":
            return str(_id(chance, things, DRAFTS.get(prefix, name)))
    return str(chance.choice((0, 0, 1, 2, 3, 4, 8, 9, 15)))


def _id(chance: random.Random, things: Things, kind: str) -> int:
    """Mostly one of Mallory's or of a victim's of the right kind, else of any kind at all."""
    theirs = things.ids[chance.choice((MALLORY, MALLORY, MALLORY, VERA, GROUP))]
    right = kind in theirs and chance.random() < 0.85
    return chance.choice(theirs[kind if right else chance.choice(list(theirs))])


def _outcome(answer: Raw | None) -> str:
    if answer is None:
        return "unanswered"
    text = answer["text"] or ""
    for language in LANGUAGES:
        with speaking(language):
            said = {_(refusal): "not hers" for refusal in REFUSALS} | {
                _("This button is broken, or from an older version. Please ask again."): "broken",
                _("This is no longer there."): "gone",
            }
        if text in said:
            return said[text]
    return "alert" if answer["alert"] else "done"


def _where(message: Raw | None) -> str:
    return "no message" if message is None else f"message {message['message_id']} of {message['chat']['id']}"


@contextlib.contextmanager
def _errors() -> Iterator[list[str]]:
    """What is logged as an error from here on."""
    found: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage() + (f" ({record.exc_info[1]!r})" if record.exc_info else ""))

    handler = Listening(logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def _blobs_read() -> Iterator[set[str]]:
    """Digests of the pictures that are opened from here on."""
    read: set[str] = set()
    get = BlobStore.get

    def noted(self: BlobStore, digest: str) -> bytes:
        read.add(digest)
        return get(self, digest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlobStore, "get", noted)
        yield read
