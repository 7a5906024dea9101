"""Every mode of the studio from a message to a picture: the real bot, queue, engine and nets, with random weights.

What is drawn means nothing with such weights; that each way ends in a picture of the right size, made by the right
request from the right pictures, is what these tests see. The language models are broken ones: words go as they are.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.blobs import BlobStore, read_recipe
from inference.requests import (
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    Upscale,
)
from tests.bot.conversation.test_pictures_in import offers, says, send
from tests.bot.conversation.test_words import is_fallback
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.e2e.studio import Studio
from tests.e2e.test_words_to_pictures import People
from tests.inference.random_checkpoint import write_random_checkpoint
from tests.inference.random_language import break_weights, write_beautifier, write_translator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

RED, BLUE = (220, 40, 40), (30, 60, 210)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    models = write_beautifier(folder / "mistral", lessons=0), write_translator(folder / "marian", lessons=0)
    for model in models:
        break_weights(model)
    nets = write_random_checkpoint(folder / "nets")
    return {"WEIGHTS_DIR": str(nets), "BEAUTIFIER": str(models[0]), "TRANSLATOR": str(models[1])}


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def photo(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (192, 128)) -> Image.Image:
    image = Image.new("RGB", size, (240, 240, 235))
    width, height = size
    ImageDraw.Draw(image).ellipse((width // 4, height // 4, 3 * width // 4, 3 * height // 4), fill=colour)
    return image


def middle(content: bytes) -> tuple[int, ...]:
    """The colour in the middle of a picture."""
    with Image.open(io.BytesIO(content)) as image:
        colour = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(colour, tuple)
    return colour


def asks_to_begin(message: Message) -> bool:
    return any(name.startswith("▶️") for name in buttons(message))


async def finished(person: Person, after: int = 0) -> Message:
    """The next result; on a slow machine the bot first says what it will cost, and is told to begin."""
    seen = await person.until(lambda message: is_result(message) or asks_to_begin(message), after=after)
    if is_result(seen):
        return seen
    await person.press(seen, "▶️")
    # the question itself becomes the status and then the result
    return await person.until(is_result, after=after)


async def sizes_and_request(person: Person, result: Message) -> tuple[tuple[int, int], AnyRequest]:
    """Size of the original of a finished picture and the request in its recipe."""
    await person.press(result, "📄")
    sent = await person.until(lambda message: bool(message["document"]), after=result["id"])
    content = await person.bytes_of(sent["document"])
    recipe = read_recipe(content)
    assert recipe is not None
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image.size, recipe.request


async def test_a_variation_and_a_mix_of_photos(studio: Studio, person: People) -> None:
    anna = person(2001, "en")
    await send(anna, png(photo()))
    menu = await anna.until(offers("Vary"))
    assert not any("🔒" in name for name in buttons(menu) if "Vary" in name)
    await anna.press(menu, "Vary")
    varied = await finished(anna)
    await send(anna, png(photo()), png(photo(BLUE)), caption="a garden --steps 5 --n 1 --seed 5")
    mix = await anna.until(offers("Start"), after=varied["id"])
    await anna.press(mix, "Start")
    mixed = await finished(anna, mix["id"])
    size, request = await sizes_and_request(anna, mixed)
    assert isinstance(request, Mix)
    assert (request.prompt, len(request.images), request.seeds) == ("a garden", 2, (5,))
    assert size == (request.width, request.height)


async def test_an_album_mixed_by_flash_is_called_an_experiment(studio: Studio, person: People) -> None:
    anna = person(2021, "en")
    await send(anna, png(photo()), png(photo(BLUE)), caption="a garden --flash --n 1")
    mix = await anna.until(offers("Start"))
    await anna.press(mix, "Start")
    mixed = await finished(anna, mix["id"])
    assert "An experiment" in mixed["caption"]
    _, request = await sizes_and_request(anna, mixed)
    assert isinstance(request, FlashMix)
    assert (request.prompt, len(request.images)) == ("a garden", 2)


async def test_a_photo_held_to_its_outlines(studio: Studio, person: People) -> None:
    boris = person(2002, "ru")
    given = await send(boris, png(photo()))
    await boris.say("по контуру стеклянный дом --steps 5 --n 1", reply_to=given["id"])
    _, request = await sizes_and_request(boris, await finished(boris))
    assert isinstance(request, Control)
    assert (request.kind, request.prompt) == ("hed", "стеклянный дом")


async def test_a_picture_with_the_relief_of_a_depth_map(studio: Studio, person: People) -> None:
    anna = person(2022, "en")
    slope = Image.linear_gradient("L").resize((192, 128)).convert("RGB")
    given = await send(anna, png(slope), kind="document")
    await anna.say("/control a hall --method depth", reply_to=given["id"])
    refusal = await anna.until(says("--drawn"))
    await anna.say("/control a hall --method depth --drawn --scale 0.8 --steps 5 --n 1", reply_to=given["id"])
    size, request = await sizes_and_request(anna, await finished(anna, refusal["id"]))
    assert isinstance(request, Control)
    assert (request.kind, request.prompt, request.drawn, request.scale) == ("depth", "a hall", True, 0.8)
    assert size == (request.width, request.height) == (192, 128)


async def test_the_shapes_of_one_photo_in_the_look_of_another(studio: Studio, person: People) -> None:
    anna = person(2023, "en")
    told = "/control a stone bridge --method scribble --steps 5 --n 1"
    await send(anna, png(photo()), png(photo(BLUE)), caption=told)
    result = await finished(anna)
    assert "Style transfer" in result["caption"]
    _, request = await sizes_and_request(anna, result)
    assert isinstance(request, Control)
    assert (request.kind, request.prompt, request.drawn) == ("scribble", "a stone bridge", False)
    blobs = BlobStore(str(studio.folder / "blobs"))
    shapes, look = (middle(blobs.get(image.blob)) for image in (request.image, *request.styles))
    assert shapes[0] > shapes[2] and look[2] > look[0]  # the red one, then the blue one


async def test_a_draft_refined_and_a_photo_restyled(studio: Studio, person: People) -> None:
    anna = person(2003, "en")
    given = await send(anna, png(photo()))
    await anna.say("/restyle watercolour --strength 0.4 --steps 5 --n 1", reply_to=given["id"])
    _, request = await sizes_and_request(anna, await finished(anna))
    assert isinstance(request, Refine)
    assert request.strength == 0.4


async def test_a_part_of_a_photo_repainted_leaves_the_rest_as_it_was(studio: Studio, person: People) -> None:
    anna = person(2004, "en")
    image = photo()
    given = await send(anna, png(image), kind="document")
    await anna.say("/inpaint", reply_to=given["id"])
    question = await anna.until(says("Which part"))
    await anna.press(question, "▫️")
    await anna.until(offers("✅"))
    await anna.say("a blue cat --steps 5 --n 1", reply_to=question["id"])
    result = await finished(anna, question["id"])
    await anna.press(result, "📄")
    sent = await anna.until(lambda message: bool(message["document"]), after=result["id"])
    content = await anna.bytes_of(sent["document"])
    recipe = read_recipe(content)
    assert recipe is not None
    assert isinstance(recipe.request, Inpaint)
    made = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert made.shape == (128, 192, 3)
    lower, right = np.s_[80:, :], np.s_[:, 120:]
    for place in (lower, right):
        assert np.array_equal(made[place], np.asarray(image)[place])
    assert not np.array_equal(made[:30, :40], np.asarray(image)[:30, :40])


async def test_a_picture_extended_to_a_side(studio: Studio, person: People) -> None:
    anna = person(2005, "en")
    ours = await anna.draw("a red circle --n 1")
    await anna.press(ours, "Extend")
    ways = await anna.until(says("Which way"), after=ours["id"])
    await anna.press(ways, "⬅️")
    result = await finished(anna, ways["id"])
    await anna.press(result, "⬆ 1")
    single = await anna.until(lambda message: is_result(message) and "⬆ 1" not in buttons(message), after=result["id"])
    size, request = await sizes_and_request(anna, single)
    assert isinstance(request, Outpaint)
    assert size == (192, 128)


@pytest.mark.parametrize(("said", "kind", "factor"), [("/upscale", "flash_x2", 2), ("/upscale 4k", "x4", 4)])
async def test_a_photo_enlarged(studio: Studio, person: People, said: str, kind: str, factor: int) -> None:
    anna = person(2006 + factor, "en")
    given = await send(anna, png(photo(size=(101, 67))), kind="document")
    await anna.say(said, reply_to=given["id"])
    result = await finished(anna)
    size, request = await sizes_and_request(anna, result)
    assert isinstance(request, Upscale)
    assert (request.kind, request.factor) == (kind, factor)
    assert size == (101 * factor, 67 * factor)


async def test_four_styles_side_by_side_and_one_of_them_taken_out(studio: Studio, person: People) -> None:
    anna = person(2030, "en")
    grid = await anna.draw("a red circle --n 1 --seed 5")
    await anna.press(grid, "🎭")
    chooser = await anna.until(lambda message: message["id"] == grid["id"] and offers("🆎")(message))
    await anna.press(chooser, "Upper four")
    sheet = await finished(anna, grid["id"])
    assert sheet["caption"].startswith("🆎 Styles side by side")
    await anna.press(sheet, "⬆ Anime")
    _, request = await sizes_and_request(anna, await anna.until(is_result, after=sheet["id"]))
    assert isinstance(request, FlashTextToImage)
    assert (request.prompt[:19], request.seeds) == ("a red circle, anime", (5,))


async def test_the_whole_family_is_shown(studio: Studio, person: People) -> None:
    anna = person(2020, "en")
    grid = await anna.draw("a red circle --n 2")
    await anna.press(grid, "🎨 2")
    children = await finished(anna, grid["id"])
    await anna.say("/tree 1", reply_to=children["id"])
    tree = await anna.until(says("Family tree"))
    assert tree["photo"]


async def test_where_language_models_are_broken_that_is_told_and_ones_own_words_are_drawn(
    studio: Studio, person: People
) -> None:
    anna, boris = person(2024, "en"), person(2025, "ru")
    await anna.say("/beautify a fox --n 1")
    card = await anna.until(is_fallback)
    assert "Something broke" in card["text"]
    await anna.press(card, "Draw my words")
    result = await boris.draw("лиса в лесу --n 1")
    assert "Перевести ваши слова не получилось" in result["caption"]
    for one, drawn, words in ((anna, await finished(anna, card["id"]), "a fox"), (boris, result, "лиса в лесу")):
        _, request = await sizes_and_request(one, drawn)
        assert isinstance(request, FlashTextToImage)
        assert request.prompt == words
