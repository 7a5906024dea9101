"""Several wishes at once: whose turn it is, and what becomes of a wish withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from bot.playground import Playground
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.e2e.studio import Studio

People = Callable[..., Person]
LONG = "a red circle on a white background --full --steps 100 --n 4"


@pytest_asyncio.fixture
async def one_slot(playground: Playground, tmp_path: Path) -> AsyncIterator[Studio]:
    """A studio that draws one job at a time and lets people wait with many."""
    program = Studio(playground.url, tmp_path / "data", {"WORKER_SLOTS": "1", "WAITING_PER_PERSON": "10"})
    await program.start()
    await program.answering()
    yield program
    await program.stop()


def can_cancel(message: Message) -> bool:
    return any("❌" in name for name in buttons(message))


def is_drawing(message: Message) -> bool:
    return can_cancel(message) and message["edits"] > 0


async def cancelled(person: Person, status: Message) -> Message:
    await person.press(status, "❌")
    return await person.until(lambda m: m["id"] == status["id"] and not can_cancel(m) and not m["photo"])


async def test_a_waiting_and_a_running_job_stop_when_told_and_the_next_person_is_served(
    one_slot: Studio, person: People
) -> None:
    anna, bob = person(2001, "en"), person(2002, "en")
    asked = (await anna.say(LONG))["message"]
    running = await anna.until(can_cancel, after=asked["id"])
    waits = (await anna.say(LONG))["message"]
    waiting = await anna.until(can_cancel, after=waits["id"])
    short = (await bob.say("a blue square on a yellow background"))["message"]

    gone = await cancelled(anna, waiting)
    assert "ancel" in gone["text"]
    running = await anna.until(lambda m: m["id"] == running["id"] and is_drawing(m))
    if running["photo"]:
        await anna.press(running, "❌")
        await anna.until(lambda m: m["id"] == running["id"] and not can_cancel(m))
    else:
        await cancelled(anna, running)
    assert await bob.until(is_result, after=short["id"])
    assert not [m for m in await anna.messages() if is_result(m)]


async def test_a_newcomer_does_not_wait_for_everything_somebody_else_has_asked_for(
    one_slot: Studio, person: People
) -> None:
    anna, bob = person(2003, "en"), person(2004, "en")
    asks = [
        (await anna.say(f"a red heart on a white background --full --steps 40 --seed {n}"))["message"] for n in range(4)
    ]
    await anna.until(can_cancel, after=asks[-1]["id"])
    bobs = (await bob.say("a green fish on a white background"))["message"]
    await bob.until(is_result, after=bobs["id"])
    done = [m for m in await anna.messages() if is_result(m)]
    assert len(done) <= 2
    await asyncio.gather(*(anna.until(lambda m, a=ask: is_result(m) and m["id"] > a["id"]) for ask in asks))
    assert len([m for m in await anna.messages() if is_result(m)]) == 4
