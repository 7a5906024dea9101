"""What one person sends, however much, is a wait for that person alone; the rest is refused without work, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher, Router
from aiogram.types import (
    CallbackQuery,
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    PhotoSize,
    Update,
    User,
)  # fmt: skip
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import middlewares
from bot.settings import Settings
from bot.store import Person
from bot.telegram.albums import Albums
from bot.telegram.callbacks import ExampleButton
from bot.telegram.outbox import Outbox
from bot.telegram.pacing import Pace, Window
from tests.bot.bare import Books, bare_studio
from tests.bot.wire import SENT, scripted_bot
from tests.waiting import until

ANNA, BORIS, GROUP = 1001, 1002, -100500
UNHURRIED = Pace(private=(Window(1000, 1.0),), group=(Window(1000, 1.0),), per_second=1e6)


class Crowd:
    """A bot whose handlers take as long as `gate` is shut, and people who send it many things at once."""

    def __init__(self, history: Books, **settings: Any) -> None:
        bot, self.session = scripted_bot(getMe=[User(id=123456, is_bot=True, first_name="K", username="studio_bot")])
        self.bot: Bot = bot
        outbox = Outbox(UNHURRIED)
        self.session.middleware(outbox)
        self.updates = Dispatcher(disable_fsm=True)
        studio = bare_studio(bot, history)
        settings = {"pictures_waiting_per_person": 5, "messages_waiting_per_person": 6, **settings}
        middlewares.install(self.updates, settings=Settings(_env_file=None, **settings), studio=studio, outbox=outbox)
        self.gate = asyncio.Event()
        self.begun: list[tuple[int, int]] = []
        self.going = 0
        self.albums = Albums(quiet_seconds=0.05)
        self.gathered: list[int] = []
        self._update_id = 0
        self.updates.include_router(self._router())

    def _router(self) -> Router:
        router = Router()

        @router.message()
        async def slow(message: Message, person: Person) -> None:
            parts = await self.albums.gather(message)
            if parts is None:
                return
            self.gathered.append(len(parts))
            await self._work(person.id, message.message_id)

        @router.callback_query()
        async def press(callback: CallbackQuery, person: Person) -> None:
            await self._work(person.id, 0)

        return router

    async def _work(self, person: int, message: int) -> None:
        self.begun.append((person, message))
        self.going += 1
        await self.gate.wait()
        self.going -= 1

    def send(self, user: int, number: int, *, chat: int | None = None, **what: Any) -> asyncio.Task[Any]:
        place = chat or user
        message = Message(
            message_id=number, date=SENT, chat=Chat(id=place, type="private" if place > 0 else "supergroup"),
            from_user=User(id=user, is_bot=False, first_name="A", language_code="en"), **what,
        )  # fmt: skip
        return self._feed(message=message)

    def press(self, user: int, number: int) -> asyncio.Task[Any]:
        data = ExampleButton(number=number % 100).pack()
        keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", callback_data=data)]])
        under = Message(
            message_id=1, date=SENT, chat=Chat(id=user, type="private"), text="welcome", reply_markup=keyboard,
            from_user=User(id=123456, is_bot=True, first_name="K"),
        )  # fmt: skip
        pressed = CallbackQuery(
            id=f"q{number}", chat_instance="c", data=data, message=under,
            from_user=User(id=user, is_bot=False, first_name="A", language_code="en"),
        )  # fmt: skip
        return self._feed(callback_query=pressed)

    def _feed(self, **event: Any) -> asyncio.Task[Any]:
        self._update_id += 1
        return asyncio.create_task(self.updates.feed_update(self.bot, Update(update_id=self._update_id, **event)))

    def photos(self, user: int, count: int, **more: Any) -> list[asyncio.Task[Any]]:
        photo = [PhotoSize(file_id="f", file_unique_id="u", width=9, height=9)]
        return [self.send(user, number, photo=photo, **more) for number in range(1, count + 1)]

    def words(self, user: int, count: int, **more: Any) -> list[asyncio.Task[Any]]:
        return [self.send(user, number, text="a fox", **more) for number in range(1, count + 1)]

    def told(self) -> list[str]:
        return [call.method.text for call in self.session.named("sendMessage")]

    async def reached(self, user: int, number: int, *, times: int = 1) -> None:
        """Waits until a handler has begun with a message."""
        await until(lambda: self.begun.count((user, number)) >= times)

    async def held(self, tasks: list[asyncio.Task[Any]], count: int) -> None:
        """Waits until all but `count` of these updates have been dealt with."""
        await until(lambda: sum(not task.done() for task in tasks) <= count)


@pytest_asyncio.fixture
async def history(database: AsyncEngine) -> Books:
    history = Books(database)
    for known in (ANNA, BORIS):
        await history.person(known, "en")
    return history


async def test_of_many_photos_so_many_are_taken_and_the_rest_is_refused_once(history: Books) -> None:
    crowd = Crowd(history)
    tasks = crowd.photos(ANNA, 200)
    await crowd.held(tasks, 5)
    assert len(crowd.begun) == 5
    assert len(crowd.told()) == 1
    assert "up to 5 pictures" in crowd.told()[0]
    boris = crowd.photos(BORIS, 1)
    await crowd.reached(BORIS, 1)
    crowd.gate.set()
    await asyncio.gather(*tasks, *boris)
    assert len(crowd.begun) == 6


async def test_another_flood_after_the_first_is_told_of_again(history: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.middlewares.crowds.CALM_SECONDS", 0.0)
    crowd = Crowd(history)
    for floods in (1, 2):
        crowd.gate.clear()
        tasks = crowd.photos(ANNA, 20)
        await crowd.held(tasks, 5)
        crowd.gate.set()
        await asyncio.gather(*tasks)
        assert len(crowd.told()) >= floods


async def test_an_album_counts_as_its_parts_and_is_taken_or_refused_as_a_whole(history: Books) -> None:
    crowd = Crowd(history)
    first = crowd.photos(ANNA, 4, media_group_id="one")
    second = crowd.photos(ANNA, 4, media_group_id="two")
    third = crowd.photos(ANNA, 4, media_group_id="three")
    await crowd.held([*first, *second, *third], 2)
    await crowd.reached(ANNA, 1, times=2)
    assert crowd.gathered == [4, 4]  # the second began while there was room for one, and came in whole
    assert len(crowd.told()) == 1
    crowd.gate.set()
    await asyncio.gather(*first, *second, *third)
    late = crowd.photos(ANNA, 1, media_group_id="three")
    await asyncio.gather(*late)
    assert crowd.gathered == [4, 4]  # what is left of a refused album is refused as well
    await asyncio.gather(*crowd.photos(ANNA, 3, media_group_id="four"))
    assert crowd.gathered == [4, 4, 3]


async def test_of_many_words_few_are_read_at_a_time_and_the_rest_is_refused_once(history: Books) -> None:
    crowd = Crowd(history)
    tasks = crowd.words(ANNA, 500)
    await crowd.held(tasks, 10)
    await until(lambda: crowd.going == 4)
    assert len(crowd.told()) == 1
    boris = crowd.words(BORIS, 1)
    await crowd.reached(BORIS, 1)
    crowd.gate.set()
    await asyncio.gather(*tasks, *boris)
    assert sorted(number for who, number in crowd.begun if who == ANNA) == list(range(1, 11))


async def test_a_command_is_not_held_up_by_photos_of_its_sender(history: Books) -> None:
    crowd = Crowd(history)
    tasks = crowd.photos(ANNA, 50)
    await crowd.held(tasks, 5)
    tasks.append(crowd.send(ANNA, 77, text="/cancel"))
    await crowd.reached(ANNA, 77)
    crowd.gate.set()
    await asyncio.gather(*tasks)


async def test_presses_are_bounded_too_and_every_one_is_answered(history: Books) -> None:
    crowd = Crowd(history)
    tasks = [crowd.press(ANNA, number) for number in range(100)]
    await crowd.held(tasks, 54)
    assert crowd.going == 4
    tasks.append(crowd.press(BORIS, 1000))
    await crowd.reached(BORIS, 0)
    crowd.gate.set()
    await asyncio.gather(*tasks)
    assert len({call.method.callback_query_id for call in crowd.session.named("answerCallbackQuery")}) == 101


async def test_in_a_group_only_what_is_meant_for_the_bot_is_refused_aloud(history: Books) -> None:
    crowd = Crowd(history)
    talk = [*crowd.words(ANNA, 50, chat=GROUP), *crowd.photos(ANNA, 50, chat=GROUP)]
    await crowd.held(talk, 55)  # talk among others waits for nobody
    assert crowd.told() == []
    meant = [crowd.send(ANNA, 100 + n, chat=GROUP, text="@Studio_Bot a fox") for n in range(50)]
    await crowd.held(meant, 10)
    assert len(crowd.told()) == 1
    crowd.gate.set()
    await asyncio.gather(*talk, *meant)
