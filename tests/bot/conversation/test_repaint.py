"""Repainting a part of a picture: painted over in an editor, tapped, or named, then confirmed."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.paintings import COLOURS, blob, intersection_over_union, paint, photograph, ring
from bot.modes.repaint import painted
from inference.requests import Inpaint, Mix
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_buttons import until_gone
from tests.bot.conversation.test_pictures_in import offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result

PHOTO = photograph(1, (512, 384))
RED = COLOURS["red"]


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def circled() -> tuple[Image.Image, np.ndarray]:
    """The photo with a circle around something, and all that is meant."""
    return paint(PHOTO, ring((0.5, 0.5), 0.2, 0.03, RED))


def marked_by(house: House, request: Inpaint) -> np.ndarray:
    with Image.open(io.BytesIO(house.painter.blobs.get(request.mask))) as mask:
        assert mask.mode == "L"
        return np.asarray(mask) >= 128


def last(house: House) -> Inpaint:
    request = house.painter.submitted[-1].request
    assert isinstance(request, Inpaint)
    return request


async def asked(person: Person) -> Message:
    """Sends a photo and asks to repaint it; the message to mark an area under."""
    await send(person, encoded(PHOTO))
    menu = await person.until(offers("Repaint"))
    await person.press(menu, "Repaint")
    return await person.until(says("Which part"), after=menu["id"])


area = offers("✅")


async def test_a_photo_painted_over_and_sent_back_is_repainted_there(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    assert question["photo"]
    copy, meant = circled()
    sent = await send(anna, encoded(copy))
    shown = await anna.until(area, after=sent["id"])
    assert shown["reply_to"] == sent["id"]
    await anna.until(lambda message: message["id"] == question["id"] and not buttons(message))
    await anna.press(shown, "✅")
    words = await anna.until(says("What shall be there"), after=shown["id"])
    await anna.say("a green balloon --n 2 --seed 7", reply_to=words["id"])
    result = await anna.until(is_result, after=words["id"])
    request = last(every_mode)
    assert (request.prompt, request.seeds, request.focus, request.paste) == ("a green balloon", (7, 8), True, True)
    assert (request.image.width, request.image.height, request.native_side) == (512, 384, 256)
    assert intersection_over_union(marked_by(every_mode, request), meant) > 0.85
    grid = await anna.picture(result["photo"])
    drawn = np.asarray(grid)[grid.height // 2, grid.width // 4]
    assert np.abs(np.subtract(drawn, (40, 160, 70), dtype=float)).max() < 40


async def test_words_under_the_painted_photo_need_no_further_question(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    sent = await send(anna, encoded(circled()[0]), caption="a blue bird", reply_to=str(question["id"]))
    shown = await anna.until(area, after=sent["id"])
    assert "a blue bird" in shown["caption"]
    await anna.press(shown, "✅")
    await anna.until(is_result, after=shown["id"])
    assert last(every_mode).prompt == "a blue bird"


async def test_a_painted_copy_of_ones_last_picture_needs_no_word(every_mode: House, anna: Person) -> None:
    await anna.draw("a red circle --n 1")
    ours = await anna.until(is_result)
    copy, _ = paint(await anna.picture(ours["photo"]), blob((0.5, 0.5), 0.2, 0.06, COLOURS["green"]))
    sent = await send(anna, encoded(copy))
    shown = await anna.until(area, after=sent["id"])
    await anna.press(shown, "Same words")
    await anna.until(is_result, after=shown["id"])
    assert last(every_mode).prompt == "a red circle"


@pytest.mark.both_ways
async def test_a_photo_that_is_sent_once_more_with_paint_on_it_needs_no_word(every_mode: House, anna: Person) -> None:
    first = await send(anna, encoded(PHOTO))
    await anna.until(offers("Vary"), after=first["id"])
    copy, meant = circled()
    sent = await send(anna, encoded(copy), caption="a blue bird --n 1")
    shown = await anna.until(area, after=sent["id"])
    await anna.press(shown, "✅")
    await anna.until(is_result, after=shown["id"])
    request = last(every_mode)
    assert request.prompt == "a blue bird"
    with Image.open(io.BytesIO(every_mode.painter.blobs.get(request.image.blob))) as original:
        without_paint = np.abs(np.subtract(np.asarray(original), np.asarray(PHOTO), dtype=float))[meant].max(axis=-1)
    assert without_paint.mean() < 20
    assert intersection_over_union(marked_by(every_mode, request), meant) > 0.85


async def test_pictures_alike_that_are_sent_for_a_mix_are_mixed(every_mode: House, anna: Person) -> None:
    await anna.say("/mix")
    await anna.until(says("0 pictures so far"))
    await send(anna, encoded(PHOTO))
    await anna.until(says("1 picture so far"))
    await send(anna, encoded(circled()[0]))
    await anna.until(says("2 pictures so far"))


async def test_the_same_photo_with_other_words_is_not_looked_for_paint(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    await send(anna, encoded(PHOTO), caption="as a watercolour --n 1")
    await anna.until(is_result, after=question["id"])
    assert isinstance(every_mode.painter.submitted[-1].request, Mix)


async def test_an_unpainted_photo_is_just_another_photo(every_mode: House, anna: Person) -> None:
    await asked(anna)
    sent = await send(anna, encoded(photograph(9, (512, 384))))
    assert (await anna.until(offers("Vary"), after=sent["id"]))["reply_to"] == sent["id"]


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda image: image.crop((60, 45, 450, 340)), "cropped"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_90), "turned"),
        (lambda image: ImageOps.mirror(image), "turned"),
        (lambda image: PHOTO, "no paint"),
        (lambda image: photograph(9, (512, 384)), "another picture"),
        (lambda image: Image.new("RGB", image.size, RED), "too much paint"),
    ],
)
async def test_what_cannot_be_compared_is_explained_and_may_be_tried_again(
    every_mode: House, anna: Person, spoil: Callable[[Image.Image], Image.Image], word: str
) -> None:
    question = await asked(anna)
    copy = circled()[0]
    await send(anna, encoded(spoil(copy)), reply_to=str(question["id"]))
    told = await anna.until(says(word), after=question["id"])
    assert "Please open the picture above again" in told["text"]
    await send(anna, encoded(copy), reply_to=str(question["id"]))
    await anna.until(area, after=told["id"])


async def test_squares_are_tapped_grown_and_repainted(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    assert "✅ Repaint" not in buttons(question)
    await anna.press(question, "▫️")  # the first square: upper left
    shown = await anna.until(area)
    assert shown["id"] == question["id"]
    picture = await anna.picture(shown["photo"])
    red, green = (np.asarray(picture, float)[:100, :140, channel].mean() for channel in (0, 1))
    plain = np.asarray(PHOTO, float)[:100, :140]
    assert red - green > plain[..., 0].mean() - plain[..., 1].mean() + 30
    await anna.press(shown, "Bigger")
    await anna.press(shown, "Bigger")
    await anna.say("a blue cat", reply_to=question["id"])
    await anna.until(is_result, after=question["id"])
    mask = marked_by(every_mode, last(every_mode))
    cell = np.zeros((384, 512), bool)
    cell[:128, :171] = True
    assert mask[cell].all()
    assert cell.sum() < mask.sum() < 1.4 * cell.sum()


async def test_the_finer_grid_has_sixteen_squares(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    await anna.press(question, "4×4")
    finer = await anna.until(lambda message: buttons(message).count("▫️") == 16)
    assert finer["id"] == question["id"]
    await anna.press(finer, "▫️")
    await anna.until(area)
    await anna.say("a blue cat", reply_to=question["id"])
    await anna.until(is_result, after=question["id"])
    share = marked_by(every_mode, last(every_mode)).mean()
    assert 0.05 < share <= 1 / 16


@pytest.mark.parametrize(("said", "corner"), [("слева вверху", (0, 0)), ("the bottom right corner", (383, 511))])
async def test_a_side_may_be_named(every_mode: House, anna: Person, said: str, corner: tuple[int, int]) -> None:
    question = await asked(anna)
    await anna.say(said)
    shown = await anna.until(area, after=question["id"] + 1)
    await anna.say("a red kite", reply_to=shown["id"])
    await anna.until(is_result, after=shown["id"])
    mask = marked_by(every_mode, last(every_mode))
    y, x = corner
    inner = (abs(y - 25), abs(x - 25))
    assert mask[inner]
    assert 0.09 < mask.mean() < 0.12


async def test_a_command_names_the_area_and_the_words_at_once(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await anna.say("/inpaint 2 the centre: a green star", reply_to=grid["id"])
    shown = await anna.until(area, after=grid["id"])
    assert "a green star" in shown["caption"]
    await anna.press(shown, "✅")
    result = await anna.until(is_result, after=shown["id"])
    assert last(every_mode).prompt == "a green star"
    await anna.press(result, "⬆ 1")
    single = await anna.until(offers("Region"), after=result["id"])
    await anna.press(single, "Region")
    await anna.until(says("Which part"), after=single["id"])


async def test_an_area_survives_a_restart(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    await anna.press(question, "▫️")
    shown = await anna.until(area)
    await every_mode.reopen()
    await anna.press(shown, "✅")
    words = await anna.until(says("What shall be there"), after=shown["id"])
    await every_mode.reopen()
    await anna.say("a green star", reply_to=words["id"])
    await anna.until(is_result, after=words["id"])
    assert last(every_mode).prompt == "a green star"


async def test_never_mind_takes_the_question_back(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    await anna.press(question, "Never mind")
    await until_gone(anna, question)


async def test_strangers_mark_nothing_in_a_picture_of_somebody_else(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "ru", -77)
    await anna.say("/imagine a red circle")
    ours = await anna.until(is_result)
    await anna.say("/inpaint", reply_to=ours["id"])
    question = await anna.until(says("Which part"), after=ours["id"])
    assert "in reply to this message" in question["caption"]
    for button in ("▫️", "Never mind"):
        answer = (await boris.press(question, button))["answer"]
        assert answer["alert"]
        assert "somebody else" in answer["text"]
    await anna.press(question, "▫️")
    await anna.until(area)


async def test_a_studio_without_the_weights_says_so(house: House, anna: Person) -> None:
    ours = await anna.draw("a red circle --n 1")
    await anna.say("/inpaint left: a blue cat", reply_to=ours["id"])
    assert "Repainting" in (await anna.until(says("not installed"), after=ours["id"]))["text"]


def test_every_way_to_miss_has_words() -> None:
    from bot.imaging import alignment, masks
    from bot.texts.i18n import speaking

    errors = [
        kind
        for module in (alignment, masks)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, alignment.MaskError) and kind is not alignment.MaskError
    ]
    for language in ("ru", "en"):
        with speaking(language):
            assert len({painted._explained(kind()) for kind in errors}) == len(set(errors)) == 6


async def test_whole_has_the_net_look_at_all_of_the_picture_and_stays_said_until_there_are_words(
    every_mode: House, anna: Person
) -> None:
    await send(anna, encoded(PHOTO), caption="/inpaint centre: --whole --n 2")
    shown = await anna.until(area)
    await anna.press(shown, "✅")
    asked_for = await anna.until(says("What shall be there"), after=shown["id"])
    await anna.say("a green balloon --n 1", reply_to=asked_for["id"])
    result = await anna.until(is_result, after=asked_for["id"])
    request = last(every_mode)
    assert (request.prompt, len(request.seeds), request.focus, request.paste) == ("a green balloon", 1, False, True)
    await anna.say("/info", reply_to=result["id"])
    recipe = await anna.until(says("Recipe"))
    assert "with all of the picture in view" in recipe["text"]


async def test_an_answer_that_begins_like_another_wish_is_still_the_answer(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(PHOTO), caption="/inpaint centre")
    shown = await anna.until(area)
    await anna.press(shown, "✅")
    question = await anna.until(says("What shall be there"), after=shown["id"])
    await anna.say("improve the sky --n 1", reply_to=question["id"])
    await anna.until(is_result, after=question["id"])
    assert last(every_mode).prompt == "improve the sky"


async def test_the_same_words_keep_what_was_said_before(every_mode: House, anna: Person) -> None:
    ours = await anna.draw("a red circle --n 1")
    await anna.say("/inpaint left: --whole", reply_to=ours["id"])
    shown = await anna.until(area, after=ours["id"])
    await anna.press(shown, "Same words")
    await anna.until(is_result, after=shown["id"])
    assert (last(every_mode).prompt, last(every_mode).focus) == ("a red circle", False)


async def test_a_caption_that_says_what_shall_be_where_has_that_area_repainted(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(PHOTO), caption="слева: a green balloon --n 1")
    shown = await anna.until(area)
    assert every_mode.painter.submitted == []
    await anna.press(shown, "✅")
    await anna.until(is_result, after=shown["id"])
    assert last(every_mode).prompt == "a green balloon"
    assert marked_by(every_mode, last(every_mode))[:, 0].all()
