"""Buttons under results: each does its thing once, belongs to its owner, and survives a restart."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import aiohttp
from PIL import Image
from sqlalchemy import select

from bot.store.tables import pictures
from inference.blobs import read_recipe
from inference.queue.database import open_database
from inference.requests import Refine
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import RED, encoded, send
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until


async def newest(person: Person) -> int:
    return max(message["id"] for message in await person.messages())


async def until_gone(person: Person, *messages: Message) -> None:
    """Returns as soon as all of them are deleted."""
    wanted = {message["id"] for message in messages}

    async def gone() -> bool:
        return wanted <= {message["id"] for message in await person.messages() if message["deleted"]}

    await until(gone, "a message that shows a deleted picture is still there")


async def parents(house: House) -> list[int | None]:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        async with database.connect() as connection:
            return list(await connection.scalars(select(pictures.c.parent_id).order_by(pictures.c.id)))
    finally:
        await database.dispose()


def is_single(message: Message) -> bool:
    return bool(message["photo"]) and "📄 File" in buttons(message)


async def test_a_number_posts_the_picture_once_and_then_points_to_it(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 40")
    await anna.press(grid, "⬆ 3")
    single = await anna.until(is_single, after=grid["id"])
    assert single["reply_to"] == grid["id"]
    assert "seed 42" in single["caption"]
    assert "💎 Quality" in buttons(single)
    await anna.until(lambda message: "⬆ 3 ✓" in buttons(message))
    await anna.press(await anna.message(grid["id"]), "⬆ 3 ✓")
    finger = await anna.until(lambda message: (message["text"] or "").startswith("👆"))
    assert finger["reply_to"] == single["id"]
    assert sum(is_single(message) for message in await anna.messages()) == 1


async def test_two_quick_presses_post_one_picture(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await asyncio.gather(anna.press(grid, "⬆ 1"), anna.press(grid, "⬆ 1"))
    await anna.until(lambda message: (message["text"] or "").startswith("👆"))
    assert sum(is_single(message) for message in await anna.messages()) == 1


async def test_again_draws_new_seeds_and_is_not_doubled_while_it_waits(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 1")
    house.painter.gate.clear()
    await anna.press(grid, "Again")
    await anna.until(lambda message: "░" in (message["caption"] or ""), after=grid["id"])
    ticked = await anna.until(lambda message: "🔄 Again ✓" in buttons(message))
    answer = await anna.press(ticked, "Again")
    assert answer["answer"]["text"] == "It is already in line."
    house.painter.gate.set()
    second = await anna.until(is_result, after=grid["id"])
    assert second["reply_to"] == grid["id"]
    first_seeds, second_seeds = (set(job.request.seeds) for job in house.painter.submitted)
    assert not first_seeds & second_seeds
    assert await parents(house) == [None] * 4 + [1] * 4


async def test_strangers_get_a_private_line_and_nothing_happens(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "ru", -77)
    await anna.say("/imagine a red circle --n 4")
    grid = await anna.until(is_result)
    before = await newest(anna)
    for button in ("⬆ 1", "Edit", "☆", "🗑"):
        answer = (await boris.press(grid, button))["answer"]
        assert answer["alert"], button
        assert "somebody else" in answer["text"]
    assert await newest(anna) == before
    assert buttons(await anna.message(grid["id"])) == buttons(grid)


async def test_full_quality_draws_the_same_seed_once(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 10")
    await anna.press(grid, "⬆ 2")
    single = await anna.until(is_single, after=grid["id"])
    await anna.press(single, "Quality")
    refined = await anna.until(lambda message: is_single(message) and "Full quality ·" in message["caption"])
    request = house.painter.submitted[-1].request
    assert (request.kind, request.seeds, request.prompt) == ("full", (11,), "a red circle")
    assert refined["reply_to"] == single["id"]
    assert "💎 Quality" not in buttons(refined)
    await anna.press(await anna.message(single["id"]), "Quality ✓")
    finger = await anna.until(lambda message: (message["text"] or "").startswith("👆"))
    assert finger["reply_to"] == refined["id"]
    assert len(house.painter.submitted) == 2


async def test_a_button_that_has_ordered_something_is_ticked_also_after_a_restart(
    every_mode: House, anna: Person
) -> None:
    grid = await anna.draw("a red circle --n 2")
    await anna.press(grid, "🎨 2")
    await anna.until(is_result, after=grid["id"])
    ticked = await anna.until(lambda message: "🎨 2 ✓" in buttons(message))
    assert ticked["id"] == grid["id"]
    assert {"🎨 1", "🔄 Again"} <= set(buttons(ticked))
    await every_mode.reopen()
    await anna.press(ticked, "☆")
    await anna.until(lambda message: {"⭐", "🎨 2 ✓", "🎨 1"} <= set(buttons(message)))


async def test_what_came_to_nothing_leaves_no_tick(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    every_mode.painter.gate.clear()
    await anna.press(grid, "🎨 1")
    status = await anna.until(lambda message: "❌ Cancel" in buttons(message), after=grid["id"])
    await anna.until(lambda message: "🎨 1 ✓" in buttons(message))
    await anna.press(status, "Cancel")
    await anna.until(lambda message: "🔄 Try again" in buttons(message))
    await anna.press(await anna.message(grid["id"]), "☆")
    starred = await anna.until(lambda message: "⭐" in buttons(message))
    assert "🎨 1" in buttons(starred)


async def test_long_work_ticks_its_button_once_it_is_agreed_to(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED, (1300, 1300)), kind="document")
    menu = await anna.until(lambda message: "🔎 ×2" in buttons(message))
    await anna.press(menu, "🔎 ×2")
    asked = await anna.until(lambda message: "▶️ Start" in buttons(message))
    assert "🔎 ×2" in buttons(await anna.message(menu["id"]))
    await every_mode.reopen()
    await anna.press(asked, "Start")
    await anna.until(lambda message: message["id"] == menu["id"] and "🔎 ×2 ✓" in buttons(message))


async def test_files_are_the_originals_with_their_recipes(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 5")
    await anna.press(grid, "Files")
    await anna.until(lambda message: bool(message["document"]))
    documents = [message for message in await anna.messages() if message["document"]]
    assert len(documents) == 4
    assert len({message["album"] for message in documents}) == 1
    for tile, message in enumerate(documents):
        content = await anna.bytes_of(message["document"])
        recipe = read_recipe(content)
        assert recipe is not None
        assert recipe.seed == 5 + tile
        assert Image.open(io.BytesIO(content)).size == (128, 128)
    await anna.press(grid, "Files")
    await anna.until(lambda message: (message["text"] or "").startswith("👆"))
    assert sum(bool(message["document"]) for message in await anna.messages()) == 4


async def test_one_original_does_not_stand_in_for_all_the_files(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await anna.press(grid, "⬆ 1")
    single = await anna.until(is_single, after=grid["id"])
    await anna.press(single, "File")
    first = await anna.until(lambda message: bool(message["document"]))
    await anna.press(grid, "Files")
    await anna.until(lambda message: bool(message["document"]), after=first["id"])
    assert sum(bool(message["document"]) and message["id"] > first["id"] for message in await anna.messages()) == 4
    await anna.press(single, "File")
    await anna.until(lambda message: (message["text"] or "").startswith("👆"))


async def test_a_star_is_shown_and_taken_back(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await anna.press(grid, "☆")
    starred = await anna.until(lambda message: "⭐" in buttons(message))
    await anna.press(starred, "⭐")
    await anna.until(lambda message: "☆" in buttons(message))


async def test_deleting_asks_first_and_takes_pictures_files_and_messages_along(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await anna.press(grid, "⬆ 1")
    single = await anna.until(is_single, after=grid["id"])
    await anna.press(grid, "🗑")
    asking = await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await anna.press(asking, "Keep")
    await anna.until(lambda message: message["id"] == grid["id"] and "🗑" in buttons(message))
    stored = list((house.folder / "blobs").rglob("?" * 64))
    assert len(stored) == 4
    await anna.press(await anna.message(grid["id"]), "🗑")
    await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await anna.press(await anna.message(grid["id"]), "Delete for good")
    await until_gone(anna, grid, single)
    await anna.say("/history")
    await anna.until(lambda message: "no pictures yet" in (message["text"] or ""))
    assert not list((house.folder / "blobs").rglob("?" * 64))


async def test_deleting_one_picture_leaves_the_others(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    await anna.press(grid, "⬆ 2")
    single = await anna.until(is_single, after=grid["id"])
    await anna.press(single, "🗑")
    await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await anna.press(await anna.message(single["id"]), "Delete for good")
    left = await anna.until(lambda message: message["id"] == grid["id"] and "⬆ 2" not in buttons(message)
                            and "⬆ 2 ✓" not in buttons(message))  # fmt: skip
    assert {"⬆ 1", "⬆ 3", "⬆ 4"} < set(buttons(left))


async def test_edit_gives_the_words_back_and_the_answer_draws(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --ar 3:2 --seed 9")
    await anna.press(grid, "Edit")
    asked = await anna.until(lambda message: (message["text"] or "").endswith("a red circle --ar 3:2"))
    assert buttons(asked) == ["✖️ Never mind"]
    await anna.say("a blue circle --ar 3:2", reply_to=asked["id"])
    await anna.until(lambda message: is_result(message) and "blue" in message["caption"])


async def test_edit_in_a_group_calls_only_whoever_pressed(house: House, named: Callable[..., Person]) -> None:
    anna = named(1001, "en", -77)
    await anna.say("/imagine a red circle")
    single = await anna.until(is_result)
    await anna.press(single, "Edit")
    asked = await anna.until(lambda message: message["keyboard"] is not None)
    assert asked["keyboard"]["force_reply"]  # a bot in a group hears little but answers
    mention = next(entity for entity in asked["entities"] if entity["type"] == "text_mention")
    assert mention["user"]["id"] == 1001


async def test_a_recipe_holds_everything_and_repeats_exactly(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --full --steps 20 --cfg 4.5 --no text --seed 3 --n 2")
    await anna.press(grid, "Recipe")
    card = await anna.until(lambda message: "Recipe" in (message["text"] or ""))
    for part in ("20 steps", "4.5", "128×128", "3, 4", "Avoid: text", "squares"):
        assert part in card["text"], part
    copied = next(key["copy"] for row in card["buttons"] for key in row if key["copy"])
    assert copied == "a red circle --ar 1:1 --n 2 --seed 3 --full --steps 20 --cfg 4.5 --no text"
    await anna.press(card, "Repeat exactly")
    again = await anna.until(is_result, after=card["id"])
    first, second = house.painter.submitted
    assert first.request == second.request
    assert await anna.bytes_of(again["photo"]) == await anna.bytes_of(grid["photo"])


async def test_buttons_live_through_a_restart(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 40")
    await anna.press(grid, "🗑")
    asking = await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await house.reopen()
    await anna.press(asking, "Keep")
    await anna.until(lambda message: message["id"] == grid["id"] and "⬆ 1" in buttons(message))
    await anna.press(grid, "⬆ 1")
    single = await anna.until(is_single, after=grid["id"])
    assert "seed 40" in single["caption"]
    await anna.press(grid, "☆")
    await anna.until(lambda message: message["id"] == grid["id"] and "⭐" in buttons(message))
    await anna.press(grid, "Recipe")
    await anna.until(lambda message: "Recipe" in (message["text"] or ""))
    await anna.press(grid, "Files")
    await anna.until(lambda message: bool(message["document"]))
    await anna.press(grid, "Again")
    await anna.until(is_result, after=single["id"])
    await anna.press(await anna.message(grid["id"]), "🗑")
    asking = await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await house.reopen()
    await anna.press(asking, "Delete for good")
    await until_gone(anna, grid, single)


async def test_info_reads_a_message_of_ours_a_file_and_says_when_there_is_nothing(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 8")
    await anna.press(grid, "⬆ 2")
    single = await anna.until(is_single, after=grid["id"])
    asked = await anna.say("/info", reply_to=single["id"])
    card = await anna.until(lambda message: "Recipe" in (message["text"] or ""), after=asked["message"]["id"])
    assert "Seed: 9\n" in card["text"]
    await anna.press(grid, "Files")
    document = await anna.until(lambda message: bool(message["document"]))
    content = await anna.bytes_of(document["document"])
    asked = await anna.say("/info")
    await anna.until(
        lambda message: "Reply to one of my pictures" in (message["text"] or ""), after=asked["message"]["id"]
    )
    for caption, name, kind in (
        ("", "picture.png", "image/png"),
        ("/info", "picture.png", "image/png"),
        ("/info", "IMG.PNG", "application/octet-stream"),
    ):
        form = aiohttp.FormData({"user": "1001", "chat": "1001", "caption": caption})
        form.add_field("document", content, filename=name, content_type=kind)
        async with anna.session.post(f"{anna.url}/sim/message", data=form) as response:
            sent = (await response.json())["message"]
        card = await anna.until(lambda message: "Recipe" in (message["text"] or ""), after=sent["id"])
        assert "Seed: 8\n" in card["text"]
        menu = await anna.until(lambda message: any("Vary" in text for text in buttons(message)), after=card["id"])
        assert card["reply_to"] == menu["reply_to"] == sent["id"]
    await anna.press(card, "Repeat exactly")
    repeated = await anna.until(is_result, after=card["id"])
    assert "seed 8" in repeated["caption"]


async def test_a_file_without_a_recipe_is_a_picture_like_any_other(house: House, anna: Person) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    form = aiohttp.FormData({"user": "1001", "chat": "1001"})
    form.add_field("document", buffer.getvalue(), filename="other.png", content_type="image/png")
    async with anna.session.post(f"{anna.url}/sim/message", data=form) as response:
        assert response.status == 200
    await anna.until(lambda message: "tiny (8×8)" in (message["text"] or ""))


async def test_a_button_under_a_very_old_message_still_asks_before_it_deletes(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    assert house.studio is not None
    press = {
        "id": "77",
        "from": {"id": 1001, "is_bot": False, "first_name": "Anna", "language_code": "en"},
        "chat_instance": "1",
        "message": {"chat": {"id": 1001, "type": "private"}, "message_id": grid["id"], "date": 0},
        "data": next(key["data"] for row in grid["buttons"] for key in row if key["text"] == "🗑"),
    }
    await house.studio.updates.feed_raw_update(house.studio.bot, {"update_id": 2**40, "callback_query": press})
    asking = await anna.message(grid["id"])
    assert not asking["deleted"]
    assert buttons(asking) == ["🗑 Delete for good", "↩️ Keep"]


async def test_a_picture_is_refined_alone_by_its_own_recipe_and_pointed_to_the_second_time(
    every_mode: House, anna: Person
) -> None:
    grid = await anna.draw("a red circle --full --cfg 4.5 --no text --n 3 --seed 40")
    await anna.press(grid, "⬆ 3")
    single = await anna.until(is_single, after=grid["id"])
    await anna.press(single, "More")
    more = await anna.until(lambda message: "💎 Refine a little" in buttons(message))
    refined = single
    for button, strength in (("Refine a little", 0.3), ("Refine a lot", 0.6)):
        await anna.press(more, button)
        refined = await anna.until(is_single, after=refined["id"])
        request = every_mode.painter.submitted[-1].request
        assert isinstance(request, Refine)
        assert (request.seeds, request.strength, request.prompt) == ((42,), strength, "a red circle")
        assert (request.guidance_scale, request.negative_prompt) == (4.5, "text")
    ticked = await anna.until(lambda message: "💎 Refine a lot ✓" in buttons(message))
    await anna.press(ticked, "Refine a lot ✓")
    finger = await anna.until(lambda message: (message["text"] or "").startswith("👆"))
    assert finger["reply_to"] == refined["id"]
    assert len(every_mode.painter.submitted) == 3


async def test_where_nothing_can_vary_the_row_under_a_grid_is_locked_and_says_what_is_missing(
    house: House, anna: Person
) -> None:
    grid = await anna.draw("a red circle --n 2")
    assert {"🔒 1", "🔒 2", "⬆ 1", "⬆ 2"} <= set(buttons(grid))
    answer = (await anna.press(grid, "🔒 2"))["answer"]
    assert answer["alert"]
    assert "not installed" in answer["text"]
    assert len(house.painter.submitted) == 1
