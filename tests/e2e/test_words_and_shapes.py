"""Better words, translations and quick ways, with the least of weights that serve them.

As in `test_every_mode` all of it is real. The language models are small ones of the published kinds, taught a sentence.
"""

from __future__ import annotations

import pytest

from inference.requests import FlashMix, FlashTextToImage, Upscale
from tests.bot.conversation.test_pictures_in import offers, says, send
from tests.bot.conversation.test_words import is_choice, words_in
from tests.e2e.chat import Message, Person, is_result
from tests.e2e.studio import Studio
from tests.e2e.test_every_mode import BLUE, finished, photo, png, sizes_and_request
from tests.e2e.test_words_to_pictures import People
from tests.inference.random_checkpoint import write_random_checkpoint
from tests.inference.random_language import (
    BETTER,
    ENGLISH,
    PLAIN,
    RUSSIAN,
    write_beautifier,
    write_translator,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        "WEIGHTS_DIR": str(write_random_checkpoint(folder / "nets", ("flash", "mix_flash", "x2"))),
        "BEAUTIFIER": str(write_beautifier(folder / "mistral")),
        "TRANSLATOR": str(write_translator(folder / "marian")),
    }


async def prompt_drawn(person: Person, result: Message) -> str:
    _, request = await sizes_and_request(person, result)
    assert isinstance(request, FlashTextToImage)
    return request.prompt


async def test_better_words_are_shown_drawn_when_taken_and_kept_beside_ones_own(studio: Studio, person: People) -> None:
    anna = person(4001, "en")
    await anna.say(f"/beautify {PLAIN} --n 1 --seed 3")
    choice = await anna.until(is_choice)
    assert words_in(choice, "bold")[1:] == [BETTER.removeprefix(f"{PLAIN} ")]
    assert not any(map(is_result, await anna.messages()))
    await anna.press(choice, "Use new")
    result = await finished(anna, choice["id"])
    assert f"Your own words: {PLAIN}" in result["caption"]
    assert await prompt_drawn(anna, result) == BETTER
    await anna.say("/info", reply_to=result["id"])
    recipe = await anna.until(says("Recipe"), after=result["id"])
    assert BETTER in recipe["text"]
    assert f"Your own words: {PLAIN}" in recipe["text"]


async def test_a_grid_is_improved_by_its_button_and_ones_own_words_can_be_kept(studio: Studio, person: People) -> None:
    anna = person(4002, "en")
    grid = await anna.draw(f"{PLAIN} --n 2 --seed 4")
    await anna.press(grid, "✨")
    choice = await anna.until(is_choice, after=grid["id"])
    await anna.press(choice, "Edit")
    given_back = await anna.until(says("send them back"), after=choice["id"])
    assert BETTER in given_back["text"]
    await anna.press(choice, "Keep mine")
    result = await finished(anna, choice["id"])
    await anna.say("/info", reply_to=result["id"])
    recipe = await anna.until(says("Recipe"), after=result["id"])
    assert PLAIN in recipe["text"]
    assert BETTER not in recipe["text"]
    assert "own words" not in recipe["text"] + result["caption"]


async def test_russian_words_are_drawn_in_english_and_stay_what_is_read(studio: Studio, person: People) -> None:
    boris = person(4003, "ru")
    result = await boris.draw(f"{RUSSIAN} --n 1")
    assert result["caption"].startswith(RUSSIAN)
    assert f"Перевод: {ENGLISH}" in result["caption"]
    assert await prompt_drawn(boris, result) == ENGLISH


async def test_english_words_go_as_they_are(studio: Studio, person: People) -> None:
    boris = person(4004, "ru")
    result = await boris.draw("a bear by the river --n 1")
    assert "Перевод" not in result["caption"]
    assert await prompt_drawn(boris, result) == "a bear by the river"


async def test_without_the_full_model_an_album_is_mixed_the_quick_way_and_that_is_said(
    studio: Studio, person: People
) -> None:
    anna = person(4005, "en")
    await send(anna, png(photo()), png(photo(BLUE)), caption="a garden --n 1 --seed 5")
    mix = await anna.until(offers("Start"))
    await anna.press(mix, "Start")
    result = await finished(anna, mix["id"])
    assert "quick, experimental" in result["caption"]
    _, request = await sizes_and_request(anna, result)
    assert isinstance(request, FlashMix)
    assert (request.prompt, len(request.images)) == ("a garden", 2)


async def test_without_the_refining_net_a_photo_is_doubled_by_the_other(studio: Studio, person: People) -> None:
    anna = person(4006, "en")
    given = await send(anna, png(photo(size=(101, 67))), kind="document")
    await anna.say("/upscale", reply_to=given["id"])
    size, request = await sizes_and_request(anna, await finished(anna))
    assert isinstance(request, Upscale)
    assert (request.kind, size) == ("x2", (202, 134))
