"""The studio itself is out of order: who waits is told, new requests are refused politely, the owner knows why."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from inference.queue.ledger import Ledger
from inference.queue.transport import Interrupted
from inference.requests import Failed
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message, Person, is_result

OWNER = 4001
REASON = "SafetensorError: kandinsky3_flash.safetensors is cut short, 123456789:" + "A" * 35


def says(words: str) -> Callable[[Message], bool]:
    return lambda message: words in (message["caption"] or message["text"] or "")


@pytest.fixture
async def owned(closed_house: House, named: Callable[..., Person]) -> tuple[House, Person]:
    """A studio whose owner has talked to it."""
    closed_house.options["admin_ids"] = frozenset({OWNER})
    await closed_house.open()
    owner = named(OWNER, "en")
    await owner.say("/help")
    await owner.until(lambda message: True)
    return closed_house, owner


async def test_people_wait_informed_new_ones_are_refused_and_all_goes_on_by_itself(
    owned: tuple[House, Person], named: Callable[..., Person]
) -> None:
    house, owner = owned
    anna, boris = named(1001, "en"), named(1002, "ru")
    house.painter.slots = 0
    await anna.say("a red circle")
    status = await anna.until(says("next in line"))
    house.painter.trouble = REASON
    told = await anna.until(says("engine does not start"))
    assert told["id"] == status["id"]
    assert (
        "Not your fault" in told["text"] and "request is safe" in told["text"] and "❌ Cancel" in str(told["buttons"])
    )
    await boris.say("синий кот")
    refused = await boris.until(says("не запускается"))
    assert "позже" in refused["text"] and not refused["buttons"]
    notice = await owner.until(says("engine does not start"))
    assert "cut short" in notice["text"] and "doctor" in notice["text"]
    assert "A" * 35 not in notice["text"], "a secret in a reason is redacted"
    house.painter.trouble, house.painter.slots = None, 2
    assert (await anna.until(is_result))["id"] == status["id"]
    assert is_result(await boris.draw("синий кот"))


async def test_a_person_who_presses_to_see_their_place_reads_why_it_does_not_change(
    owned: tuple[House, Person], named: Callable[..., Person]
) -> None:
    house, _owner = owned
    anna = named(1001, "en")
    house.painter.slots = 0
    await anna.say("a red circle")
    await anna.until(says("next in line"))
    house.painter.trouble = REASON
    told = await anna.until(says("engine does not start"))
    answer = (await anna.press(told, "Queue"))["answer"]
    assert "does not start" in answer["text"]


async def test_the_owner_is_told_once_an_hour_a_cause(owned: tuple[House, Person]) -> None:
    house, owner = owned
    for _again in range(3):
        house.painter.slots, house.painter.trouble = 0, REASON
        await house.has_trouble()
        house.painter.slots, house.painter.trouble = 2, None
        await house.has_trouble(trouble=False)
    await owner.until(says("engine does not start"))
    assert is_result(await owner.draw("a red circle"))
    assert sum(says("engine does not start")(message) for message in await owner.messages()) == 1


@pytest.mark.parametrize(
    ("error", "read", "cause"),
    [
        (OperationalError("INSERT", {}, Exception("database or disk is full")), "disk is full", "disk"),
        (OperationalError("INSERT", {}, Exception("attempt to write a readonly database")), "disk is full", "disk"),
        (OperationalError("INSERT", {}, Exception("database disk image is malformed")), "its records", "database"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", "disk"),
    ],
)
async def test_a_request_that_cannot_be_written_down_is_refused_politely_and_the_owner_told_why(
    owned: tuple[House, Person],
    named: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    read: str,
    cause: str,
) -> None:
    _house, owner = owned
    anna = named(1001, "en")

    async def refuse(*_request: Any, **_fields: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "accept", refuse)
        await anna.say("a red circle")
        told = await anna.until(says(read))
        assert "error" not in told["text"] and "number" not in told["text"]
        notice = await owner.until(says(cause))
        assert str(getattr(error, "orig", error)).split("] ")[-1] in notice["text"]
    assert is_result(await anna.draw("a red circle"))


async def test_an_owner_who_never_wrote_to_the_bot_changes_nothing(house: House, anna: Person) -> None:
    await house.close()
    house.options["admin_ids"] = frozenset({987654321})
    house.painter = house.new_painter()
    await house.open()
    house.painter.slots = 0
    await anna.say("a red circle")
    await anna.until(says("next in line"))  # taken in before anybody knows, or it would be refused
    house.painter.trouble = REASON
    await anna.until(says("engine does not start"))
    house.painter.slots, house.painter.trouble = 2, None
    await anna.until(is_result)


async def test_what_was_being_drawn_when_the_engine_broke_for_good_waits_informed_too(
    owned: tuple[House, Person], named: Callable[..., Person]
) -> None:
    house, _owner = owned
    anna = named(1001, "en")
    house.painter.gate.clear()
    await anna.say("a red circle")
    status = await anna.until(says("░"))
    house.painter.slots, house.painter.trouble = 0, REASON
    house.painter.give_back(1, Interrupted(cause="drained", alone=False))
    told = await anna.until(says("engine does not start"))
    assert told["id"] == status["id"]
    house.painter.gate.set()
    house.painter.slots, house.painter.trouble = 2, None
    assert (await anna.until(is_result))["id"] == status["id"]


async def test_a_picture_there_was_no_room_for_is_drawn_again_and_the_owner_knows(
    owned: tuple[House, Person], named: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, owner = owned
    monkeypatch.setattr("inference.queue.troubles.FIRST_REST_SECONDS", 0.2)
    house.painter.failure = Failed(code="disk_full", message="OSError: [Errno 28] No space left on device: 'blobs'")
    anna = named(1001, "en")
    await anna.say("a red circle")
    told = await anna.until(says("disk is full"))
    assert "Not your fault" in (told["text"] or told["caption"])
    assert "goes on by itself" in (told["text"] or told["caption"])
    assert "No space left" in (await owner.until(says("does not let me write")))["text"]
    house.painter.failure = None
    assert (await anna.until(is_result))["id"] == told["id"]
