"""Crashes, storms and repeated updates: a job accepted is a job answered, once, in its old message."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from bot.playground import Playground
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.e2e.studio import Studio
from tests.waiting import until

People = Callable[..., Person]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
WORK = "a red circle on a white background --full --steps 50 --n 2"


def at_work(message: Message) -> bool:
    return any("❌" in name for name in buttons(message))


async def status_of(person: Person, sentence: str) -> Message:
    """Asks and returns the status message, as soon as drawing has visibly begun."""
    asked = (await person.say(sentence))["message"]
    return await person.until(lambda m: at_work(m) and m["edits"] > 0, after=asked["id"])


async def result_in(person: Person, status: Message) -> Message:
    return await person.until(lambda m: m["id"] == status["id"] and is_result(m))


async def only_result(person: Person, status: Message) -> None:
    results = [m["id"] for m in await person.messages() if is_result(m)]
    assert results == [status["id"]]


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("user", "victim"), [(3001, "bot"), (3003, "inference.child")])
async def test_kill_nine_in_the_middle_of_a_job_ends_in_the_same_message(
    studio: Studio, person: People, user: int, victim: str
) -> None:
    anna = person(user, "en")
    status = await status_of(anna, WORK)
    if victim == "bot":
        orphans = studio.descendants()
        await studio.kill()
        await until(lambda: not any(lives(orphan) for orphan in orphans), "the children outlived the bot")
        await studio.start()
    else:
        (await studio.child(victim)).kill()
    await result_in(anna, status)
    await only_result(anna, status)


async def test_a_job_survives_storms_of_refusals_and_lost_answers(
    studio: Studio, playground: Playground, person: People
) -> None:
    anna = person(3004, "en")
    await anna.draw("a black cat in space")
    for fault in (
        {"method": "editMessageMedia", "status": 500, "count": 2},
        {"method": "editMessageText", "status": 429, "retry_after": 1, "count": 2},
        {"method": "editMessageMedia", "status": 429, "retry_after": 1, "count": 1},
        {"method": "editMessageMedia", "drop": True, "when": "after", "count": 1},
        {"method": "getUpdates", "drop": True, "count": 1},
    ):
        await anna.post("faults", fault)
    asked = (await anna.say("a blue boat on a white background"))["message"]
    await anna.until(is_result, after=asked["id"])
    assert len([m for m in await anna.messages() if is_result(m)]) == 2
    calls = (await anna.get("calls?limit=2000"))["calls"]
    wrong = [call for call in calls if not call["ok"] and call["fault"] is None]
    assert not [call for call in wrong if "not modified" not in (call["error"] or "")]


async def test_an_update_delivered_twice_is_one_job(studio: Studio, playground: Playground, person: People) -> None:
    anna = person(3005, "en")
    said = await anna.say("a pink flower on a green background")
    first = await anna.until(is_result, after=said["message"]["id"])
    await anna.post("redeliver", {"update_id": said["update_id"]})
    asked = (await anna.say("a white fish in the sea"))["message"]
    await anna.until(is_result, after=asked["id"])
    results = [m["id"] for m in await anna.messages() if is_result(m)]
    assert len(results) == 2
    assert results[0] == first["id"]
