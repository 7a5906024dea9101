"""Every mode from a message to a picture with the embedded nets: does the picture show what was asked?"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from benchmarks.paintings import COLOURS, paint, ring
from inference.blobs import read_recipe
from inference.nano.checker import Seen, look
from inference.nano.drawing import draw
from inference.nano.world import Scene, Thing
from inference.requests import Kind
from tests.e2e.chat import Message, Person
from tests.e2e.flows import finished, offers, png, send
from tests.e2e.studio import Studio
from tests.e2e.test_words_to_pictures import People

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

STAR = Scene("single", 8, (Thing("star", "yellow"),), background="violet", size="large")
CIRCLE = Scene("single", 3, (Thing("circle", "red"),), background="white", size="large")
PAIR = Scene("pair", 4, (Thing("heart", "red"), Thing("circle", "yellow")), background="light blue")
BOAT = Scene("single", 4, (Thing("boat", "yellow"),), background="sea", size="large")


@dataclass(frozen=True)
class Made:
    """A picture from the chat: its pixels uint8 [H, W, 3], which request made it, and what it shows."""

    pixels: np.ndarray
    kind: Kind
    seen: Seen

    @property
    def things(self) -> list[tuple[str, str]]:
        """Colours and shapes, the largest first."""
        return [(blob.colour, blob.shape) for blob in self.seen.blobs]


async def made(person: Person, result: Message) -> Made:
    """The original of a result of one picture."""
    await person.press(result, "📄")
    file = await person.until(lambda message: bool(message["document"]), after=result["id"])
    content = await person.bytes_of(file["document"])
    recipe = read_recipe(content)
    assert recipe is not None
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    small = np.asarray(Image.fromarray(pixels).resize((128, 128), Image.Resampling.BOX))
    return Made(pixels, recipe.request.kind, look(small))


def changed(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference in levels of 255; photos go through JPEG on their way, which changes a little everywhere."""
    return float(np.abs(a.astype(int) - b).mean())


def border(pixels: np.ndarray) -> np.ndarray:
    """The colour of the sides, float64 [3]."""
    return np.median(np.concatenate([pixels[:, :6], pixels[:, -6:]], axis=1), axis=(0, 1))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b.astype(float)).mean()))


async def test_a_variation_keeps_the_colours(studio: Studio, person: People) -> None:
    anna = person(4001, "en")
    given = await send(anna, png(draw(STAR, 4)), caption="/vary --n 1 --seed 3")
    varied = await made(anna, await finished(anna, given["id"]))
    assert varied.kind == "mix"
    assert varied.seen.background == "violet"
    assert varied.things[0][0] == "yellow"


async def test_a_mix_leans_to_the_picture_with_the_larger_share(studio: Studio, person: People) -> None:
    anna = person(4002, "en")
    mixture = await send(anna, png(draw(STAR, 4)), png(draw(CIRCLE, 4)), caption="--n 1 --seed 6")
    shares = await anna.until(offers("Start"), after=mixture["id"])
    for _ in range(4):
        await anna.press(await anna.message(shares["id"]), "➖")
    await anna.until(offers("1: 10 %"))  # the other keeps its 50
    await anna.press(await anna.message(shares["id"]), "Start")
    mixed = await made(anna, await finished(anna, shares["id"]))
    assert mixed.kind == "mix"
    assert mixed.things[0][1] == "circle"
    # what weighs less tints the white
    violet, white, ground = (border(pixels) for pixels in (np.array(draw(STAR)), np.array(draw(CIRCLE)), mixed.pixels))
    assert np.linalg.norm(ground - white) < np.linalg.norm(ground - violet)


@pytest.mark.parametrize(("method", "kind"), [("", "hed"), (" --method scribble", "scribble")])
async def test_lines_hold_the_shape_while_words_set_the_colours(
    studio: Studio, person: People, method: str, kind: Kind
) -> None:
    boris = person(4030 + bool(method), "ru")
    words = f"по контуру: зелёная звезда на белом фоне --n 1 --seed 5{method}"
    given = await send(boris, png(draw(STAR, 4)), caption=words)
    held = await made(boris, await finished(boris, given["id"]))
    assert held.kind == kind
    assert held.seen.background == "white"
    assert held.things[0] == ("green", "star")


async def test_a_circled_thing_is_repainted_and_nothing_else(studio: Studio, person: People) -> None:
    anna = person(4005, "en")
    image = draw(PAIR, 4)
    given = await send(anna, png(image), caption="/inpaint a green star --n 1 --seed 3")
    question = await anna.until(offers("▫️"), after=given["id"])
    circled, _ = paint(image, ring((0.76, 0.5), 0.23, 0.025, COLOURS["red"]))
    await send(anna, png(circled), reply_to=str(question["id"]))
    shown = await anna.until(offers("✅"), after=question["id"])
    await anna.press(shown, "✅")
    repainted = await made(anna, await finished(anna, shown["id"]))
    assert repainted.kind == "inpaint"
    assert sorted(repainted.things) == [("green", "star"), ("red", "heart")]
    assert changed(repainted.pixels[:, :250], np.asarray(image)[:, :250]) < 1


async def test_a_frame_is_extended_by_more_of_the_same_sea(studio: Studio, person: People) -> None:
    anna = person(4006, "en")
    image = draw(BOAT)
    given = await send(anna, png(image), caption="/outpaint right at sea --n 1 --seed 3")
    wider = await made(anna, await finished(anna, given["id"]))
    assert wider.kind == "outpaint"
    assert wider.pixels.shape == (128, 192, 3)
    assert changed(wider.pixels[:, :112], np.asarray(image)[:, :112]) < 6
    # whatever floats there, most of the new sky is sky and most of the new water is water
    old, new = (np.median(part, axis=1) for part in (wider.pixels[:, :16], wider.pixels[:, 136:]))
    sky, water = np.s_[4:48], np.s_[100:124]
    assert max(np.abs(old[rows] - new[rows]).max() for rows in (sky, water)) < 40


@pytest.mark.parametrize(
    ("said", "kind", "factor", "decibels"),
    [
        ("/upscale", "flash_x2", 2, 22),  # Flash draws all of it over, through the codec
        ("/upscale --full", "x2", 2, 30),
        ("/upscale 4k", "x4", 4, 26),
    ],
)
async def test_an_enlarged_picture_shows_the_same_in_more_pixels(
    studio: Studio, person: People, said: str, kind: Kind, factor: int, decibels: float
) -> None:
    anna = person(4040 + len(said), "en")
    truth = np.asarray(draw(STAR, factor))
    given = await send(anna, png(draw(STAR)), caption=said)
    large = await made(anna, await finished(anna, given["id"]))
    assert large.kind == kind
    assert large.things == [("yellow", "star")]
    assert psnr(large.pixels, truth) > decibels


async def test_a_photo_drawn_over_keeps_its_colours(studio: Studio, person: People) -> None:
    anna = person(4020, "en")
    words = "/restyle a yellow star on a violet background --strength 0.4 --n 1 --seed 2"
    given = await send(anna, png(draw(STAR, 4)), caption=words)
    over = await made(anna, await finished(anna, given["id"]))
    assert over.kind == "refine"
    assert (over.seen.background, over.things) == ("violet", [("yellow", "star")])
