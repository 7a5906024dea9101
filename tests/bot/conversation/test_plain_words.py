"""Words that are no picture do what they say; whatever only looks like them is drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.conversation.plain_words import Saying, plainly_said
from inference.requests import FlashTextToImage
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message, Person, buttons


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("отмена", "cancel"),
        ("Отмени всё!", "cancel"),
        ("stop.", "cancel"),
        ("помощь", "help"),
        ("help, please", "help"),
        ("?", "help"),
        ("что ты умеешь?", "start"),
        ("История", "history"),
        ("my pictures", "history"),
        ("настройки", "settings"),
        ("Очередь?", "queue"),
        ("привет, бот!", "hello"),
        ("hi", "hello"),
        ("спасибо большое 😊", "thanks"),
        ("👍🏻", "thanks"),
        ("Красиво!", "thanks"),
        ("I love it", "thanks"),
        ("почему так долго?", "queue"),
        ("is it ready?", "queue"),
        ("Ещё!", "again"),
        ("ещё раз, пожалуйста", "again"),
        ("one more time", "again"),
        ("нет, не то", "pity"),
        ("I don't like it", "pity"),
        ("ок", "yes"),
        (".", "draw"),
        ("\u200b", "draw"),
        ("нарисуй", "draw"),
    ],
)
def test_what_says_something_to_the_bot_is_no_wish(text: str, saying: Saying) -> None:
    assert plainly_said(text) == saying


@pytest.mark.parametrize(
    "text",
    [
        "стоп-сигнал в тумане",
        "история Рима, фреска",
        "настройки радиоприёмника крупно",
        "очередь за хлебом",
        "stop sign",
        "a history book",
        "help wanted poster",
        "привет от мишки, открытка",
        "hi-fi stereo",
        "спасибо деду за победу",
        "огонь",
        "красота",
        "салют",
        "🦊",
        "помощь --n 2",
        "ещё один кот",
        "another brick in the wall",
        "красивое платье",
        "плохой волк",
        "скоро осень",
    ],
)
def test_a_wish_that_begins_like_it_is_drawn(text: str) -> None:
    assert plainly_said(text) is None


def says(text: str) -> Callable[[Message], bool]:
    return lambda message: text in (message["text"] or "")


async def test_plain_words_act_are_answered_and_draw_nothing(house: House, named: Callable[..., Person]) -> None:
    vera = named(1003, "ru")
    for words, answer in (
        ("помощь", "Что я умею"),
        ("что ты умеешь", "Здравствуйте"),
        ("история", "картинок пока нет"),
        ("настройки", "Ваши настройки"),
        ("очередь", "Очередь пуста"),
        ("отмена", "Отменять нечего"),
        ("привет", "Здравствуйте!"),
        ("спасибо", "Что нарисовать дальше?"),
        ("не то", "поменяет слова"),
        ("ещё", "своими словами"),
        (".", "своими словами"),
        ("нарисуй нам, пожалуйста", "своими словами"),
        ("/отмена", "/cancel"),
        ("/histroy", "/history"),
        ("/руд", "/help"),
        ("красный круг --н 2", "--n"),
    ):
        asked = (await vera.say(words))["message"]
        told = await vera.until(says(answer), after=asked["id"])
        assert words != "привет" or len(buttons(told)) == 3
    assert house.painter.submitted == []
    await vera.draw("стоп-сигнал в тумане")
    await vera.draw("/imagine привет")
    assert [job.request.prompt for job in house.painter.submitted] == ["стоп-сигнал в тумане", "привет"]


async def test_again_draws_the_last_once_more_or_what_it_answers(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001), named(1002)
    first = await anna.draw("a red circle --n 2 --seed 5")
    await anna.draw("a blue cat --n 1 --seed 6")
    await boris.draw("a green circle")
    await anna.draw("again!")
    await anna.draw("one more", reply_to=first["id"])
    cat, circle = (job.request for job in house.painter.submitted[-2:])
    assert isinstance(cat, FlashTextToImage) and isinstance(circle, FlashTextToImage)
    assert (cat.prompt, len(cat.seeds), circle.prompt, len(circle.seeds)) == ("a blue cat", 1, "a red circle", 2)
    assert cat.seeds != (6,) and circle.seeds != (5, 6)


async def test_stop_stops_what_is_drawn_and_in_a_group_only_who_means_the_bot_is_heard(
    house: House, named: Callable[..., Person]
) -> None:
    house.painter.gate.clear()
    anna = named(1001, "en", -77)
    me = house.studio.me.username if house.studio else ""
    await anna.say("/imagine a red circle")
    status = await anna.until(lambda message: "░" in (message["caption"] or ""))
    await anna.say("stop")
    await anna.say(f"@{me} hello")
    greeting = await anna.until(says("Hello! Tell me"))
    assert "❌ Cancel" in buttons(await anna.message(status["id"]))
    await anna.say("Stop!", reply_to=status["id"])
    await anna.until(says("Cancelled 1 request"), after=greeting["id"])
