"""From a sentence to its pictures in one message, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import bot.app as app
import bot.jobs.order as order_module
from inference.requests import Failed, Note
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import BIG
from tests.e2e.chat import Person, buttons, is_result
from tests.waiting import until


async def test_a_sentence_in_private_becomes_one_message_with_four_pictures(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    assert grid["edits"] >= 1
    assert grid["reply_to"] is not None
    assert grid["photo"]["width"] == grid["photo"]["height"] >= 2 * 384
    assert [text for text in buttons(grid) if text.startswith("⬆")] == ["⬆ 1", "⬆ 2", "⬆ 3", "⬆ 4"]
    assert {"🔄 Again", "✏️ Edit", "📄 Files", "ℹ️ Recipe", "☆", "🗑"} < set(buttons(grid))
    assert "Flash · 128×128 · seed " in grid["caption"]
    assert " · 1.2\xa0s" in grid["caption"]
    red, *_ = np.asarray(await anna.picture(grid["photo"]))[300, 200]
    assert red > 180
    sent_by_bot = [message for message in await anna.messages() if message["from"]["is_bot"]]
    assert len(sent_by_bot) == 1


async def test_the_verb_is_not_part_of_the_picture(house: House, anna: Person) -> None:
    grid = await anna.draw("Нарисуй красный круг")
    assert grid["caption"].startswith("красный круг")
    assert house.painter.submitted[0].request.prompt == "красный круг"


async def test_a_command_draws_with_its_parameters(house: House, anna: Person) -> None:
    await anna.draw("/imagine a blue cat —seed 7 --n 2 --ar 3:2")
    request = house.painter.submitted[0].request
    assert (request.seeds, request.width, request.height) == ((7, 8), 192, 128)


async def test_an_unknown_parameter_is_named_with_the_nearest_and_nothing_is_drawn(house: House, anna: Person) -> None:
    await anna.say("a red circle --stile anime")
    answer = await anna.until(lambda message: bool(message["text"]))
    assert "--stile" in answer["text"]
    assert "--style" in answer["text"]
    assert house.painter.submitted == []


async def test_words_the_small_model_has_never_seen_are_named_kindly(house: House, anna: Person) -> None:
    grid = await anna.draw("a red dragon <b>castle</b>")
    assert "“dragon”" in grid["caption"]
    assert "“castle”" in grid["caption"]
    assert "“red”" not in grid["caption"]


async def test_no_for_flash_becomes_full_quality_and_says_so(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --no text")
    request = house.painter.submitted[0].request
    assert request.kind == "full"
    assert request.negative_prompt == "text"
    assert "--no works in full quality only" in grid["caption"]


async def test_a_style_adds_its_words_where_the_model_knows_them(closed_house: House, anna: Person) -> None:
    closed_house.painter.card = BIG
    await closed_house.open()
    grid = await anna.draw("a fox --style аниме --full")
    request = closed_house.painter.submitted[0].request
    assert request.prompt.startswith("a fox, anime film still")
    assert "photograph" in request.negative_prompt
    assert grid["caption"].startswith("a fox\n")
    assert "Full quality · Anime · 256×256" in grid["caption"]


async def test_the_small_model_leaves_a_style_out_and_says_so(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --style anime")
    assert house.painter.submitted[0].request.prompt == "a red circle"
    assert "does not paint in the style" in grid["caption"]


async def test_while_it_is_drawn_there_is_a_bar_a_preview_and_a_way_out(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    await anna.say("a red circle")
    status = await anna.until(lambda message: bool(message["photo"]))
    assert "░" in status["caption"]
    assert buttons(status) == ["❌ Cancel", "🕓 Queue"]
    house.painter.gate.set()
    grid = await anna.until(is_result)
    assert grid["id"] == status["id"]


async def test_those_who_wait_read_their_place(house: House, named: Callable[..., Person]) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    anna, boris = named(1001), named(1002, "ru")
    await anna.say("a red circle")
    await anna.until(lambda message: "░" in (message["caption"] or ""))
    await boris.say("синий кот")
    waiting = await boris.until(lambda message: "следующий" in (message["text"] or ""))
    alert = await boris.press(waiting, "Очередь")
    assert alert["answer"]["alert"]
    assert "следующий" in alert["answer"]["text"]
    house.painter.gate.set()
    assert (await boris.until(is_result))["id"] == waiting["id"]


async def test_cancelling_a_running_job_takes_its_noise_away_and_the_next_one_is_drawn(
    house: House, anna: Person
) -> None:
    house.painter.gate.clear()
    asked = (await anna.say("a red circle"))["message"]
    status = await anna.until(lambda message: "░" in (message["caption"] or ""))
    await anna.press(status, "Cancel")
    message = await anna.until(lambda message: "Cancelled." in (message["text"] or ""))
    assert not message["photo"]
    assert message["reply_to"] == asked["id"]
    assert buttons(message) == ["🔄 Try again", "✏️ Edit"]

    async def gone() -> bool:
        return bool((await anna.message(status["id"]))["deleted"])

    await until(gone, "half a picture is left in the chat")
    house.painter.gate.set()
    await anna.press(message, "Try again")
    grid = await anna.until(is_result, after=message["id"])
    assert grid["reply_to"] == message["id"]
    assert buttons(await anna.message(message["id"])) == []


async def test_a_failure_takes_its_noise_away_and_what_had_none_ends_where_it_began(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    house.painter.failure = Failed(code="internal", message="a mistake")
    await anna.say("a red circle")
    status = await anna.until(lambda message: bool(message["photo"]))
    await anna.say("a blue cat")
    waiting = await anna.until(lambda message: "next in line" in (message["text"] or ""))
    await anna.press(waiting, "Cancel")
    await anna.until(lambda message: message["id"] == waiting["id"] and "Cancelled." in message["text"])
    house.painter.gate.set()
    told = await anna.until(lambda message: "broke on our side" in (message["text"] or ""))
    assert told["id"] > waiting["id"] and not told["photo"]

    async def gone() -> bool:
        return bool((await anna.message(status["id"]))["deleted"])

    await until(gone, "half a picture is left in the chat")


async def test_cancel_ends_everything_of_mine_and_nothing_of_others(house: House, named: Callable[..., Person]) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    anna, boris = named(1001), named(1002)
    await anna.say("a red circle")
    await anna.until(lambda message: "░" in (message["caption"] or ""))
    await anna.say("a blue cat")
    await boris.say("a green circle")
    for person in (anna, boris):
        await person.until(lambda message: "n line" in (message["text"] or ""))
    await anna.say("/cancel")
    await anna.until(lambda message: message["text"] == "Cancelled 2 requests.")
    house.painter.gate.set()
    assert is_result(await boris.until(is_result))
    assert not any(is_result(message) for message in await anna.messages())


async def test_cancel_as_an_answer_ends_only_that_request(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    for words in ("a red circle", "a blue cat"):
        await anna.say(words)
    second = await anna.until(lambda message: (message["text"] or "").endswith("a blue cat"))
    await anna.say("/cancel", reply_to=second["id"])
    await anna.until(lambda message: message["text"] == "Cancelled 1 request.")
    house.painter.gate.set()
    await anna.until(is_result)
    assert "Cancelled." in (await anna.message(second["id"]))["text"]


async def test_a_failure_says_whose_fault_it_is_and_offers_another_try(house: House, anna: Person) -> None:
    house.painter.failure = Failed(code="out_of_memory", message="CUDA out of memory")
    await anna.say("a red <circle>")
    card = await anna.until(lambda message: "memory" in (message["text"] or message["caption"] or ""))
    text = card["text"] or card["caption"]
    assert "Not your fault" in text
    assert "#1" in text
    assert "a red <circle>" in text
    assert "CUDA" not in text
    house.painter.failure = None
    await anna.press(card, "Try again")
    await anna.until(is_result)


async def test_what_the_model_did_not_read_is_quoted(house: House, anna: Person) -> None:
    house.painter.notes = (Note(code="prompt_cut", detail="and a <very> long tail"),)
    grid = await anna.draw("a red circle")
    assert "Not seen: “and a <very> long tail”" in grid["caption"]


async def test_too_many_waiting_requests_are_refused_with_the_limit(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    await anna.say("a red circle")
    await anna.until(lambda message: "░" in (message["caption"] or ""))
    for _number in range(4):
        await anna.say("a blue cat")
    refusal = await anna.until(lambda message: "Put aside" in (message["text"] or ""))
    assert "3 requests waiting" in refusal["text"]


async def test_a_redelivered_update_changes_nothing(house: House, anna: Person) -> None:
    said = await anna.say("a red circle")
    await anna.until(is_result)
    before = len(await anna.messages())
    await anna.post("redeliver", {"update_id": said["update_id"]})
    marker = await anna.say("/queue")
    await anna.until(lambda message: bool(message["text"]), after=marker["message"]["id"])
    assert len(await anna.messages()) == before + 2
    assert len(house.painter.submitted) == 1


async def test_without_an_engine_a_person_is_told_so(closed_house: House, anna: Person) -> None:
    closed_house.patch.setattr(app, "CARD_SECONDS", 0.1)
    closed_house.patch.setattr(order_module, "CARD_PATIENCE", 0.2)
    closed_house.painter.card = None
    await closed_house.open()
    await anna.say("a red circle")
    answer = await anna.until(lambda message: "engine" in (message["text"] or ""))
    assert "not your fault" in answer["text"]


async def test_a_group_hears_only_what_it_asked_for(house: House, named: Callable[..., Person]) -> None:
    anna = named(1001, "en", -500)
    group = {"chat": -500, "title": "Painters", "type": "supergroup", "members": [1001, 1002], "privacy": False}
    await anna.post("chat", group)
    await anna.say("hello everybody, a red circle")
    await anna.say("/imagine a red circle")
    single = await anna.until(is_result)
    assert "⬆ 1" not in buttons(single)
    assert len(house.painter.submitted) == 1
    assert len(house.painter.submitted[0].request.seeds) == 1
    username = (await anna.get("bots"))["bots"][0]["username"]
    await anna.say(f"@{username} a blue cat")
    await anna.until(is_result, after=single["id"])
    assert house.painter.submitted[1].request.prompt == "a blue cat"
    for praise in ("Thank you so much!", "Спасибо, очень красиво", "👍"):
        await anna.say(praise, reply_to=single["id"])
    await anna.say("a green circle", reply_to=single["id"])
    await anna.until(lambda message: is_result(message) and "green" in message["caption"])
    assert len(house.painter.submitted) == 3
