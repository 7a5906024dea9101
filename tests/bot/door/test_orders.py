"""Orders of programs go the way of all orders: once, in their person's name, and no further than somebody waits."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import openai
import pytest

from inference.requests import Failed
from tests.bot.conversation.painter import BIG, offering
from tests.bot.door.conftest import ANNA, BORIS, Door, png
from tests.waiting import until

GENERATIONS = "/v1/images/generations"


def ordered(words: str, key: str | None = None, **fields: Any) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    return {"json": {"prompt": words, **fields}, "headers": headers}


async def answered(door: Door, words: str, key: str | None = None, person: int = ANNA, **fields: Any) -> Any:
    async with door.asking("POST", GENERATIONS, person, **ordered(words, key, **fields)) as response:
        return response.status, response.headers, await response.json()


async def test_what_is_asked_twice_under_one_key_is_drawn_once_also_while_it_is_drawn(door: Door) -> None:
    door.hold("held")
    first = asyncio.create_task(answered(door, "held red", "one"))
    await door.holding("held")
    second = asyncio.create_task(answered(door, "held red", "one"))
    other = asyncio.create_task(answered(door, "held red", "one", BORIS))
    await until(lambda: len(door.house.painter.submitted) == 2)
    door.release()
    (status, headers, body), (again, headers2, body2), (_, headers3, _) = await asyncio.gather(first, second, other)
    assert (status, again, body) == (200, 200, body2)
    assert headers["x-job-id"] == headers2["x-job-id"] != headers3["x-job-id"], "a key is its person's own"
    assert (await answered(door, "held red", "one"))[2] == body, "and after it was drawn"
    assert len(door.house.painter.submitted) == 2
    status, _, body = await answered(door, "held blue", "one")
    assert (status, body["error"]["code"]) == (409, "idempotency_key_reused")


async def test_a_program_that_makes_up_keys_without_end_is_stopped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.calls.MOST_CALLS", 2)
    refused: dict[str, Any] = {"steps": 5, "quality": "flash"}  # the key is kept all the same
    assert [(await answered(door, "red", key, **refused))[0] for key in ("one", "two")] == [400, 400]
    status, headers, body = await answered(door, "red", "three")
    assert (status, body["error"]["code"]) == (429, "too_many_idempotency_keys")
    assert headers["x-should-retry"] == "false"
    assert (await answered(door, "red", "two", **refused))[0] == 400, "a key that is known goes on"
    assert (await answered(door, "red"))[0] == 200 == (await answered(door, "red", "three", BORIS))[0]


async def test_a_form_is_known_again_by_what_it_holds(door: Door) -> None:
    async def edit(content: bytes) -> Any:
        form = aiohttp.FormData()
        form.add_field("prompt", "a blue cat")
        form.add_field("image", content, filename="a.png")
        headers = {"Idempotency-Key": "form"}
        async with door.asking("POST", "/v1/images/edits", data=form, headers=headers) as response:
            return response.status, response.headers.get("x-job-id")

    first = await edit(png())
    assert first[0] == 200 and await edit(png()) == first
    assert (await edit(png((1, 2, 3))))[0] == 409


async def test_a_client_that_goes_away_cancels_its_job(door: Door) -> None:
    door.hold("held")
    await is_cancelled_without_its_client(door)
    await is_cancelled_without_its_client(door, stream=True, partial_images=1)


async def is_cancelled_without_its_client(door: Door, **fields: Any) -> None:
    asking = asyncio.create_task(answered(door, "held red", **fields))
    (job,) = await door.holding("held")
    asking.cancel()
    await until(lambda: is_in(door, job.id, "cancelled"))


async def is_in(door: Door, job_id: int, state: str) -> bool:
    job = await door.ledger.job(job_id)
    return job is not None and job.state == state


async def test_one_that_may_come_back_is_waited_for_a_while(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.hold("held")
    asking = asyncio.create_task(answered(door, "held red", "back"))
    (job,) = await door.holding("held")
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    again = asyncio.create_task(answered(door, "held red", "back"))
    door.release()
    status, headers, _ = await again
    assert (status, headers["x-job-id"]) == (200, str(job.id))
    monkeypatch.setattr("bot.door.house.COMING_BACK_SECONDS", 0.01)
    door.hold("held")
    asking = asyncio.create_task(answered(door, "held blue", "never-back"))
    (job,) = await door.holding("held blue")
    asking.cancel()
    await until(lambda: is_in(door, job.id, "cancelled"))


async def test_what_was_cancelled_is_no_answer_and_is_drawn_when_asked_again(door: Door) -> None:
    door.hold("held")
    asking = asyncio.create_task(answered(door, "held red", "once"))
    (job,) = await door.holding("held")
    await door.tools.queue.cancel(job.id)  # as the person may, in the chat
    status, headers, body = await asking
    assert (status, body["error"]["code"], headers["x-should-retry"]) == (409, "cancelled", "false")
    door.release()
    status, headers, _ = await answered(door, "held red", "once")
    assert status == 200 and headers["x-job-id"] != str(job.id)


async def test_a_job_that_fails_is_told_and_is_not_to_be_tried_again(door: Door) -> None:
    door.house.painter.failure = Failed(code="out_of_memory", message="no room")
    status, headers, body = await answered(door, "a red circle", "fails")
    assert (status, body["error"]["code"], headers["x-should-retry"]) == (500, "out_of_memory", "false")
    async with door.openai(retries=2) as client:
        with pytest.raises(openai.InternalServerError):
            await client.images.generate(prompt="a red circle")
        stream = await client.images.generate(prompt="a red circle", stream=True)
        with pytest.raises(openai.APIError, match="memory"):
            _ = [event async for event in stream]
    assert len(door.house.painter.submitted) == 3


async def test_a_stop_tells_whoever_waits_to_come_again_and_the_next_life_has_the_answer(door: Door) -> None:
    door.hold("held")
    keyed = asyncio.create_task(answered(door, "held red", "over"))
    plain = asyncio.create_task(answered(door, "held blue"))
    found = {job.request.words: job.id for job in await door.holding("held", 2)}
    reopening = asyncio.create_task(door.house.reopen())
    for asking in (keyed, plain):
        status, headers, body = await asking
        assert (status, body["error"]["code"]) == (503, "restarting") and int(headers["Retry-After"]) > 0
    await reopening
    assert await is_in(door, found["held blue"], "cancelled"), "nobody could ever ask for it again"
    status, headers, _ = await answered(door, "held red", "over")
    assert (status, headers["x-job-id"]) == (200, str(found["held red"]))


async def test_what_nobody_waits_for_after_a_kill_is_in_the_history_all_the_same(door: Door) -> None:
    """A job that was written down, and whose program died before it was in the queue."""
    from bot.jobs.context import JobContext
    from inference.requests import FlashTextToImage

    context = JobContext(language="en", line=None, by_program=True)
    request = FlashTextToImage(prompt="a red circle", seeds=(5,), width=256, height=256)
    accepted = await door.ledger.accept(update_id=None, owner_id=ANNA, chat_id=ANNA, request=request, **context.told())
    await door.house.reopen()
    await until(lambda: is_in(door, accepted.job.id, "done"))
    assert await until(lambda: door.tools.history.pictures_of_job(accepted.job.id))
    await until(lambda: is_shown(door, accepted.job.id))
    assert not await door.tools.history.statuses(accepted.job.id)


async def is_shown(door: Door, job_id: int) -> bool:
    return (await door.ledger.job(job_id)).shown_at is not None


async def test_russian_words_are_translated_before(door: Door) -> None:
    card = offering(BIG, "flash", "translate")
    await door.house.learns(card)
    door.house.painter.answers["красный круг"] = "a red circle"
    status, _, body = await answered(door, "красный круг")
    assert (status, body["data"][0]["revised_prompt"]) == (200, "a red circle")
    door.hold("held")
    door.house.painter.answers["синий круг"] = "held blue"
    asking = asyncio.create_task(answered(door, "синий круг"))
    (job,) = await door.holding("held")
    asking.cancel()
    await until(lambda: is_in(door, job.id, "cancelled"))


async def test_the_queue_is_told_without_others(door: Door) -> None:
    door.hold("held")
    asking = [asyncio.create_task(answered(door, "held red", person=person)) for person in (ANNA, BORIS)]
    await door.holding("held", 2)
    async with door.asking("GET", "/v1/queue") as response:
        line = await response.json()
    assert (line["ready"], line["waiting"], line["running"]) == (True, 0, 2)
    assert [(place["state"], place["place"]) for place in line["own"]] == [("running", None)]
    door.release()
    assert "held" not in json.dumps(line)
    await asyncio.gather(*asking)


async def test_a_studio_without_a_worker_says_when_to_come_again(door: Door) -> None:
    door.house.painter.slots = 0
    async with door.asking("GET", "/v2/health/ready", None) as response:
        await until(lambda: door.tools.queue.slots == 0)
    async with door.asking("GET", "/v1/models/kandinsky-3.1") as response:
        assert (response.status, (await response.json())["ready"]) == (503, False)
