"""kill -9 within a second of messages coming in: after the next start each has its answer, and none has two."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bot.conversation.test_pictures_in import encoded, send
from tests.e2e.chat import Message, Person
from tests.e2e.studio import Studio
from tests.waiting import until

People = Callable[..., Person]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def answers(person: Person) -> list[Message]:
    return [message for message in await person.messages() if message["from"]["is_bot"] and not message["deleted"]]


async def taken(person: Person) -> None:
    """Waits until Telegram has been told that the bot has everything."""

    async def all_fetched() -> bool:
        return not any(bot["pending_updates"] for bot in (await person.get("bots"))["bots"])

    await until(all_fetched, "the bot does not fetch its updates")


async def test_what_the_bot_had_in_hand_when_it_was_killed_is_answered_after_its_start(
    studio: Studio, person: People
) -> None:
    reading, greeting, slow, album, words = (person(4001 + number, "en") for number in range(5))
    await reading.post("faults", {"method": "getFile", "delay": 20, "count": None})
    for chat in (greeting, words):
        fault = {"method": "sendMessage", "status": 429, "retry_after": 20, "count": 1, "chat": chat.id}
        await chat.post("faults", fault)
    await greeting.say("/help")
    await words.say("/settings")
    await send(reading, encoded((200, 40, 40)))
    await send(slow, encoded((40, 40, 200)), caption="/upscale")
    await send(album, encoded((200, 40, 40)), encoded((40, 200, 40)), encoded((40, 40, 200)))
    await taken(reading)
    await studio.kill()
    async with reading.session.delete(f"{reading.url}/sim/faults") as cleared:
        assert cleared.status == 200
    for one in (reading, greeting, slow, album, words):
        assert await answers(one) == []
    await studio.start()
    for one in (reading, greeting, slow, album, words):
        await one.until(lambda message: True)
    asked = await greeting.say("/queue")  # whatever was to come a second time has come by the time this is answered
    await greeting.until(lambda message: True, after=asked["message"]["id"])
    counted = [len(await answers(one)) for one in (reading, greeting, slow, album, words)]
    assert counted == [1, 2, 1, 1, 1]
    assert "3 pictures" in (await answers(album))[0]["caption"] or "How much" in (await answers(album))[0]["caption"]
    assert "Traceback" not in studio.log.read_text()
