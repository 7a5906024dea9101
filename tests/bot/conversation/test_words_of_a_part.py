"""Words of a part of a picture never become words of all of it."""

from __future__ import annotations

from PIL import Image

from inference.requests import Mix, Outpaint, Refine
from tests.bot.conversation.conftest import House
from tests.bot.conversation.making import made
from tests.bot.conversation.test_pictures_in import offers, says, send
from tests.bot.conversation.test_repaint import encoded
from tests.e2e.chat import Message, Person, is_result

PHOTO = encoded(Image.new("RGB", (256, 256), (90, 140, 60)))


async def repainted(anna: Person, picture: Message) -> Message:
    """The picture with a hat in its middle."""
    await anna.say("/inpaint centre: a blue hat --n 1", reply_to=picture["id"])
    area = await anna.until(offers("✅"), after=picture["id"])
    await anna.press(area, "✅")
    return await anna.until(is_result, after=area["id"])


async def test_words_of_a_part_never_become_words_of_the_whole(every_mode: House, anna: Person) -> None:
    ours = await anna.draw("a red circle --n 1")
    with_hat = await repainted(anna, ours)
    _result, varied = await made(every_mode, anna, with_hat, "Subtle")
    assert isinstance(varied, Mix)
    assert varied.prompt == "a red circle"

    await anna.press(with_hat, "More")
    unfolded = await anna.until(offers("Refine a little"), after=with_hat["id"] - 1)
    refined_picture, refined = await made(every_mode, anna, unfolded, "Refine a little")
    assert isinstance(refined, Refine)
    assert refined.prompt == "a red circle"

    await anna.say("/outpaint left", reply_to=with_hat["id"])
    await anna.until(lambda message: is_result(message) and says("Extending")(message), after=refined_picture["id"])
    extended = every_mode.painter.submitted[-1].request
    assert isinstance(extended, Outpaint)
    assert extended.prompt == "a red circle"


async def test_an_enlarged_picture_is_varied_with_the_words_of_the_small_one(every_mode: House, anna: Person) -> None:
    enlarged, request = await made(every_mode, anna, await anna.draw("a red circle --n 1"), "×2")
    assert request.words == ""
    _result, varied = await made(every_mode, anna, enlarged, "Strong")
    assert varied.words == "a red circle"


async def test_a_repainted_photo_has_no_words_for_all_of_it(every_mode: House, anna: Person) -> None:
    await send(anna, PHOTO)
    await anna.until(offers("Repaint"))
    with_hat = await repainted(anna, (await anna.messages())[0])
    _result, varied = await made(every_mode, anna, with_hat, "Subtle")
    assert isinstance(varied, Mix)
    assert varied.prompt == ""
