from __future__ import annotations

import asyncio
import itertools
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import BufferedInputFile, InputMediaPhoto

from bot.telegram import pacing
from bot.telegram.outbox import Outbox, results_first
from tests.bot.virtual_time import run_in_virtual_time
from tests.bot.wire import ScriptedSession, scripted_bot

ANNA, BORIS, GROUP = 1001, 1002, -500


def flood(seconds: int) -> Any:
    return lambda method: TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=seconds)


def broken(method: Any) -> TelegramServerError:
    return TelegramServerError(method=method, message="Internal Server Error")


def lost(method: Any) -> TelegramNetworkError:
    error = TelegramNetworkError(method=method, message="Request timeout error")
    error.__cause__ = TimeoutError()
    return error


def unreachable(method: Any) -> TelegramNetworkError:
    error = TelegramNetworkError(method=method, message="ClientConnectorError")
    error.__cause__ = aiohttp.ClientConnectorError(None, OSError("refused"))  # type: ignore[arg-type]
    return error


def bad(words: str) -> Any:
    return lambda method: TelegramBadRequest(method=method, message=f"Bad Request: {words}")


def setup(**script: list[Any]) -> tuple[Bot, ScriptedSession, Outbox]:
    bot, session = scripted_bot(**script)
    outbox = Outbox()
    session.middleware(outbox)
    return bot, session, outbox


def most_in_any(seconds: float, times: list[float]) -> int:
    return max(sum(start <= moment < start + seconds for moment in times) for start in times)


def edit(text: str, message_id: int = 7, chat: int = ANNA) -> EditMessageText:
    return EditMessageText(chat_id=chat, message_id=message_id, text=text)


def test_a_short_burst_in_a_chat_passes_and_the_rest_follows_one_a_second() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        await asyncio.gather(*(bot.send_message(ANNA, str(n)) for n in range(30)))
        times = [call.time for call in session.calls]
        assert [call.method.text for call in session.calls] == [str(n) for n in range(30)]
        assert most_in_any(8.0, times) == 7  # the eighth is for a result
        assert times[6] - times[0] < 1.0
        assert times[-1] - times[0] < 35

    run_in_virtual_time(main())


def test_a_group_gets_at_most_twenty_messages_a_minute() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        await asyncio.gather(*(bot.send_message(GROUP, str(n)) for n in range(50)))
        assert most_in_any(60.0, [call.time for call in session.calls]) == 18  # two are for results

    run_in_virtual_time(main())


def test_an_album_counts_as_many_messages() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        album: list[Any] = [InputMediaPhoto(media="file") for _ in range(4)]
        for _ in range(4):
            await bot.send_media_group(ANNA, album)
        assert most_in_any(8.0, [call.time for call in session.calls]) == 2

    run_in_virtual_time(main())


def test_all_chats_together_keep_to_twenty_five_a_second() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        await asyncio.gather(*(bot.send_message(2000 + n, "hello") for n in range(500)))
        times = [call.time for call in session.calls]
        assert most_in_any(1.0, times) <= 26
        assert times[-1] - times[0] == pytest.approx(499 / 25, rel=0.01)

    run_in_virtual_time(main())


def test_a_chat_with_much_to_say_holds_up_no_other() -> None:
    async def main() -> None:
        bot, _session, _ = setup()
        groups = [-(100 + n) for n in range(20)]
        flood = [asyncio.create_task(bot.send_message(group, "x")) for _ in range(30) for group in groups]
        await asyncio.sleep(2)  # every group has had a turn by now, and most have more to say
        before = asyncio.get_running_loop().time()
        await bot.send_message(ANNA, "help")
        assert asyncio.get_running_loop().time() - before <= 2 / 25
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)

    run_in_virtual_time(main())


def test_chats_take_turns_at_the_common_beat() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        outbox.pacer.pause_everyone(1)
        await asyncio.gather(*(bot.send_message(chat, str(n)) for chat in (1, 2, 3) for n in range(4)))
        assert [call.method.chat_id for call in session.calls] == [1, 2, 3] * 4

    run_in_virtual_time(main())


def test_a_turn_costs_little_however_many_chats_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    earliest = pacing._Chat.earliest

    def counted(*known: Any) -> float:
        looks.append(1)
        return earliest(*known)

    monkeypatch.setattr(pacing._Chat, "earliest", counted)

    async def main() -> None:
        bot, session, _ = setup()
        await asyncio.gather(*(bot.send_message(chat, "x") for chat in range(1, 1001) for _ in range(3)))
        assert len(session.calls) == 3000
        assert len(looks) <= 4 * 3000

    run_in_virtual_time(main())


def test_calls_given_up_at_the_head_of_a_line_do_not_hold_up_those_behind() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        outbox.pacer.pause_everyone(5)
        tasks = [asyncio.create_task(bot.send_message(chat, str(n))) for n in range(5) for chat in (ANNA, BORIS)]
        await asyncio.sleep(1)
        for task in tasks[:6]:
            task.cancel()
        outbox.pacer.pause(ANNA, 30)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [(call.method.chat_id, call.method.text) for call in session.calls] == [
            (BORIS, "3"), (BORIS, "4"), (ANNA, "3"), (ANNA, "4"),
        ]  # fmt: skip

    run_in_virtual_time(main())


def test_button_presses_are_answered_at_once_whatever_waits() -> None:
    async def main() -> None:
        bot, _session, outbox = setup()
        waiting = [asyncio.create_task(bot.send_message(ANNA, str(n))) for n in range(30)]
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
        await bot.answer_callback_query("q1")
        assert asyncio.get_running_loop().time() == before
        assert outbox.was_answered("q1")
        assert not outbox.was_answered("q2")
        await asyncio.gather(*waiting)

    run_in_virtual_time(main())


def test_a_picture_overtakes_everything_that_is_to_be_said_in_its_chat() -> None:
    async def main() -> None:
        bot, session, outbox = setup()

        async def result() -> None:
            await asyncio.sleep(1)
            results_first()
            await bot(edit("the picture", 9))

        said = [asyncio.create_task(bot.send_message(ANNA, f"not taken: {number}")) for number in range(30)]
        for number in range(10, 14):
            outbox.progress(bot, ANNA, number, lambda number=number: edit("half", number))
        await asyncio.create_task(result())
        assert session.calls[-1].method.text == "the picture"
        assert len(session.calls) == 8  # at once, where seven words had been said and the others waited
        assert session.calls[-1].time - session.calls[0].time < 1.5
        for task in said:
            task.cancel()
        await asyncio.gather(outbox.close(), *said, return_exceptions=True)

    run_in_virtual_time(main())


def test_results_go_before_progress() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        outbox.pacer.pause(ANNA, 10)
        for message_id in range(1, 9):
            outbox.progress(bot, ANNA, message_id, lambda message_id=message_id: edit("half", message_id))
        await asyncio.sleep(1)
        await asyncio.gather(*(bot.send_message(ANNA, "result") for _ in range(4)))
        assert [call.name for call in session.calls[:4]] == ["sendMessage"] * 4
        await outbox.close()

    run_in_virtual_time(main())


def test_progress_leaves_room_for_a_result_in_a_busy_chat() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        for message_id in range(1, 21):
            outbox.progress(bot, ANNA, message_id, lambda message_id=message_id: edit("half", message_id))
        await asyncio.sleep(1)
        assert len(session.calls) == 6
        before = asyncio.get_running_loop().time()
        await bot.send_message(ANNA, "result")
        assert asyncio.get_running_loop().time() - before < 0.1
        await outbox.close()

    run_in_virtual_time(main())


def test_only_the_newest_progress_of_a_message_is_shown_and_not_too_often() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        for step in range(100):
            outbox.progress(bot, ANNA, 7, lambda step=step: edit(f"step {step}"))
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        times = [call.time for call in session.calls]
        assert 5 <= len(times) <= 8
        assert min(b - a for a, b in itertools.pairwise(times)) >= 1.5
        assert session.calls[-1].method.text == "step 99"

    run_in_virtual_time(main())


def test_progress_in_a_group_is_rarer() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        for step in range(200):
            outbox.progress(bot, GROUP, 7, lambda step=step: edit(f"step {step}", chat=GROUP))
            await asyncio.sleep(0.1)
        assert len(session.calls) <= 6
        await outbox.close()

    run_in_virtual_time(main())


def test_progress_that_says_nothing_new_is_not_sent_and_costs_nothing() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        for _ in range(20):
            outbox.progress(bot, ANNA, 7, lambda: edit("same"))
            await asyncio.sleep(2)
        outbox.progress(bot, ANNA, 8, lambda: None)
        await asyncio.sleep(2)
        assert len(session.calls) == 1

    run_in_virtual_time(main())


def test_the_final_edit_comes_last_even_when_progress_is_on_its_way() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        session.latency = 3.0
        outbox.progress(bot, ANNA, 7, lambda: edit("half"))
        await asyncio.sleep(1)
        outbox.progress(bot, ANNA, 7, lambda: edit("stale"))
        await bot.edit_message_text("done", chat_id=ANNA, message_id=7)
        await asyncio.sleep(20)
        assert [call.method.text for call in session.calls] == ["half", "done"]
        assert session.calls[1].time - session.calls[0].time >= 3.0

    run_in_virtual_time(main())


def test_progress_is_not_repeated_after_a_refusal_but_goes_on_later() -> None:
    async def main() -> None:
        bot, session, outbox = setup(editMessageText=[flood(10), True])
        outbox.progress(bot, ANNA, 7, lambda: edit("one"))
        await asyncio.sleep(1)
        outbox.progress(bot, ANNA, 7, lambda: edit("two"))
        await asyncio.sleep(30)
        assert [call.method.text for call in session.calls] == ["one", "two"]
        assert session.calls[1].time - session.calls[0].time >= 10

    run_in_virtual_time(main())


def test_an_edit_that_changes_nothing_is_spared_and_one_that_goes_back_is_not() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        for text in ("a", "a", "b", "a"):
            await bot.edit_message_text(text, chat_id=ANNA, message_id=7)
        assert [call.method.text for call in session.calls] == ["a", "b", "a"]

    run_in_virtual_time(main())


def test_uploads_are_never_taken_for_the_same() -> None:
    async def main() -> None:
        bot, session, _ = setup()
        for _ in range(2):
            photo = InputMediaPhoto(media=BufferedInputFile(b"bytes", "a.png"))
            await bot.edit_message_media(photo, chat_id=ANNA, message_id=7)
        assert len(session.calls) == 2

    run_in_virtual_time(main())


def test_a_flooded_chat_waits_and_the_others_do_not() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendMessage=[flood(30)])
        first = asyncio.create_task(bot.send_message(ANNA, "to anna"))
        await asyncio.sleep(1)
        await bot.send_message(BORIS, "to boris")
        assert [call.method.chat_id for call in session.calls] == [ANNA, BORIS]
        await first
        assert 30 <= session.calls[-1].time - session.calls[0].time <= 34

    run_in_virtual_time(main())


def test_after_repeated_floods_everyone_waits() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendMessage=[flood(20)] * 3)
        flooded = [asyncio.create_task(bot.send_message(3000 + n, "x")) for n in range(3)]
        await asyncio.sleep(1)
        start = asyncio.get_running_loop().time()
        await bot.send_message(BORIS, "y")
        assert session.named("sendMessage")[-1].time - start >= 15
        await asyncio.gather(*flooded)

    run_in_virtual_time(main())


def test_it_gives_up_after_three_repetitions() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendMessage=[flood(5)] * 9)
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(ANNA, "x")
        assert len(session.calls) == 4

    run_in_virtual_time(main())


def test_a_server_error_is_a_refusal_and_is_tried_again() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendMessage=[broken, broken])
        assert (await bot.send_message(ANNA, "x")).message_id
        assert len(session.calls) == 3
        assert session.calls[2].time - session.calls[1].time > session.calls[1].time - session.calls[0].time

    run_in_virtual_time(main())


def test_a_message_whose_answer_got_lost_is_not_sent_again() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendPhoto=[lost])
        with pytest.raises(TelegramNetworkError):
            await bot.send_photo(ANNA, BufferedInputFile(b"png", "a.png"))
        assert len(session.calls) == 1

    run_in_virtual_time(main())


def test_a_gateway_timeout_is_a_lost_answer() -> None:
    async def main() -> None:
        bot, session, _ = setup(
            sendMessage=[lambda method: TelegramServerError(method=method, message="Gateway Timeout")]
        )
        with pytest.raises(TelegramServerError):
            await bot.send_message(ANNA, "x")
        assert len(session.calls) == 1

    run_in_virtual_time(main())


def test_a_message_that_found_no_connection_is_sent_again() -> None:
    async def main() -> None:
        bot, session, _ = setup(sendMessage=[unreachable, unreachable])
        await bot.send_message(ANNA, "x")
        assert len(session.calls) == 3

    run_in_virtual_time(main())


@pytest.mark.parametrize("call", ["edit", "answer", "delete", "ask"])
def test_what_may_safely_be_repeated_is_repeated_after_a_lost_answer(call: str) -> None:
    async def main() -> None:
        bot, session, _ = setup(
            editMessageText=[lost], answerCallbackQuery=[lost], deleteMessage=[lost], getChatMemberCount=[lost, 5]
        )
        match call:
            case "edit":
                await bot.edit_message_text("x", chat_id=ANNA, message_id=7)
            case "answer":
                await bot.answer_callback_query("q")
            case "delete":
                await bot.delete_message(ANNA, 7)
            case "ask":
                assert await bot.get_chat_member_count(GROUP) == 5
        assert len(session.calls) == 2

    run_in_virtual_time(main())


def test_what_is_already_so_is_no_error() -> None:
    async def main() -> None:
        bot, _, _ = setup(
            editMessageText=[bad("message is not modified: specified new message content …")],
            deleteMessage=[bad("message to delete not found")],
            answerCallbackQuery=[bad("query is too old and response timeout expired or query ID is invalid")],
        )
        assert await bot.edit_message_text("x", chat_id=ANNA, message_id=7) is True
        assert await bot.delete_message(ANNA, 7) is True
        assert await bot.answer_callback_query("q") is True

    run_in_virtual_time(main())


def test_an_edit_of_a_message_that_is_gone_is_told() -> None:
    async def main() -> None:
        bot, session, _ = setup(editMessageText=[bad("message to edit not found")])
        with pytest.raises(TelegramBadRequest, match="not found"):
            await bot.edit_message_text("x", chat_id=ANNA, message_id=7)
        await bot.edit_message_text("x", chat_id=ANNA, message_id=7)
        assert len(session.calls) == 2, "a failed edit must not count as shown"

    run_in_virtual_time(main())


def test_somebody_who_blocked_the_bot_is_reported() -> None:
    async def main() -> None:
        bot, _session, outbox = setup(
            sendMessage=[lambda method: TelegramForbiddenError(method=method, message="bot was blocked by the user")]
        )
        blocked: list[int] = []

        async def note(chat_id: int) -> None:
            blocked.append(chat_id)

        outbox.on_blocked = note
        with pytest.raises(TelegramForbiddenError):
            await bot.send_message(ANNA, "x")
        assert blocked == [ANNA]

    run_in_virtual_time(main())


def test_a_group_that_became_a_supergroup_is_followed() -> None:
    async def main() -> None:
        bot, session, outbox = setup(
            sendMessage=[lambda method: TelegramMigrateToChat(method=method, message="m", migrate_to_chat_id=-100500)]
        )
        moves: list[tuple[int, int]] = []

        async def note(old: int, new: int) -> None:
            moves.append((old, new))

        outbox.on_migrated = note
        await bot(SendMessage(chat_id=GROUP, text="x"))
        await bot(SendMessage(chat_id=GROUP, text="y"))
        assert [call.method.chat_id for call in session.calls] == [GROUP, -100500, -100500]
        assert moves == [(GROUP, -100500)]

    run_in_virtual_time(main())


def test_what_goes_to_a_topic_that_is_gone_goes_to_its_chat_once() -> None:
    async def main() -> None:
        gone = bad("message thread not found")
        bot, session, _ = setup(sendMessage=[gone], sendPhoto=[gone], sendDocument=[gone, gone])
        await bot.send_message(GROUP, "x", message_thread_id=7)
        await bot.send_photo(GROUP, BufferedInputFile(b"png", "a.png"), message_thread_id=7)
        assert [call.method.message_thread_id for call in session.calls] == [7, None, 7, None]
        with pytest.raises(TelegramBadRequest):
            await bot.send_document(GROUP, BufferedInputFile(b"png", "a.png"), message_thread_id=7)
        assert len(session.calls) == 6

    run_in_virtual_time(main())


def test_a_kind_of_message_that_a_chat_forbids_is_no_farewell() -> None:
    async def main() -> None:
        def forbidden(method: Any) -> TelegramForbiddenError:
            return TelegramForbiddenError(method=method, message="Forbidden: CHAT_SEND_PHOTOS_FORBIDDEN")

        bot, session, outbox = setup(sendPhoto=[forbidden])

        async def note(chat_id: int) -> None:
            raise AssertionError(f"chat {chat_id} has blocked nobody")

        outbox.on_blocked = note
        with pytest.raises(TelegramForbiddenError):
            await bot.send_photo(GROUP, BufferedInputFile(b"png", "a.png"))
        assert len(session.calls) == 1

    run_in_virtual_time(main())


def test_a_chat_action_is_dropped_while_its_chat_has_to_wait() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        assert await bot.send_chat_action(ANNA, "upload_photo")
        outbox.pacer.pause(ANNA, 30)
        assert await bot.send_chat_action(ANNA, "upload_photo")
        assert len(session.calls) == 1

    run_in_virtual_time(main())


def test_a_cancelled_call_frees_its_place_in_line() -> None:
    async def main() -> None:
        bot, session, outbox = setup()
        outbox.pacer.pause(ANNA, 5)
        given_up = asyncio.create_task(bot.send_message(ANNA, "never"))
        kept = asyncio.create_task(bot.send_message(ANNA, "kept"))
        await asyncio.sleep(1)
        given_up.cancel()
        await kept
        assert [call.method.text for call in session.calls] == ["kept"]
        assert outbox.pacer.waiting == 0

    run_in_virtual_time(main())


def test_a_broken_renderer_is_logged_and_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        bot, session, outbox = setup()

        def fails() -> EditMessageText:
            raise ZeroDivisionError

        outbox.progress(bot, ANNA, 7, fails)
        await asyncio.sleep(1)
        outbox.progress(bot, ANNA, 7, lambda: edit("fine"))
        await asyncio.sleep(1)
        assert [call.method.text for call in session.calls] == ["fine"]

    run_in_virtual_time(main())
    assert "ZeroDivisionError" in caplog.text
