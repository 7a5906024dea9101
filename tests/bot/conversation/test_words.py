"""Better words and translations: shown before they are drawn, never lost, and honest where they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.jobs.cards.origins import origins
from bot.jobs.context import context_of
from bot.jobs.translation import next_step
from bot.modes.better_words.rewriting import difference, improved
from bot.prompt import PromptLine
from bot.texts.i18n import speaking
from inference.queue.database import open_database
from inference.queue.ledger import Ledger
from inference.requests import Failed, Finished, FlashTextToImage, Note, TextToImage
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import BIG, SMALL, offering
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

WORDY = offering(BIG, *BIG.kinds, "beautify", "translate")
OUT_OF_TIME = Failed(code="timed_out", message="not done after 120 s")


@pytest.fixture
async def wordy(closed_house: House) -> House:
    """A house with the big model and both language models."""
    closed_house.painter.card = WORDY
    await closed_house.open()
    return closed_house


def is_choice(message: Message) -> bool:
    return "✅ Use new" in buttons(message) or "✅ Взять новые" in buttons(message)


def is_fallback(message: Message) -> bool:
    return "▶️ Draw my words" in buttons(message)


def words_in(message: Message, kind: str) -> list[str]:
    """The parts of a text that Telegram marks so, by its own UTF-16 offsets."""
    units = message["text"].encode("utf-16-le")
    return [
        units[2 * mark["offset"] : 2 * (mark["offset"] + mark["length"])].decode("utf-16-le")
        for mark in message["entities"]
        if mark["type"] == kind
    ]


def drawn(house: House) -> list[FlashTextToImage | TextToImage]:
    requests = (job.request for job in house.painter.submitted)
    return [request for request in requests if isinstance(request, FlashTextToImage | TextToImage)]


@asynccontextmanager
async def ledger_of(house: House) -> AsyncIterator[Ledger]:
    """The ledger of a house whose bot is not running."""
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        yield Ledger(database)
    finally:
        await database.dispose()


# Better words


async def test_better_words_are_shown_as_a_difference_and_drawn_only_when_chosen(wordy: House, anna: Person) -> None:
    wordy.painter.answers["a fox & a bear"] = "A red fox & a bear in <deep> snow"
    await anna.say("/beautify a fox & a bear --ar 16:9 --seed 7")
    card = await anna.until(is_choice)
    assert words_in(card, "bold")[1:] == ["red", "in <deep> snow"]
    assert drawn(wordy) == []
    await anna.press(card, "Use new")
    grid = await anna.until(is_result)
    request = drawn(wordy)[0]
    assert request.prompt == "A red fox & a bear in <deep> snow"
    assert (request.width, request.height, request.seeds) == (448, 256, (7, 8, 9, 10))
    assert grid["reply_to"] == card["id"]
    assert "Your own words: a fox & a bear" in grid["caption"]
    await anna.press(grid, "Recipe")
    recipe = await anna.until(lambda message: "Recipe" in (message["text"] or ""))
    assert "A red fox & a bear in <deep> snow" in recipe["text"]
    assert "Your own words: a fox & a bear" in recipe["text"]
    await anna.press(grid, "Again")
    again = await anna.until(is_result, after=recipe["id"])
    assert "Your own words: a fox & a bear" in again["caption"]


async def test_what_is_gone_is_struck_out(wordy: House, anna: Person) -> None:
    wordy.painter.answers["a small fox in deep snow"] = "a small owl in deep snow"
    await anna.say("/beautify a small fox in deep snow")
    card = await anna.until(is_choice)
    assert words_in(card, "strikethrough") == ["fox"]
    assert words_in(card, "bold")[1:] == ["owl"]


async def test_ones_own_words_can_be_kept(wordy: House, anna: Person) -> None:
    await anna.say("/beautify a fox --n 2")
    card = await anna.until(is_choice)
    await anna.press(card, "Keep mine")
    grid = await anna.until(is_result)
    assert [request.prompt for request in drawn(wordy)] == ["a fox"]
    assert "own words" not in grid["caption"]


async def test_new_words_come_back_to_be_edited(wordy: House, anna: Person) -> None:
    await anna.say("/beautify a fox --ar 3:2")
    card = await anna.until(is_choice)
    await anna.press(card, "Edit")
    asked = await anna.until(lambda message: "send them back" in (message["text"] or ""))
    assert asked["text"].endswith("a fox, in soft light --ar 3:2")
    await anna.say("a fox, in harsh light --ar 3:2", reply_to=asked["id"])
    await anna.until(is_result)
    assert drawn(wordy)[0].prompt == "a fox, in harsh light"


async def test_other_words_are_asked_for_with_another_seed(wordy: House, anna: Person) -> None:
    await anna.say("/beautify a fox")
    card = await anna.until(is_choice)
    await anna.press(card, "Other words")
    await anna.until(is_choice, after=card["id"])
    first, second = (job.request for job in wordy.painter.submitted)
    assert first.prompt == second.prompt == "a fox"
    assert first.seeds != second.seeds


async def test_a_grid_is_improved_by_its_button_with_everything_else_as_it_was(wordy: House, anna: Person) -> None:
    grid = await anna.draw("a fox --seed 40 --n 3 --ar 3:2")
    await anna.press(grid, "Improve")
    card = await anna.until(is_choice)
    assert card["reply_to"] == grid["id"]
    await anna.press(card, "Use new")
    await anna.until(is_result, after=card["id"])
    before, after = drawn(wordy)
    assert after == before.model_copy(update={"prompt": "a fox, in soft light"})


async def test_without_a_language_model_there_is_no_such_button(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    assert not any("Improve" in text for text in buttons(grid))


async def test_an_answer_to_ones_own_picture_improves_its_words(wordy: House, anna: Person) -> None:
    grid = await anna.draw("a fox")
    await anna.say("/beautify", reply_to=grid["id"])
    await anna.until(is_choice)
    assert wordy.painter.submitted[-1].request.prompt == "a fox"
    asked = await anna.say("/beautify")
    await anna.until(lambda message: "Which words" in (message["text"] or ""), after=asked["message"]["id"])


async def test_plain_words_ask_for_it_too_and_in_groups_only_those_that_mean_the_bot(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    await vera.say("улучши: нарисуй лису")
    card = await vera.until(is_choice)
    assert wordy.painter.submitted[-1].request.prompt == "лису"
    assert "Слова получше" in card["text"]
    group = named(1001, "en", -77)
    await group.say("improve a bear")
    me = wordy.studio.me.username if wordy.studio else ""
    await group.say(f"@{me} improve a wolf")
    await group.until(is_choice)
    assert wordy.painter.submitted[-1].request.prompt == "a wolf"
    assert len(wordy.painter.submitted) == 2


async def test_a_stranger_cannot_choose_for_me(wordy: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "ru", -77)
    await anna.say("/beautify a fox")
    card = await anna.until(is_choice)
    for button in ("Use new", "Keep mine", "Edit", "Other words"):
        answer = (await boris.press(card, button))["answer"]
        assert answer["alert"], button
    assert len(wordy.painter.submitted) == 1


async def test_two_quick_presses_draw_once(wordy: House, anna: Person) -> None:
    await anna.say("/beautify a fox")
    card = await anna.until(is_choice)
    wordy.painter.gate.clear()
    presses = await asyncio.gather(anna.press(card, "Use new"), anna.press(card, "Use new"))
    assert any((press["answer"] or {}).get("text") == "It is already in line." for press in presses)
    wordy.painter.gate.set()
    await anna.until(is_result)
    assert len(drawn(wordy)) == 1


async def test_the_text_is_shown_as_it_grows(wordy: House, anna: Person) -> None:
    wordy.painter.gate.clear()
    wordy.painter.answers["a fox"] = "a fox under a <golden> moon tonight"
    await anna.say("/beautify a fox")
    growing = await anna.until(lambda message: "under a <golden> moon" in (message["text"] or ""))
    assert "tonight" not in growing["text"]
    assert buttons(growing)[0] == "❌ Cancel"
    wordy.painter.gate.set()
    card = await anna.until(is_choice)
    assert card["id"] == growing["id"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OUT_OF_TIME, "too long"),
        (Failed(code="internal", message="boom"), "Something broke"),
        (Failed(code="out_of_memory", message="boom"), "not enough memory"),
        ("", "no words that I could draw"),
    ],
)
async def test_where_it_fails_the_card_says_so_and_offers_ones_own_words(
    wordy: House, anna: Person, answer: str | Failed, said: str
) -> None:
    wordy.painter.answers["a fox"] = answer
    await anna.say("/beautify a fox --seed 3")
    card = await anna.until(is_fallback)
    assert said in card["text"]
    assert drawn(wordy) == []
    await anna.press(card, "Draw my words")
    await anna.until(is_result)
    assert drawn(wordy)[0].prompt == "a fox"
    wordy.painter.answers.clear()
    await anna.press(card, "Try again")
    await anna.until(is_choice)


async def test_without_a_language_model_one_hears_so_at_once_and_can_draw(house: House, anna: Person) -> None:
    house.painter.slots = 0  # nothing could be written in any case
    await anna.say("/beautify a red circle")
    card = await anna.until(is_fallback)
    assert "No language model" in card["text"]
    assert len(buttons(card)) == 1  # another try could not help
    listed = await until(lambda: shown_commands(anna))
    assert "beautify" not in {one["command"] for one in listed}
    house.painter.slots = 2
    await house.reopen()
    await anna.press(card, "Draw my words")
    await anna.until(is_result)
    assert [job.request.kind for job in house.painter.submitted] == ["flash"]


async def test_a_cancelled_improvement_leaves_ones_own_words_within_reach(wordy: House, anna: Person) -> None:
    wordy.painter.gate.clear()
    await anna.say("/beautify a fox")
    status = await anna.until(lambda message: "better words" in (message["text"] or ""))
    await anna.press(status, "Cancel")
    card = await anna.until(is_fallback)
    assert "Cancelled" in card["text"]


async def test_the_choice_lives_through_a_restart(wordy: House, anna: Person) -> None:
    await anna.say("/beautify a fox")
    card = await anna.until(is_choice)
    await wordy.reopen()
    await anna.press(card, "Use new")
    await anna.until(is_result)
    assert drawn(wordy)[0].prompt == "a fox, in soft light"


# Translations


async def test_russian_words_are_drawn_in_english_and_stay_what_is_read(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса в лесу"] = "a fox in the forest"
    grid = await vera.draw("лиса в лесу --seed 5 --n 2")
    assert [job.request.kind for job in wordy.painter.submitted] == ["translate", "flash"]
    assert drawn(wordy)[0].prompt == "a fox in the forest"
    assert drawn(wordy)[0].seeds == (5, 6)
    assert grid["caption"].startswith("лиса в лесу")
    assert "Перевод: a fox in the forest" in grid["caption"]
    assert len([message for message in await vera.messages() if message["from"]["is_bot"]]) == 1
    await vera.press(grid, "Рецепт")
    recipe = await vera.until(lambda message: "Рецепт" in (message["text"] or ""))
    assert "Перевод: a fox in the forest" in recipe["text"]
    await vera.press(grid, "Ещё")
    again = await vera.until(is_result, after=recipe["id"])
    assert "Перевод: a fox in the forest" in again["caption"]
    assert [job.request.kind for job in wordy.painter.submitted] == ["translate", "flash", "flash"]


async def test_what_to_avoid_is_translated_as_well(wordy: House, named: Callable[..., Person]) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers |= {"лиса": "a fox", "текст": "text"}
    await vera.draw("лиса --no текст")
    request = drawn(wordy)[0]
    assert isinstance(request, TextToImage)
    assert (request.prompt, request.negative_prompt) == ("a fox", "text")
    assert [job.request.kind for job in wordy.painter.submitted] == ["translate", "translate", "full"]


async def test_english_words_and_a_model_that_reads_russian_need_no_translation(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    await vera.draw("a fox")
    await wordy.learns(offering(SMALL, *WORDY.kinds))
    await vera.draw("красный круг")
    assert [job.request.kind for job in wordy.painter.submitted] == ["flash", "flash"]


@pytest.mark.parametrize("answer", [OUT_OF_TIME, ""])
async def test_a_translation_that_fails_stops_nothing_and_is_told(
    wordy: House, named: Callable[..., Person], answer: str | Failed
) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса"] = answer
    grid = await vera.draw("лиса")
    assert drawn(wordy)[0].prompt == "лиса"
    assert "Перевести ваши слова не получилось" in grid["caption"]


async def test_a_translation_that_was_cut_short_is_told(wordy: House, named: Callable[..., Person]) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса"] = "a fox"
    wordy.painter.notes = (Note(code="cut_short"),)
    grid = await vera.draw("лиса")
    assert "до конца перевести не получилось" in grid["caption"]


async def test_a_cancelled_translation_draws_nothing_and_trying_again_draws(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса"] = "a fox"
    wordy.painter.gate.clear()
    await vera.say("лиса")
    status = await vera.until(lambda message: "Перевожу" in (message["text"] or ""))
    await vera.press(status, "Отмен")
    ended = await vera.until(lambda message: "🔄 Попробовать ещё раз" in buttons(message))
    wordy.painter.gate.set()
    await vera.press(ended, "🔄")
    await vera.until(is_result)
    assert [request.prompt for request in drawn(wordy)] == ["a fox"]


async def test_a_restart_in_the_middle_of_a_translation_loses_nothing(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса"] = "a fox"
    wordy.painter.gate.clear()
    await vera.say("лиса --seed 4 --n 1")
    status = await vera.until(lambda message: "Перевожу" in (message["text"] or ""))
    await wordy.reopen()
    shown = await vera.until(is_result)
    assert shown["id"] == status["id"]
    assert [(request.prompt, request.seeds) for request in drawn(wordy)] == [("a fox", (4,))]


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_crash_between_translation_and_drawing_draws_once(
    wordy: House, named: Callable[..., Person], accepted: bool
) -> None:
    vera = named(1003, "ru")
    wordy.painter.gate.clear()
    await vera.say("лиса --n 1")
    status = await vera.until(lambda message: "Перевожу" in (message["text"] or ""))
    await wordy.close()
    async with ledger_of(wordy) as ledger:
        (job,) = await ledger.active()
        await ledger.finish(job.id, Finished(texts=("a fox",)))
        if accepted:  # as far as the bot may have come before it died
            ended = await ledger.job(job.id)
            assert ended is not None
            request, context = next_step(ended, context_of(ended), WORDY)
            await ledger.accept(
                update_id=-job.id,
                owner_id=job.owner_id,
                chat_id=job.chat_id,
                request=request,
                **context.told(),
                admitted=True,
            )
    wordy.painter = wordy.new_painter()
    wordy.painter.card = WORDY
    await wordy.open()
    shown = await vera.until(is_result)
    assert shown["id"] == status["id"]
    assert [request.prompt for request in drawn(wordy)] == ["a fox"]
    await wordy.close()
    async with ledger_of(wordy) as ledger:
        assert await ledger.unshown() == []


async def test_no_limit_refuses_a_drawing_whose_translation_was_let_in(
    closed_house: House, named: Callable[..., Person]
) -> None:
    closed_house.options = {"waiting_per_person": 1, "queue_cap": 1}
    closed_house.painter.card = WORDY
    closed_house.painter.slots = 1
    closed_house.painter.answers["лиса"] = "a fox"
    await closed_house.open()
    vera = named(1003, "ru")
    closed_house.painter.gate.clear()
    await vera.say("лиса --n 1")
    await vera.until(lambda message: "Перевожу" in (message["text"] or ""))
    await vera.say("a bear --n 1")  # takes the one place in line
    await vera.until(lambda message: "следующий в очереди" in (message["text"] or ""))
    closed_house.painter.gate.set()
    await vera.results(2)
    assert sorted(request.prompt for request in drawn(closed_house)) == ["a bear", "a fox"]


async def test_better_words_are_sought_for_russian_ones_without_a_detour(
    wordy: House, named: Callable[..., Person]
) -> None:
    vera = named(1003, "ru")
    wordy.painter.answers["лиса"] = "a majestic fox"
    await vera.say("/beautify лиса")
    card = await vera.until(is_choice)
    assert "Ваши:" in card["text"] and "Новые:" in card["text"]
    await vera.press(card, "Взять новые")
    grid = await vera.until(is_result)
    assert [job.request.kind for job in wordy.painter.submitted] == ["beautify", "flash"]
    assert "Ваши слова: лиса" in grid["caption"]


# The texts themselves


def test_a_difference_keeps_what_both_have_and_escapes_everything() -> None:
    with speaking("en"):
        assert difference("a <b> fox", "A <b> red fox") == "<blockquote>A &lt;b&gt; <b>red</b> fox</blockquote>"
        assert "<blockquote>лиса</blockquote>" in difference("лиса", "a fox")


def test_no_dash_of_an_answer_becomes_a_parameter() -> None:
    assert improved(Finished(texts=("a fox --seed 3 —style oil",))) == "a fox seed 3 style oil"
    assert improved(Finished(texts=("well-lit fox — alone",))) == "well-lit fox — alone"
    assert improved(Finished()) == ""


def test_words_that_were_drawn_as_they_are_need_no_origin() -> None:
    request = FlashTextToImage(prompt="a fox", seeds=(1,))
    with speaking("en"):
        assert origins(PromptLine("a fox"), request) == []
        assert origins(PromptLine("лиса"), request) == ["Translation: <i>a fox</i>"]
        assert origins(PromptLine("лиса"), request.model_copy(update={"prompt": "лиса"})) == []


async def shown_commands(person: Person) -> list[dict[str, str]]:
    return list((await person.get("commands?user=1001"))["commands"])
