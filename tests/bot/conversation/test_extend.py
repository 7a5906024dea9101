"""Extending a picture: by buttons, by command, in words; what is asked of the model, and what is shown of it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from sqlalchemy import select

from bot.modes.extend.composing import CONTINUED
from bot.store.tables import picture_parents
from inference.queue.database import open_database
from inference.requests import Outpaint
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_buttons import until_gone
from tests.bot.conversation.test_pictures_in import encoded, offers, says, send
from tests.e2e.chat import Message, Person, is_result

RED, BLUE = (220, 40, 40), (30, 60, 210)


def last(house: House) -> Outpaint:
    request = house.painter.submitted[-1].request
    assert isinstance(request, Outpaint)
    return request


async def asked(person: Person) -> tuple[Message, Message]:
    """Has a picture drawn and presses Extend under it: the picture, and the message with the ways."""
    ours = await person.draw("a red circle --n 1")
    await person.press(ours, "Extend")
    return ours, await person.until(says("Which way"), after=ours["id"])


async def parents(house: House) -> list[tuple[int | None, int | None]]:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        async with database.connect() as connection:
            edges = select(picture_parents.c.parent_id, picture_parents.c.upload_id)
            return [(row.parent_id, row.upload_id) for row in await connection.execute(edges)]
    finally:
        await database.dispose()


async def test_an_arrow_adds_half_a_picture_on_that_side(every_mode: House, anna: Person) -> None:
    _ours, ways = await asked(anna)
    await anna.press(ways, "⬅️")
    result = await anna.until(is_result, after=ways["id"])
    request = last(every_mode)
    assert (request.width, request.height, request.box) == (384, 256, (128, 0, 256, 256))
    assert (request.prompt, request.native_side, len(request.seeds)) == ("a red circle", 256, 4)
    assert result["reply_to"] == ways["id"]
    assert await parents(every_mode) == [(1, None)] * 4


async def test_the_ways_stay_for_more_but_none_is_doubled_while_it_waits(every_mode: House, anna: Person) -> None:
    _ours, ways = await asked(anna)
    every_mode.painter.gate.clear()
    await anna.press(ways, "🔍 2×")
    await anna.until(lambda message: "Cancel" in str(message["buttons"]), after=ways["id"])
    ticked = await anna.until(offers("🔍 2× ✓"))
    assert (await anna.press(ticked, "🔍 2×"))["answer"]["text"] == "It is already in line."
    every_mode.painter.gate.set()
    first = await anna.until(is_result, after=ways["id"])
    request = last(every_mode)
    assert (request.width, request.height, request.box) == (256, 256, (64, 64, 128, 128))
    await anna.press(ways, "🔍 1.5×")
    await anna.until(is_result, after=first["id"])
    assert last(every_mode).box == (42, 42, 171, 171)


async def test_a_photo_is_made_square_with_words(every_mode: House, anna: Person) -> None:
    photo = await send(anna, encoded(BLUE, (192, 128)), caption="/outpaint a green meadow --n 1")
    ways = await anna.until(says("Which way"), after=photo["id"])
    assert "a green meadow" in ways["text"]
    await anna.press(ways, "Square")
    result = await anna.until(is_result, after=ways["id"])
    request = last(every_mode)
    assert (request.width, request.height, request.box) == (192, 192, (0, 32, 192, 128))
    assert request.prompt == "a green meadow"
    assert await parents(every_mode) == [(None, 1)]
    picture = np.asarray(await anna.picture(result["photo"]), float)
    middle, top = picture[picture.shape[0] // 2, picture.shape[1] // 2], picture[4, picture.shape[1] // 2]
    assert np.abs(middle - BLUE).max() < 25
    assert np.abs(top - (40, 160, 70)).max() < 25


async def test_a_ratio_in_a_command_needs_no_buttons(every_mode: House, anna: Person) -> None:
    ours = await anna.draw("a red circle --n 1")
    await anna.say("/outpaint 16:9 a blue sea --n 1", reply_to=ours["id"])
    result = await anna.until(is_result, after=ours["id"])
    request = last(every_mode)
    assert (request.width, request.height, request.box) == (455, 256, (99, 0, 256, 256))
    assert request.prompt == "a blue sea"
    assert "455×256" in result["caption"]


async def test_plain_russian_words_extend_the_answered_picture(every_mode: House, named: Callable[..., Person]) -> None:
    boris = named(1002, "ru")
    photo = await send(boris, encoded(BLUE, (128, 128)))
    await boris.until(offers("Расширить"), after=photo["id"])
    await boris.say("расширь влево", reply_to=photo["id"])
    await boris.until(is_result, after=photo["id"])
    assert last(every_mode).box == (64, 0, 128, 128)
    assert last(every_mode).prompt == CONTINUED


async def test_a_share_in_plain_russian_words_is_how_much_the_frame_grows(
    every_mode: House, named: Callable[..., Person]
) -> None:
    boris = named(1002, "ru")
    photo = await send(boris, encoded(BLUE, (128, 128)), caption="расширь на 50%")
    first = await boris.until(is_result, after=photo["id"])
    assert (last(every_mode).width, last(every_mode).height) == (192, 192)
    await boris.say("расширь вправо на 25%: море", reply_to=photo["id"])
    await boris.until(is_result, after=first["id"])
    assert (last(every_mode).box, last(every_mode).width, last(every_mode).prompt) == ((0, 0, 128, 128), 160, "море")
    asked = await boris.say("расширь на 900%", reply_to=photo["id"])
    await boris.until(says("не на 900 %"), after=asked["message"]["id"])


async def test_a_shape_that_is_there_already_is_left_alone(every_mode: House, anna: Person) -> None:
    ours = await anna.draw("a red circle --n 1")
    await anna.say("/expand 1:1", reply_to=ours["id"])
    await anna.until(says("this shape already"), after=ours["id"])
    await anna.say("/expand 9:1", reply_to=ours["id"])
    await anna.until(says("does not fit --ar"), after=ours["id"])
    assert len(every_mode.painter.submitted) == 1


async def test_a_picture_too_large_to_grow_is_made_smaller_and_told_so(every_mode: House, anna: Person) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 200), BLUE).save(buffer, "PNG")
    photo = await send(anna, buffer.getvalue(), kind="document", caption="/outpaint right --n 1")
    result = await anna.until(is_result, after=photo["id"])
    request = last(every_mode)
    assert (request.width, request.box) == (1024, (0, 0, 683, 34))  # four times the model's own side
    assert "683×34" in result["caption"]


async def test_never_mind_takes_the_ways_back(every_mode: House, anna: Person) -> None:
    _ours, ways = await asked(anna)
    await anna.press(ways, "Never mind")
    await until_gone(anna, ways)


async def test_strangers_extend_nothing_of_somebody_else(every_mode: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "ru", -77)
    await anna.say("/imagine a red circle")
    ours = await anna.until(is_result)
    await anna.say("/outpaint", reply_to=ours["id"])
    ways = await anna.until(says("Which way"), after=ours["id"])
    answer = (await boris.press(ways, "➡️"))["answer"]
    assert answer["alert"]
    assert "somebody else" in answer["text"]
    await anna.press(ways, "➡️")
    await anna.until(is_result, after=ways["id"])
    assert len(last(every_mode).seeds) == 1
