from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramServerError
from aiogram.methods import AnswerCallbackQuery, GetMe
from aiogram.types import CallbackQuery, Chat, ChatMemberLeft, ChatMemberOwner, Message, Update, User
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import middlewares
from bot.jobs import keyboards
from bot.middlewares.answers import AnswerMiddleware
from bot.settings import Settings
from bot.store import Person
from bot.store.tables import people
from bot.telegram.administrators import LASTS_SECONDS, Administrators
from bot.telegram.outbox import Outbox
from bot.texts.i18n import _
from inference.queue.jobs import TooManyWaiting
from tests.bot.bare import Books, bare_studio
from tests.bot.wire import SENT, ScriptedSession, scripted_bot
from tests.waiting import until

ANNA, STRANGER, GROUP = 1001, 6666, -100500


class House:
    """A dispatcher with all middlewares, a router to hang handlers on, and a Telegram that writes down."""

    def __init__(self, history: Books, **settings: Any) -> None:
        bot, self.session = scripted_bot()
        self.bot: Bot = bot
        self.outbox = Outbox()
        self.session.middleware(self.outbox)
        self.updates = Dispatcher(disable_fsm=True)
        studio = bare_studio(bot, history)
        middlewares.install(
            self.updates, settings=Settings(_env_file=None, **settings), studio=studio, outbox=self.outbox
        )
        self.router = Router()
        self.updates.include_router(self.router)
        self._update_id = 0

    def visitors(self) -> list[int]:
        """Ids of those whose messages reach a handler from now on."""
        came: list[int] = []

        @self.router.message()
        async def note(_message: Message, person: Person) -> None:
            came.append(person.id)

        return came

    async def says(self, user: int, text: str = "x", *, chat: int | None = None, language: str | None = "en") -> Any:
        return await self._feed(message=self.message(user, text, chat, language))

    async def presses(self, user: int, *, chat: int | None = None, language: str | None = "en") -> Any:
        press = CallbackQuery(
            id=f"q{self._update_id}",
            from_user=person(user, language),
            chat_instance="c",
            data="e:0",
            message=self.message(999, "grid", chat or user, None).model_copy(
                update={"reply_markup": keyboards.examples(["a cat"])}
            ),
        )
        return await self._feed(callback_query=press)

    def message(self, user: int, text: str, chat: int | None, language: str | None) -> Message:
        place = chat or user
        kind = "private" if place > 0 else "supergroup"
        return Message(
            message_id=50, date=SENT, chat=Chat(id=place, type=kind), from_user=person(user, language), text=text
        )

    async def _feed(self, **event: Any) -> Any:
        self._update_id += 1
        return await self.updates.feed_update(self.bot, Update(update_id=self._update_id, **event))


def person(user: int, language: str | None) -> User:
    return User(id=user, is_bot=False, first_name="A", language_code=language)


@pytest.fixture
def history(database: AsyncEngine) -> Books:
    return Books(database)


def texts(session: ScriptedSession) -> list[str]:
    return [call.method.text for call in session.calls if getattr(call.method, "text", None)]


async def test_a_handler_is_given_the_person_and_speaks_their_language(history: Books) -> None:
    house = House(history)
    seen: list[tuple[int, str, str]] = []

    @house.router.message()
    async def listen(_message: Message, person: Person) -> None:
        seen.append((person.id, person.language, _("This studio is private, sorry.")))

    await house.says(ANNA, language="ru")
    await house.says(ANNA, language="en")
    await history.set_preference(ANNA, language="ru")
    await house.says(ANNA, language="en")
    assert [language for _id, language, _text in seen] == ["ru", "en", "ru"]
    assert seen[0][2] == seen[2][2] != seen[1][2] == "This studio is private, sorry."


async def test_two_people_at_once_do_not_mix_their_languages(history: Books) -> None:
    house = House(history)
    meeting = asyncio.Barrier(2)
    spoken: dict[int, str] = {}

    @house.router.message()
    async def listen(_message: Message, person: Person) -> None:
        await meeting.wait()
        spoken[person.id] = _("This studio is private, sorry.")

    await asyncio.gather(house.says(1, language="ru"), house.says(2, language="en"))
    assert spoken[2] == "This studio is private, sorry." != spoken[1]


async def test_a_person_who_writes_again_is_no_longer_blocked(history: Books) -> None:
    house = House(history)

    @house.router.message()
    async def listen(_message: Message) -> None: ...

    await history.set_blocked(ANNA, True)
    await house.says(ANNA, chat=GROUP)
    assert (await history.person(ANNA, "en")).blocked, "a word in a group says nothing of the private chat"
    await house.says(ANNA)
    assert not (await history.person(ANNA, "en")).blocked


async def test_everybody_is_let_in_when_there_is_no_list(history: Books) -> None:
    house = House(history, admin_ids=frozenset({5}))
    came = house.visitors()
    await house.says(STRANGER)
    assert came == [STRANGER]


async def test_only_listed_people_groups_and_owners_get_in(history: Books) -> None:
    house = House(history, allowed_users=frozenset({ANNA, GROUP}), admin_ids=frozenset({5}))
    came = house.visitors()
    await house.says(ANNA)
    await house.says(5)
    await house.says(STRANGER, chat=GROUP)
    await house.says(STRANGER)
    await house.says(STRANGER, chat=-42)
    assert came == [ANNA, 5, STRANGER]


async def test_a_stranger_is_told_once_in_private_and_never_in_a_group(history: Books) -> None:
    house = House(history, allowed_users=frozenset({ANNA}))
    await house.says(STRANGER, chat=-42)
    assert house.session.calls == []
    for _again in range(3):
        await house.says(STRANGER)
    assert len(house.session.calls) == 1
    assert str(STRANGER) in texts(house.session)[0]


async def test_a_stranger_who_presses_a_button_is_told_in_private(history: Books) -> None:
    house = House(history, allowed_users=frozenset({ANNA}))
    await house.presses(STRANGER, chat=-42)
    assert [call.name for call in house.session.calls] == ["answerCallbackQuery"]
    assert house.session.calls[0].method.show_alert


async def test_a_press_is_answered_when_the_handler_has_nothing_to_say(history: Books) -> None:
    house = House(history)

    @house.router.callback_query()
    async def pressed(_callback: CallbackQuery) -> None: ...

    await house.presses(ANNA)
    assert [call.name for call in house.session.calls] == ["answerCallbackQuery"]


async def test_a_press_that_the_handler_answers_is_answered_once(history: Books) -> None:
    house = House(history)

    @house.router.callback_query()
    async def pressed(callback: CallbackQuery) -> None:
        await callback.answer("not yours")

    await house.presses(ANNA)
    assert texts(house.session) == ["not yours"]
    assert len(house.session.calls) == 1


async def test_a_press_that_nobody_handles_is_answered_too(history: Books) -> None:
    house = House(history)
    await house.presses(ANNA)
    assert [call.name for call in house.session.calls] == ["answerCallbackQuery"]


async def test_a_press_is_answered_in_time_when_the_handler_takes_long() -> None:
    bot, session = scripted_bot()
    outbox = Outbox()
    session.middleware(outbox)
    press = CallbackQuery(id="q", from_user=person(ANNA, "en"), chat_instance="c").as_(bot)
    answered = asyncio.Event()

    async def slow(_event: Any, _data: Any) -> None:
        await until(lambda: outbox.was_answered("q"))
        answered.set()

    await AnswerMiddleware(outbox, patience=0.0)(slow, press, {})
    assert answered.is_set()
    assert len(session.calls) == 1


TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize("too_old", [False, True], ids=["let go of", "too old"])
async def test_an_alert_that_comes_too_late_for_one_is_a_message(too_old: bool) -> None:
    refusal = TelegramBadRequest(method=AnswerCallbackQuery(callback_query_id="q"), message=TOO_OLD)
    bot, session = scripted_bot(answerCallbackQuery=[refusal] if too_old else [True], sendMessage=[SENT])
    outbox = Outbox()
    session.middleware(outbox)
    under = Message(message_id=7, date=SENT, chat=Chat(id=ANNA, type="private"))
    press = CallbackQuery(id="q", from_user=person(ANNA, "en"), chat_instance="c", message=under).as_(bot)

    async def slow(_event: Any, _data: Any) -> None:
        await until(lambda: too_old or outbox.was_answered("q"))
        await press.answer("Gone & <lost>.", show_alert=True)

    await AnswerMiddleware(outbox, patience=30.0 if too_old else 0.0)(slow, press, {})
    assert [call.name for call in session.calls] == ["answerCallbackQuery", "sendMessage"]
    said = session.calls[-1].method
    assert (said.chat_id, said.text, said.reply_parameters.message_id) == (ANNA, "Gone &amp; &lt;lost&gt;.", 7)


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
@pytest.mark.parametrize("refusals", [0, 1], ids=["slow", "refused at first"])
async def test_an_answer_on_its_way_when_the_handler_ends_arrives_all_the_same(refusals: int, fails: bool) -> None:
    arrived: list[Any] = []
    busy = TelegramServerError(method=AnswerCallbackQuery(callback_query_id="q"), message="Internal Server Error")
    bot, session = scripted_bot(answerCallbackQuery=[busy] * refusals + [arrived.append])
    session.latency = 0.01
    outbox = Outbox()
    session.middleware(outbox)
    press = CallbackQuery(id="q", from_user=person(ANNA, "en"), chat_instance="c").as_(bot)

    async def ending(_event: Any, _data: Any) -> None:
        await until(lambda: session.calls)
        if fails:
            raise ZeroDivisionError

    with contextlib.suppress(ZeroDivisionError):
        await AnswerMiddleware(outbox, patience=0.0)(ending, press, {})
    assert len(arrived) == 1


async def test_a_refusal_of_the_queue_is_told_in_the_persons_language(history: Books) -> None:
    house = House(history)

    @house.router.message()
    async def refuse(_message: Message) -> None:
        raise TooManyWaiting(3)

    await house.says(ANNA, language="en")
    await house.says(ANNA, language="ru")
    english, russian = texts(house.session)
    assert "3" in english
    assert "3" in russian
    assert english.isascii() or "а" not in english
    assert any("а" <= letter <= "я" for letter in russian)


async def test_an_unexpected_error_is_logged_under_the_id_that_the_person_gets(
    history: Books, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(history)

    @house.router.message()
    async def fail(_message: Message) -> None:
        raise ZeroDivisionError("secret detail")

    await house.says(ANNA)
    (told,) = texts(house.session)
    assert "secret detail" not in told
    error_id = told.partition("<code>")[2].partition("</code>")[0]
    assert len(error_id) == 6
    assert error_id in caplog.text
    assert "update 1 " in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_an_error_after_a_press_is_told_in_an_alert(history: Books) -> None:
    house = House(history)

    @house.router.callback_query()
    async def fail(_callback: CallbackQuery) -> None:
        raise TooManyWaiting(3)

    await house.presses(ANNA)
    (call,) = house.session.calls
    assert call.name == "answerCallbackQuery"
    assert call.method.show_alert
    assert len(call.method.text) <= 200


async def test_an_error_after_an_answered_press_is_told_in_a_message(history: Books) -> None:
    house = House(history)

    @house.router.callback_query()
    async def fail(callback: CallbackQuery) -> None:
        await callback.answer()
        raise TooManyWaiting(3)

    await house.presses(ANNA)
    assert [call.name for call in house.session.calls] == ["answerCallbackQuery", "sendMessage"]


@pytest.mark.parametrize(
    "error",
    [
        lambda method: TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user"),
        lambda method: TelegramBadRequest(method=method, message="Bad Request: message to edit not found"),
    ],
)
async def test_a_person_who_is_gone_is_not_written_to(history: Books, error: Any) -> None:
    house = House(history)
    house.session.script["editMessageText"] = [error]

    @house.router.message()
    async def rewrite(message: Message, bot: Bot) -> None:
        await bot.edit_message_text("x", chat_id=message.chat.id, message_id=7)

    await house.says(ANNA)
    assert [call.name for call in house.session.calls] == ["editMessageText"]


async def rows(history: Books) -> int:
    async with history.database.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(people)) or 0)


async def test_strangers_who_are_refused_leave_no_rows_and_are_refused_in_their_language(history: Books) -> None:
    house = House(history, allowed_users=frozenset({ANNA}))
    for stranger in range(STRANGER, STRANGER + 20):
        await house.says(stranger, language="ru")
        await house.presses(stranger, chat=-42, language="ru")
        await house.says(stranger, chat=-42)
    assert await rows(history) == 0
    assert all(any("а" <= letter <= "я" for letter in text) for text in texts(house.session))
    await house.says(ANNA)
    assert await rows(history) == 1


async def test_who_was_a_guest_once_is_refused_in_the_language_they_chose(history: Books) -> None:
    await history.set_preference(STRANGER, language="ru")
    house = House(history, allowed_users=frozenset({ANNA}))
    await house.says(STRANGER, language="en")
    (text,) = texts(house.session)
    assert any("а" <= letter <= "я" for letter in text)
    assert await history.language(STRANGER, "en") == "ru"


async def test_chats_that_are_refused_and_posts_that_ask_for_nothing_leave_no_rows(history: Books) -> None:
    house = House(history, allowed_users=frozenset({ANNA}))
    news = Chat(id=-100777, type="channel", title="News")
    said = house.message(136817688, "/imagine a cat", -42, None)
    await house._feed(message=said.model_copy(update={"sender_chat": news}))
    await house._feed(message=said.model_copy(update={"sender_chat": news, "is_automatic_forward": True}))
    assert (await rows(history), house.session.calls) == (0, [])
    open_house = House(history)
    came = open_house.visitors()
    await open_house._feed(message=said.model_copy(update={"sender_chat": news, "is_automatic_forward": True}))
    await open_house._feed(message=said)
    assert (await rows(history), came) == (0, [])
    await open_house._feed(message=said.model_copy(update={"sender_chat": news}))
    assert (await rows(history), came) == (1, [-100777])


async def test_whether_somebody_runs_a_chat_is_asked_once_a_minute_and_remembered_within_bounds() -> None:
    now = 0.0
    bot, session = scripted_bot()
    administrators = Administrators(lambda: now)
    member = ChatMemberOwner(user=person(ANNA, "en"), is_anonymous=True)
    refusal = TelegramBadRequest(method=GetMe(), message="Bad Request: member list is inaccessible")
    session.script["getChatMember"] = [member, ChatMemberLeft(user=person(ANNA, "en")), refusal]
    asked = [await administrators.include(bot, -42, ANNA) for _again in range(3)]
    now = LASTS_SECONDS
    asked.append(await administrators.include(bot, -42, ANNA))
    asked.append(await administrators.include(bot, -42, STRANGER))
    assert asked == [True, True, True, False, None]
    assert len(session.calls) == 3


async def test_ids_that_no_database_holds_come_from_nobody(history: Books) -> None:
    house = House(history)
    came = house.visitors()
    said = house.message(ANNA, "/info", None, "en")
    beyond = 2**63
    for strange in (
        said.model_copy(update={"message_id": beyond}),
        said.model_copy(update={"reply_to_message": said.model_copy(update={"message_id": beyond})}),
        said.model_copy(update={"chat": Chat(id=-beyond, type="supergroup")}),
        said.model_copy(update={"from_user": person(beyond, "en")}),
        said.model_copy(update={"sender_chat": Chat(id=-beyond, type="channel")}),
    ):
        await house._feed(message=strange)
    house._update_id = beyond
    await house._feed(message=said)
    assert (came, await rows(history)) == ([], 0)


async def test_a_press_is_answered_also_where_its_message_is_gone(history: Books) -> None:
    house = House(history)
    house.session.script["editMessageText"] = [
        lambda method: TelegramBadRequest(method=method, message="Bad Request: message to edit not found")
    ]

    @house.router.callback_query()
    async def rewrite(_callback: CallbackQuery, bot: Bot) -> None:
        await bot.edit_message_text("x", chat_id=ANNA, message_id=7)

    await house.presses(ANNA)
    assert [call.name for call in house.session.calls] == ["editMessageText", "answerCallbackQuery"]
