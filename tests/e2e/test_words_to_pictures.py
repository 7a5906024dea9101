"""The whole path with the real bot, worker, engine and embedded checkpoint, seen from a chat."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bot.playground import Playground
from inference.blobs import read_recipe
from inference.nano.checker import look
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.e2e.studio import Studio

People = Callable[..., Person]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def original(person: Person, single: Message) -> tuple[Message, bytes]:
    """Asks for the original file of a single picture."""
    await person.press(single, "📄")
    file = await person.until(lambda m: bool(m["document"]), after=single["id"])
    return file, await person.bytes_of(file["document"])


def seen_in(png: bytes) -> Any:
    return look(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))


async def test_a_sentence_becomes_a_grid_a_single_and_a_file_that_show_it_and_a_restart_changes_nothing(
    studio: Studio, person: People
) -> None:
    anna = person(1001)
    grid = await anna.draw("красный круг на синем фоне --seed 11")
    assert all(any(name.endswith(f" {number}") for name in buttons(grid)) for number in (1, 2, 3, 4))
    assert "11" in grid["caption"]
    assert grid["photo"]["width"] == grid["photo"]["height"]

    await anna.press(grid, "⬆ 2")
    single = await anna.until(is_single, after=grid["id"])
    assert single["reply_to"] == grid["id"]
    assert "12" in single["caption"]
    file, png = await original(anna, single)
    assert file["document"]["file_name"].endswith(".png")
    recipe = read_recipe(png)
    assert recipe is not None
    assert (recipe.seed, recipe.tile, recipe.request.words) == (12, 1, "красный круг на синем фоне")
    scene = seen_in(png)
    assert scene.background == "blue"
    assert [(blob.shape, blob.colour) for blob in scene.blobs] == [("circle", "red")]

    await anna.say("/history")
    page = await anna.until(lambda m: bool(m["photo"]), after=file["id"])
    assert {"1", "2", "3", "4"} <= set(buttons(page))

    await studio.restart()
    second = await anna.press(await anna.message(grid["id"]), "⬆ 3")
    assert second["answer"] is not None
    third = await anna.until(is_single, after=page["id"])
    assert "13" in third["caption"]


def is_single(message: Message) -> bool:
    return (
        is_result(message)
        and any("📄" in name for name in buttons(message))
        and not any(name.startswith("⬆") for name in buttons(message))
    )


async def test_pressing_a_number_twice_posts_one_picture_and_a_stranger_gets_none(
    studio: Studio, person: People
) -> None:
    group = -77
    bob = person(1002, "en", group)
    await bob.post("chat", {"chat": group, "title": "Friends", "type": "supergroup", "members": [1002, 1003]})
    asked = (await bob.say("/imagine a green tree on a white background --n 4"))["message"]
    grid = await bob.until(is_result, after=asked["id"])
    await bob.press(grid, "⬆ 1")
    single = await bob.until(is_single, after=grid["id"])
    ticked = await bob.until(lambda message: "⬆ 1 ✓" in buttons(message))
    again = await bob.press(ticked, "⬆ 1 ✓")
    assert again["answer"] is not None
    stranger = await person(1003, "en", group).press(await bob.message(grid["id"]), "⬆ 2")
    assert stranger["answer"]["alert"]
    assert stranger["answer"]["text"]
    singles = [m for m in await bob.messages() if m["id"] > grid["id"] and is_single(m)]
    assert [m["id"] for m in singles] == [single["id"]]


async def test_full_quality_redraws_the_same_seed_with_the_full_model(studio: Studio, person: People) -> None:
    anna = person(1004, "en")
    one = await anna.draw("a yellow star on a black background --n 1 --seed 5")
    await anna.press(one, "💎")
    fine = await anna.until(is_result, after=one["id"])
    _, png = await original(anna, fine)
    recipe = read_recipe(png)
    assert recipe is not None
    assert (recipe.request.kind, recipe.seed) == ("full", 5)
    scene = seen_in(png)
    assert (scene.background, scene.blobs[0].colour) == ("black", "yellow")


async def test_a_mistyped_parameter_is_named_and_nothing_is_drawn(
    studio: Studio, playground: Playground, person: People
) -> None:
    anna = person(1005, "en")
    asked = (await anna.say("a fox --sed 3"))["message"]
    answer = await anna.until(lambda m: bool(m["text"]), after=asked["id"])
    assert "--sed" in answer["text"]
    assert "--seed" in answer["text"]
    await anna.say("/queue")
    after = await anna.until(lambda m: bool(m["text"]), after=answer["id"])
    assert not after["buttons"]
