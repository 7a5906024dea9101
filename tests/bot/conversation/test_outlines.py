"""A new picture with the outlines of another."""

from __future__ import annotations

from inference.requests import Control
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import RED, encoded, says, send
from tests.e2e.chat import Person, is_result


async def test_outlines_without_words_are_asked_what_they_shall_become(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED), caption="/control")
    asked = await anna.until(says("What shall it become?"))
    assert every_mode.painter.submitted == []
    await anna.say("a glass house --n 1", reply_to=asked["id"])
    await anna.until(is_result, after=asked["id"])
    request = every_mode.painter.submitted[-1].request
    assert isinstance(request, Control)
    assert (request.kind, request.prompt) == ("hed", "a glass house")


async def test_a_scale_that_no_outlines_can_be_held_with_is_named(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED), caption="/control a glass house --scale 3")
    await anna.until(says("a number from 0 to 2"))
    assert every_mode.painter.submitted == []


async def test_without_the_weights_nobody_is_asked_for_words(house: House, anna: Person) -> None:
    await send(anna, encoded(RED), caption="/control")
    await anna.until(says("not installed"))
