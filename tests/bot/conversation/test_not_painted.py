"""Whether a photo is a painted copy is a guess: it costs the menu no time, needs strong proof, and can be undone."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from PIL import Image, ImageDraw

from benchmarks.paintings import COLOURS, blob, paint, photograph, ring
from benchmarks.scenes import drawing, page, scene
from bot.imaging.decoder import Decoder
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_again import handled_again, told
from tests.bot.conversation.test_buttons import until_gone
from tests.bot.conversation.test_pictures_in import offers, says, send
from tests.bot.conversation.test_repaint import PHOTO, area, asked, circled
from tests.bot.conversation.test_repaint import encoded as png
from tests.e2e.chat import Message, Person, buttons, is_result

NEW = "This is a new picture"


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often pictures are looked at, and how."""
    counted: Counter[str] = Counter()

    def count(name: str) -> None:
        method = getattr(Decoder, name)

        async def counting(self: Decoder, *args: Any, **options: Any) -> Any:
            counted[name] += 1
            return await method(self, *args, **options)

        monkeypatch.setattr(Decoder, name, counting)

    count("recovered")
    count("signature")
    return counted


async def menu_of(person: Person, file: bytes, kind: str = "photo", name: str = "picture.png") -> Message:
    """Sends a photo that nobody has painted over; its menu, which is all that answers it."""
    sent = await send(person, file, kind=kind, name=name)
    answer = await person.until(lambda message: message["reply_to"] == sent["id"], after=sent["id"])
    assert any("Vary" in name for name in buttons(answer)), answer
    return answer


async def test_no_picture_is_compared_thoroughly_for_a_menu_and_each_is_signed_once(
    every_mode: House, anna: Person, looks: Counter[str]
) -> None:
    await anna.draw("a red circle")
    for number in range(3):
        await menu_of(anna, png(photograph(number, (256, 256))))
        assert looks == {"signature": number + 1}, "of what was drawn and sent before all is known"
    await every_mode.reopen()
    await menu_of(anna, png(photograph(9, (256, 256))))
    assert looks == {"signature": 4}
    for _time in range(2):
        await menu_of(anna, png(photograph(9, (256, 256))), "document")
    assert looks == {"signature": 5}, "the same file needs not even that"
    kept = await told(every_mode, "select owner_id, count(*) from signatures group by owner_id")
    assert kept == [(1001, 9)], kept


@pytest.mark.both_ways
async def test_what_nobody_has_painted_over_gets_its_menu_also_while_a_question_is_open(
    every_mode: House, anna: Person, looks: Counter[str]
) -> None:
    await asked(anna)
    star, size = drawing(3), (480, 360)
    for file, kind, name in (
        (encoded(star, "JPEG", quality=40), "photo", "star.jpg"),
        (encoded(star, "PNG"), "document", "star.png"),
        (encoded(star, "TIFF"), "document", "star.tif"),
        (encoded(page(4, size), "PNG"), "photo", "page.png"),
        (encoded(page(4, size, scrolled=90.0), "PNG"), "photo", "scrolled.png"),
        (encoded(scene(5, size, shot=1), "JPEG"), "photo", "first.jpg"),
        (encoded(scene(5, size, shot=2), "JPEG"), "photo", "second.jpg"),
    ):
        assert "What shall I do with it?" in (await menu_of(anna, file, kind, name))["text"]
    assert not looks["recovered"]
    sent = await send(anna, png(circled()[0]))
    await anna.until(area, after=sent["id"])


async def test_why_nothing_can_be_made_of_an_answer_stands_above_its_menu(every_mode: House, anna: Person) -> None:
    question = await asked(anna)
    for spoilt, word in ((circled()[0].crop((60, 45, 450, 340)), "cropped"), (photograph(9, PHOTO.size), "another")):
        sent = await send(anna, png(spoilt), reply_to=str(question["id"]))
        answer = await anna.until(says(word), after=sent["id"])
        assert "What shall I do with it?" in answer["text"] and any("Vary" in name for name in buttons(answer))
    await anna.say("left")
    await anna.until(area, after=answer["id"])
    await anna.press(answer, "Vary")
    await anna.until(is_result, after=answer["id"])


async def shown_as_painted(person: Person) -> tuple[Message, Message]:
    """A photo that is taken for the one before with a ring painted on it, and the card that says so."""
    before = await send(person, png(PHOTO))
    await person.until(offers("Vary"), after=before["id"])
    sent = await send(person, png(paint(PHOTO, ring((0.5, 0.5), 0.2, 0.03, COLOURS["red"]))[0]))
    return sent, await person.until(area, after=sent["id"])


async def test_a_guess_is_taken_back_by_one_tap_and_what_was_sent_gets_its_menu(
    every_mode: House, anna: Person
) -> None:
    sent, card = await shown_as_painted(anna)
    await anna.press(card, NEW)
    menu = await anna.until(offers("Vary"), after=card["id"])
    assert menu["reply_to"] == sent["id"] and "What shall I do with it?" in menu["text"]
    await until_gone(anna, card)
    await anna.press(menu, "Vary")
    await anna.until(is_result, after=menu["id"])
    assert len(every_mode.painter.submitted[0].request.images) == 1


async def test_an_answer_that_is_taken_for_a_painted_copy_can_be_taken_back_as_well(
    every_mode: House, anna: Person
) -> None:
    question = await asked(anna)
    assert not any(NEW in name for name in buttons(question)), "there is no copy yet"
    sent = await send(anna, png(circled()[0]), caption="a blue bird", reply_to=str(question["id"]))
    card = await anna.until(area, after=sent["id"])
    await anna.press(card, NEW)
    menu = await anna.until(offers("Vary"), after=card["id"])
    assert menu["reply_to"] == sent["id"]
    assert not await told(every_mode, "select id from drafts where closed_at is null")


@pytest.mark.parametrize("drawn", [False, True])
async def test_a_second_try_is_about_the_picture_and_not_about_the_first_try(
    every_mode: House, anna: Person, drawn: bool
) -> None:
    if drawn:
        ball = await anna.picture((await anna.draw("a red circle --n 1"))["photo"])
    else:
        ball = Image.new("RGB", (480, 480), "beige")
        ImageDraw.Draw(ball).ellipse((120, 120, 360, 360), fill=COLOURS["red"])
        await menu_of(anna, png(ball))
    hardly_seen = (255, 60, 65)  # as a red brush is on what is red
    first_try = paint(ball, blob((0.5, 0.5), 0.15, 0.05, hardly_seen))[0]
    await menu_of(anna, png(first_try))
    sent = await send(anna, png(paint(first_try, blob((0.5, 0.5), 0.2, 0.08, COLOURS["blue"]))[0]))
    await anna.until(area, after=sent["id"])
    [(body,)] = await told(every_mode, "select body from drafts where kind = 'mask'")
    given = json.loads(body)["given"]
    assert (given["picture_id"], given["upload_id"]) == ((1, None) if drawn else (None, 1))


async def test_a_guess_is_taken_back_once(every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    _sent, card = await shown_as_painted(anna)

    async def taken_back(anna: Person) -> None:
        await anna.press(card, NEW)
        await anna.until(offers("Vary"), after=card["id"])

    await handled_again(every_mode, anna, monkeypatch, taken_back)
