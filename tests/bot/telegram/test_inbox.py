"""Updates from Telegram's hands to their handlers: none stops the others, none is lost, none is handled twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message, Update
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.handling import Handling, decided, handling
from bot.store.inbox import Changes, InboxRows
from bot.store.tables import inbox as inbox_table
from bot.store.tables import inbox_steps
from bot.telegram.albums import Albums
from bot.telegram.inbox import APOLOGIES, MOST_WAITING, TRIES, Inbox
from bot.telegram.notes import Notes
from bot.telegram.polling import poll
from bot.telegram.sent_once import SentOnce
from bot.telegram.updates import log_odd
from inference.queue.redaction import redact
from tests.bot.raw_telegram import RawTelegram
from tests.bot.wire import TOKEN, scripted_bot
from tests.waiting import until

Handler = Callable[[Message], Awaitable[None]]


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[tuple[RawTelegram, Bot]]:
    raw = RawTelegram()
    server = await raw.start()
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(str(server.make_url("")))))
    yield raw, bot
    await bot.session.close()
    await server.close()


def update(number: int, text: str = "", **more: Any) -> dict[str, Any]:
    chat = {"id": 1, "type": "private", "first_name": "Anna"}
    sender = {"id": 1, "is_bot": False, "first_name": "Anna"}
    said = {"message_id": number, "date": 0, "chat": chat, "from": sender, "text": text or f"{number}"}
    return {"update_id": number, "message": {**said, **more}}


def dispatcher_of(handler: Handler) -> Dispatcher:
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.message.register(handler)
    return dispatcher


async def set_aside(database: AsyncEngine, number: int) -> str | None:
    return (await rows(database))[number][2]


async def rows(database: AsyncEngine) -> dict[int, tuple[int, bool, str | None]]:
    """Of every update how often it was begun, whether it is done with, and why it was set aside."""
    async with database.connect() as connection:
        found = (await connection.execute(select(inbox_table))).all()
    return {row.update_id: (row.attempts, row.handled_at is not None, row.set_aside) for row in found}


@contextlib.asynccontextmanager
async def opened(bot: Bot, database: AsyncEngine, handler: Handler, **options: Any) -> AsyncIterator[Inbox]:
    inbox = Inbox(bot, dispatcher_of(handler), database, **options)
    async with inbox.open(10.0):
        yield inbox


async def crashed(bot: Bot, database: AsyncEngine, *updates: dict[str, Any], begun: bool = True) -> None:
    """A process that has died with these updates in hand: what it wrote is there, and nothing else."""
    never = asyncio.Event()
    began: list[int] = []

    async def hang(message: Message) -> None:
        began.append(message.message_id)
        await never.wait()

    inbox = Inbox(bot, dispatcher_of(hang), database, running=512 if begun else 0)
    opening = inbox.open(0)
    await opening.__aenter__()
    await inbox.receive(updates)
    await until(lambda: len(began) == len(updates) * begun)
    await die(opening)


async def die(opening: contextlib.AbstractAsyncContextManager[None]) -> None:
    """Ends as a kill does: what is in hand is not noted as left undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Notes, "begun", lambda *_what: asyncio.get_running_loop().create_future())
        await opening.__aexit__(None, None, None)


async def tries(database: AsyncEngine, number: int) -> int:
    return (await rows(database))[number][0]


async def steps(database: AsyncEngine) -> int:
    async with database.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(inbox_steps)) or 0)


# What nobody can read


@pytest.mark.parametrize(
    "odd",
    [
        json.dumps(update(2, forward_origin={"type": "telepathy", "date": 0})),
        '{"update_id": 2, "something_new": {}}',
        '{"update_id": 2, "message": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"update_id": 2, "message": ' + "[" * 200_000 + "]" * 200_000 + "}",
        '{"update_id": 2, "message": ' + '{"a":' * 200 + "1" + "}" * 200 + "}",
        '{"update_id": 2, "message": 1' + "0" * 6000 + "}",
        '{"update_id": 2, "message": {"message_id": NaN}}',
        '{"update_id": 2, "message": "\\ud800"}',
        '{"update_id": 2, "message": tru}',
        '{"update_id": 2, "callback_query": {"id": "1"}}',
        json.dumps(update(2, text="a" * 300_000)),
    ],
)  # fmt: skip
async def test_an_update_that_nobody_can_read_is_passed_over(
    telegram: tuple[RawTelegram, Bot], database: AsyncEngine, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw, bot = telegram
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    raw.pending = {1: json.dumps(update(1)), 2: odd, 3: json.dumps(update(3)), 4: json.dumps(update(4))}
    stop = asyncio.Event()
    async with opened(bot, database, listen) as inbox:
        polling = asyncio.create_task(poll(bot, inbox, stop, allowed_updates=["message"]))
        await until(lambda: sorted(heard) == ["1", "3", "4"] and not raw.pending)
        raw.pending = {5: json.dumps(update(5))}
        await until(lambda: "5" in heard)
        stop.set()
        await polling
    assert "update 2 is put aside" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("number", ["-1", "null", '"2"', "1.5", "true", str(2**63), str(10**30), "[]"])
async def test_an_update_without_a_number_of_telegrams_is_passed_over_with_its_neighbours(
    telegram: tuple[RawTelegram, Bot], database: AsyncEngine, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw, bot = telegram
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    numberless = json.dumps(update(2)).replace('"update_id": 2', f'"update_id": {number}')
    raw.pending = {1: json.dumps(update(1)), 2: numberless, 3: json.dumps(update(3))}
    stop = asyncio.Event()
    async with opened(bot, database, listen) as inbox:
        polling = asyncio.create_task(poll(bot, inbox, stop, allowed_updates=["message"]))
        await until(lambda: sorted(heard) == ["1", "3"] and not raw.pending)
        stop.set()
        await polling
    assert "is put aside" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_number_far_ahead_of_the_others_is_confirmed_only_when_it_comes_alone(
    telegram: tuple[RawTelegram, Bot], database: AsyncEngine
) -> None:
    raw, bot = telegram
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    raw.pending = {1: json.dumps(update(1)), 2: json.dumps(update(2)), 2**53: json.dumps(update(2**53, "far"))}
    stop = asyncio.Event()
    async with opened(bot, database, listen) as inbox:
        polling = asyncio.create_task(poll(bot, inbox, stop, allowed_updates=["message"]))
        await until(lambda: sorted(heard) == ["1", "2", "far"] and not raw.pending)
        stop.set()
        await polling
    assert raw.offsets[:3] == [None, 3, 2**53 + 1]


async def test_numbers_may_begin_anew(telegram: tuple[RawTelegram, Bot], database: AsyncEngine) -> None:
    raw, bot = telegram
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    raw.pending = {900: json.dumps(update(900))}
    stop = asyncio.Event()
    async with opened(bot, database, listen) as inbox:
        polling = asyncio.create_task(poll(bot, inbox, stop, allowed_updates=["message"]))
        await until(lambda: heard == ["900"] and not raw.pending and raw.offsets[-1] is None)
        raw.pending = {7: json.dumps(update(7))}
        await until(lambda: heard == ["900", "7"])
        stop.set()
        await polling


@pytest.mark.parametrize("said", ["half \ud800 a letter", "null \x00", "whole 🧑‍🎨"])
async def test_what_no_database_takes_is_taken_out(database: AsyncEngine, said: str) -> None:
    bot, _session = scripted_bot()
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(1, said)])
        await until(lambda: len(heard) == 1)
    assert heard == [said.replace("\ud800", "\ufffd").replace("\x00", "\ufffd")]


def test_secrets_in_what_is_logged_whole_are_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    log_odd(2, "odd", {"text": TOKEN})
    log_odd(3, "odd", {"text": "\ud800" + "x" * 100_000})
    assert TOKEN in caplog.text
    assert TOKEN not in redact(caplog.text), "as every line of the log is"
    assert len(caplog.records[1].getMessage()) < 10_000


# What a crash cuts short


async def test_what_a_crash_cuts_short_is_handled_again_in_order_and_once(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    heard: list[str] = []

    async def listen(message: Message) -> None:
        heard.append(message.text or "")

    await crashed(bot, database, update(3), update(1), update(2))
    for _start in range(2):
        async with opened(bot, database, listen) as inbox:
            await inbox.receive([update(9)])
            await until(lambda: "9" in heard)
    assert heard == ["1", "2", "3", "9"]
    assert {number: row[1] for number, row in (await rows(database)).items()} == {1: True, 2: True, 3: True, 9: True}


async def test_what_was_written_down_and_not_begun_is_no_suspect_and_comes_in_its_order(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    heard: list[str] = []

    async def listen(message: Message) -> None:
        await asyncio.sleep(0)
        heard.append(message.text or "")

    await crashed(bot, database, update(2), update(1), update(3), begun=False)
    assert (await rows(database))[1] == (0, False, None)
    async with opened(bot, database, listen):
        await until(lambda: len(heard) == 3)
    assert heard == ["1", "2", "3"]


async def test_what_ends_the_process_each_time_is_set_aside_and_takes_nobody_with_it(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """The poison hangs here, and whatever is in hand then is cut off with it."""
    bot, _session = scripted_bot()
    heard: list[str] = []
    told: list[int] = []
    sorry: list[int] = []

    async def apologise(given: Update) -> None:
        sorry.append(given.update_id)

    async def listen(message: Message) -> None:
        if message.text == "poison":
            await asyncio.Event().wait()
        heard.append(message.text or "")

    await crashed(bot, database, update(1), update(2, "poison"), update(3))
    for start in range(2, TRIES + 1):
        opening = Inbox(bot, dispatcher_of(listen), database).open(0)
        await opening.__aenter__()

        async def begun_again(start: int = start) -> bool:
            return await tries(database, 2) == start

        await until(begun_again)
        await die(opening)
    assert heard == ["1"], "nothing is handled beside a suspect"
    assert (await rows(database))[2][0] == TRIES
    inbox = Inbox(bot, dispatcher_of(listen), database)
    inbox.on_set_aside = lambda number, _why: told.append(number)
    inbox.apologise = apologise
    async with inbox.open(1.0):
        await until(lambda: heard == ["1", "3"] and sorry == told == [2])
    assert "update 2 is set aside" in caplog.text
    assert (await rows(database))[2][2] is not None
    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(2, "poison"), update(4)])
        await until(lambda: heard == ["1", "3", "4"])


async def test_a_kill_before_the_word_about_what_is_set_aside_has_it_said_again_but_not_for_ever(
    database: AsyncEngine,
) -> None:
    bot, _session = scripted_bot()
    begun: list[int] = []

    async def killed_in_the_middle(given: Update) -> None:
        begun.append(given.update_id)
        await asyncio.Event().wait()

    async def listen(_message: Message) -> None:
        raise AssertionError("nobody handles it any more")

    await crashed(bot, database, update(2, "poison"))
    await InboxRows(database).write(Changes(begun={2: TRIES}))
    for start in range(APOLOGIES + 1):
        assert (await rows(database))[2][2] is None, "it is still to be spoken of"
        inbox = Inbox(bot, dispatcher_of(listen), database)
        inbox.apologise = killed_in_the_middle
        async with inbox.open(0):
            if start < APOLOGIES:
                await until(lambda: len(begun) == start + 1)  # noqa: B023
            else:
                await until(lambda: set_aside(database, 2))
    assert begun == [2] * APOLOGIES


async def test_an_album_whose_parts_a_crash_has_cut_short_comes_together_again(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    albums, whole = Albums(quiet_seconds=0.2), list[list[int]]()

    async def listen(message: Message) -> None:
        parts = await albums.gather(message)
        if parts is not None:
            whole.append([part.message_id for part in parts])

    await crashed(bot, database, *(update(number, media_group_id="a") for number in (1, 2, 3)), update(4))
    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(5, media_group_id="a"), update(6)])
        await until(lambda: len(whole) == 3)
    assert whole[0] == [1, 2, 3, 5], "the part that came after the crash belongs to it"
    assert all(row[1] for row in (await rows(database)).values())


async def written_down(database: AsyncEngine, *updates: dict[str, Any]) -> None:
    """As by a process that died before it could begin with them."""
    await InboxRows(database).add({one["update_id"]: json.dumps(one) for one in updates})


async def test_an_album_of_which_a_crash_found_only_some_parts_begun_comes_together_again(
    database: AsyncEngine,
) -> None:
    bot, _session = scripted_bot()
    albums, whole = Albums(quiet_seconds=0.2), list[list[int]]()

    async def listen(message: Message) -> None:
        parts = await albums.gather(message)
        if parts is not None:
            whole.append([part.message_id for part in parts])

    await crashed(bot, database, *(update(number, media_group_id="a") for number in (2, 3)))
    await written_down(database, *(update(number, media_group_id="a") for number in (1, 4)))
    async with opened(bot, database, listen):
        await until(lambda: bool(whole))
    assert whole == [[1, 2, 3, 4]]


async def test_parts_of_an_album_that_were_left_and_parts_that_come_now_wait_for_each_other(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspect of the same person holds them all up; their turns would come one after the other."""
    bot, _session = scripted_bot()
    albums, whole = Albums(quiet_seconds=0.1), list[list[int]]()
    monkeypatch.setattr("bot.telegram.inbox.LONE_SECONDS", 1.5)
    free = asyncio.Event()

    async def listen(message: Message) -> None:
        if message.media_group_id is None:
            await free.wait()
            return
        parts = await albums.gather(message)
        if parts is not None:
            whole.append([part.message_id for part in parts])

    await crashed(bot, database, update(9))
    await written_down(database, *(update(number, media_group_id="a") for number in (1, 2)))
    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(number, media_group_id="a") for number in (3, 4)])
        await until(lambda: bool(whole))
        free.set()
    assert whole == [[1, 2, 3, 4]]


async def test_an_album_waits_for_the_parts_that_are_known_however_long_they_take(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    albums, whole = Albums(quiet_seconds=0.05), list[list[int]]()
    slow = asyncio.Event()

    async def listen(message: Message) -> None:
        if message.message_id == 2:
            await slow.wait()
        parts = await albums.gather(message)
        if parts is not None:
            whole.append([part.message_id for part in parts])

    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(number, media_group_id="a") for number in (1, 2, 3)])
        await asyncio.sleep(0.3)
        assert not whole
        slow.set()
        await until(lambda: bool(whole))
        await inbox.receive([update(4, media_group_id="a"), update(5, media_group_id="a")])
        await until(lambda: len(whole) == 2)
    assert whole == [[1, 2, 3], [4, 5]], "what nobody has known comes late, and together"


async def test_an_album_waits_for_the_parts_that_no_room_is_left_for(database: AsyncEngine) -> None:
    """A webhook brings the parts one after the other, and anybody's flood may come between two of them."""
    bot, _session = scripted_bot()
    albums, whole = Albums(quiet_seconds=0.02, lone_seconds=0.02), list[list[int]]()
    flooded, free, asked = asyncio.Event(), asyncio.Event(), Counter[str]()

    async def listen(message: Message) -> None:
        if message.media_group_id is None:
            await free.wait()
            return
        part = handling()
        assert part is not None
        awaits_more = part.awaits_more

        def asks(leader: Handling) -> bool:
            asked["more"] += 1
            return awaits_more(leader)

        part.awaits_more = asks
        await flooded.wait()
        parts = await albums.gather(message)
        if parts is not None:
            whole.append([part.message_id for part in parts])

    async with opened(bot, database, listen, running=5) as inbox:
        await inbox.receive([update(1, media_group_id="a")])
        await inbox.receive([update(number) for number in range(100, 100 + MOST_WAITING + 20)])
        coming = asyncio.create_task(inbox.receive([update(2, media_group_id="a")]))
        await asyncio.sleep(0)  # the second part stands at the door now
        flooded.set()
        await until(lambda: asked["more"] > 2)
        free.set()
        await coming
        await until(lambda: bool(whole))
    assert whole == [[1, 2]]


async def test_no_part_of_an_album_is_done_with_before_the_album_is(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    albums, free = Albums(quiet_seconds=0.05), asyncio.Event()
    working = asyncio.Event()

    async def listen(message: Message) -> None:
        if await albums.gather(message) is not None:
            working.set()
            await free.wait()

    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(number, media_group_id="a") for number in (1, 2)])
        await working.wait()
        assert [row[1] for row in (await rows(database)).values()] == [False, False]
        free.set()
    assert [row[1] for row in (await rows(database)).values()] == [True, True]


async def test_what_was_sent_before_a_crash_is_not_sent_again(database: AsyncEngine) -> None:
    bot, session = scripted_bot()
    bot.session.middleware(SentOnce())
    tried: list[int] = []

    async def listen(message: Message) -> None:
        first, second = await message.answer("one"), await message.answer("one")
        third = await message.answer("two")
        tried.append(first.message_id + second.message_id + third.message_id)
        if len(tried) == 1:
            await asyncio.Event().wait()

    inbox = Inbox(bot, dispatcher_of(listen), database)
    opening = inbox.open(0)
    await opening.__aenter__()
    await inbox.receive([update(1)])
    await until(lambda: len(tried) == 1)

    async def all_noted() -> bool:
        return await steps(database) == 3

    await until(all_noted)
    await opening.__aexit__(None, None, None)
    async with opened(bot, database, listen):
        await until(lambda: len(tried) == 2)
    assert [call.method.text for call in session.named("sendMessage")] == ["one", "one", "two"]
    assert tried[0] == tried[1]
    async with database.connect() as connection:
        assert (await connection.execute(select(inbox_steps))).all() == []


async def test_what_was_decided_before_a_crash_is_not_decided_anew(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    decisions: list[bool] = []

    async def listen(_message: Message) -> None:
        decisions.append(await decided("starred", not decisions))
        if len(decisions) == 1:
            await asyncio.Event().wait()

    inbox = Inbox(bot, dispatcher_of(listen), database)
    opening = inbox.open(0)
    await opening.__aenter__()
    await inbox.receive([update(1)])
    await until(lambda: len(decisions) == 1)
    await opening.__aexit__(None, None, None)
    async with opened(bot, database, listen):
        await until(lambda: len(decisions) == 2)
    assert decisions == [True, True]


# What it costs


async def test_so_many_run_at_a_time_and_no_more_are_fetched_than_fit(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    running, most, free = 0, 0, asyncio.Event()

    async def listen(_message: Message) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await free.wait()
        running -= 1

    async with opened(bot, database, listen, running=5) as inbox:
        await inbox.receive([update(number) for number in range(1, MOST_WAITING + 20)])
        waiting = asyncio.create_task(inbox.room())
        await until(lambda: running == 5)
        assert not waiting.done()
        free.set()
        await waiting
    assert most == 5


async def test_a_batch_costs_one_commit_that_waits_for_the_disk(database: AsyncEngine) -> None:
    if database.dialect.name != "sqlite":
        pytest.skip("it is asked of SQLite how it commits")
    bot, _session = scripted_bot()
    synced: list[str] = []
    heard: list[int] = []

    @event.listens_for(database.sync_engine, "commit")
    def count(connection: Any) -> None:
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        if level == 2 and connection.get_execution_options().get("sqlite_begin") != "DEFERRED":
            synced.append("FULL")

    async def listen(message: Message) -> None:
        await decided("starred", True)
        heard.append(message.message_id)

    async with opened(bot, database, listen) as inbox:
        for batch in range(5):
            await inbox.receive([update(batch * 50 + place) for place in range(1, 51)])
        await until(lambda: len(heard) == 250)
    assert len(synced) == 5
    assert all(done for _tries, done, _aside in (await rows(database)).values())


async def test_old_numbers_are_forgotten_and_what_waits_is_not(database: AsyncEngine) -> None:
    now = 1_000_000.0
    inbox = InboxRows(database, clock=lambda: now)
    await inbox.add({1: "{}", 2: "{}", 3: "{}"})
    await inbox.write(Changes(handled=[1], begun={2: 1}, steps={(1, "sent"): 1, (2, "sent"): 2}))
    now += 3 * 24 * 3600
    await inbox.write(Changes(handled=[3]))
    await inbox.forget_old()
    assert [(left.update_id, left.tries, left.steps) for left in await inbox.left()] == [(2, 1, {"sent": 2})]
    assert await inbox.add({1: "{}", 2: "{}", 3: "{}"}) == {1}


async def test_a_flood_of_one_person_is_begun_in_order_and_holds_up_nobody(database: AsyncEngine) -> None:
    bot, _session = scripted_bot()
    begun: list[str] = []
    gate = asyncio.Event()

    async def listen(message: Message) -> None:
        begun.append(message.text or "")
        await gate.wait()

    async with opened(bot, database, listen) as inbox:
        await inbox.receive([update(number) for number in range(1, 201)])
        await inbox.room()
        await inbox.receive([update(201, "boris", **{"from": {"id": 2, "is_bot": False, "first_name": "Boris"}})])
        await until(lambda: "boris" in begun)
        assert begun[:180] == [str(number) for number in range(1, 181)]
        gate.set()
        await until(lambda: len(begun) == 201)


async def test_a_changed_message_waits_for_the_message_itself_however_long_that_takes(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.telegram.inbox.IN_TURN_SECONDS", 0.0)
    handled, gate = list[str](), asyncio.Event()
    dispatcher = Dispatcher(disable_fsm=True)

    @dispatcher.message()
    async def slow(message: Message) -> None:
        if message.text == "a fox":
            await gate.wait()
        handled.append(f"said {message.text}")

    @dispatcher.edited_message()
    async def changed(message: Message) -> None:
        handled.append(f"changed to {message.text}")

    bot, _session = scripted_bot()
    inbox = Inbox(bot, dispatcher, database)
    async with inbox.open(5.0):
        said = update(1, "a fox")
        await inbox.receive([said, {"update_id": 2, "edited_message": {**said["message"], "text": "an owl"}}])
        await inbox.receive([update(3, "hello")])
        await until(lambda: handled == ["said hello"])
        gate.set()
        await until(lambda: len(handled) == 3)
    assert handled == ["said hello", "said a fox", "changed to an owl"]
