"""Several wishes at once: whose turn it is, and what becomes of a wish withdrawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.chat import Message, Person, buttons, is_result
from tests.e2e.studio import Studio

People = Callable[..., Person]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
LONG = "a red circle on a white background --full --steps 100 --n 2"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """One job is drawn at a time, and people may wait with many."""
    return {"WORKER_SLOTS": "1", "WAITING_PER_PERSON": "10"}


def can_cancel(message: Message) -> bool:
    return any("❌" in name for name in buttons(message))


def is_drawing(message: Message) -> bool:
    return can_cancel(message) and message["edits"] > 0


async def cancelled(person: Person, status: Message) -> Message:
    await person.press(status, "❌")
    return await person.until(lambda m: m["id"] == status["id"] and not can_cancel(m) and not m["photo"])


async def test_a_waiting_and_a_running_job_stop_when_told_and_the_next_person_is_served(
    studio: Studio, person: People
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
    studio: Studio, person: People
) -> None:
    anna, bob = person(2003, "en"), person(2004, "en")
    wish = "a red heart on a white background --full --steps 30 --n 2 --seed"
    asks = [(await anna.say(f"{wish} {seed}"))["message"] for seed in range(4)]
    await anna.until(can_cancel, after=asks[-1]["id"])
    bobs = (await bob.say("a green fish on a white background"))["message"]
    await bob.until(is_result, after=bobs["id"])
    assert len([m for m in await anna.messages() if is_result(m)]) <= 2
    assert len(await anna.results(4)) == 4
