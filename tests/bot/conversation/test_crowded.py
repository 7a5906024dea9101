"""What people read when there is no room for what they send, or too much of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.e2e.chat import Person, is_result


def noise(side: int = 768) -> bytes:
    """A PNG of about 1.8 MB."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


async def test_a_file_that_is_more_than_one_person_may_keep_is_refused_and_a_small_one_is_not(
    closed_house: House, anna: Person
) -> None:
    closed_house.options["upload_mb_per_person"] = 1
    await closed_house.open()
    await send(anna, noise(), kind="document")
    await anna.until(says("fill all the room that one person has here, 1\xa0MB"))
    await send(anna, encoded(RED))
    await anna.until(offers("Vary"))
    assert list((closed_house.folder / "incoming").glob("*")) == []


async def test_where_the_disk_is_nearly_full_photos_are_refused_and_words_are_drawn(
    closed_house: House, anna: Person
) -> None:
    closed_house.options["free_disk_mb"] = 10**9
    await closed_house.open()
    await send(anna, encoded(RED))
    await anna.until(says("has no room for new photos at the moment"))
    await anna.draw("a red circle")
    assert any(is_result(message) for message in await anna.messages())


@pytest.mark.both_ways
async def test_of_fifty_photos_the_first_are_taken_and_one_message_tells_of_the_rest(
    closed_house: House, anna: Person, named: object
) -> None:
    closed_house.options["pictures_waiting_per_person"] = 3
    await closed_house.open()
    for number in range(50):
        await send(anna, encoded((number, 40, 40)))
    told = await anna.until(says("up to 3 pictures of one person"))
    await anna.say("/help")
    await anna.until(says("/imagine"), after=told["id"])
    assert sum(says("up to 3 pictures")(message) for message in await anna.messages()) == 1
