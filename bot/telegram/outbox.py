"""Every call to Telegram passes here: paced per chat and over all, retried where that is safe, progress coalesced.

    bot.session.middleware(outbox)
    outbox.progress(bot, chat_id, message_id, render)

Button presses are answered at once, results go before answers and these before progress, and what may have been done
already is never sent a second time: only an edit, an answer or a question is repeated after a lost reply. What goes to
a topic that is gone goes to the chat that it was in: the same people read it there.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import ClientDecodeError, TelegramAPIError, TelegramMigrateToChat, TelegramRetryAfter
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    GetUpdates,
    SendChatAction,
    TelegramMethod,
)
from aiogram.types import InputFile

from bot.telegram.pacing import Lane, Pace, Pacer
from bot.telegram.refusals import Refusal, classify, may_repeat, was_needless
from inference.queue.backoff import pause_after
from inference.queue.recent import Recent

log = logging.getLogger(__name__)

RETRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0  # seconds between them
FLOOD_MEMORY_SECONDS = 60.0
FLOODS_BEFORE_EVERYONE_WAITS = 3
PROGRESS_TIMEOUT_SECONDS = 15
_REMEMBERED = 4096

ChatId = int | str
Render = Callable[[], TelegramMethod[Any] | None]

_lane: ContextVar[Lane] = ContextVar("outbox_lane", default=Lane.ANSWER)
_unpaced: ContextVar[bool] = ContextVar("outbox_unpaced", default=False)


@dataclass(slots=True)
class _Slot:
    """The progress of one message: what to show next, and the task that will."""

    render: Render | None
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class Outbox(BaseRequestMiddleware):
    """State: the pacer, the progress slots, and what each message was last edited to.

    `on_blocked(chat_id)` and `on_migrated(old_id, new_id)` are told when Telegram says so, `on_flood(seconds)` when it
    has asked for patience so often that nothing is sent for a while, `on_late(callback_query_id, text)` when what an
    alert was to say comes too late for one.
    """

    def __init__(
        self,
        pace: Pace | None = None,
        *,
        progress_seconds: tuple[float, float] = (1.5, 4.0),
        on_blocked: Callable[[int], Awaitable[None]] | None = None,
        on_migrated: Callable[[int, int], Awaitable[None]] | None = None,
    ) -> None:
        self.pacer = Pacer(pace or Pace())
        self.on_blocked = on_blocked
        self.on_migrated = on_migrated
        self.on_flood: Callable[[float], None] | None = None
        self.on_late: Callable[[str, str], Awaitable[None]] | None = None
        self._progress_private, self._progress_group = progress_seconds
        self._slots: dict[tuple[ChatId, int], _Slot] = {}
        self._shown: Recent[tuple[ChatId, int], int] = Recent(_REMEMBERED)
        self._answered: Recent[str, None] = Recent(_REMEMBERED)
        self._moved: dict[ChatId, int] = {}
        self._floods: list[float] = []

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Any:
        if isinstance(method, GetUpdates):
            return await make_request(bot, method)
        if isinstance(method, AnswerCallbackQuery):
            if self.was_answered(method.callback_query_id):  # the work took long: the button has been let go of
                if method.text is None and method.url is None:
                    return _done()
                if method.show_alert:
                    await self._late(method)
                    return _done()
            self._answered[method.callback_query_id] = None
        method = self._follow(method)
        chat = _chat_of(method)
        if isinstance(method, SendChatAction) and self.pacer.is_paused(method.chat_id):
            return _done()  # "uploading a photo…" is not worth waiting for
        message = _message_of(method)
        if message is not None and not _unpaced.get():
            await self._retire((cast(ChatId, chat), message))
            if self._unchanged((cast(ChatId, chat), message), method):
                return _done()
        result = await self._send(make_request, bot, method)
        if message is not None:
            self._note((cast(ChatId, chat), message), method)
        return result

    def was_answered(self, callback_query_id: str) -> bool:
        """Whether a button press has had its answer (or one is on its way)."""
        return callback_query_id in self._answered

    def progress(self, bot: Bot, chat_id: ChatId, message_id: int, render: Render) -> None:
        """Shows progress in a message as soon as the pace allows. A newer call replaces one that has not been shown.

        `render` is asked for the edit when its turn has come, so that it shows the newest state; None shows nothing.
        Any other edit or deletion of the message ends its progress and is sent after it.
        """
        key = (self._moved.get(chat_id, chat_id), message_id)
        slot = self._slots.get(key)
        if slot is not None:
            slot.render = render
            return
        slot = self._slots[key] = _Slot(render)
        slot.task = asyncio.create_task(self._show_progress(bot, key, slot), name=f"progress of message {message_id}")

    async def close(self) -> None:
        """Gives up all progress that has not been shown."""
        await asyncio.gather(*(self._retire(key) for key in tuple(self._slots)))

    async def _send(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Any:
        attempt = 0
        while True:
            chat = _chat_of(method)
            if _is_paced(method) and not _unpaced.get():
                await self.pacer.turn(cast(ChatId, chat), _lane_of(method), _weight(method))
            try:
                return await make_request(bot, method)
            except (TelegramAPIError, ClientDecodeError) as error:
                refusal = classify(error)
                if isinstance(error, TelegramMigrateToChat) and isinstance(chat, int) and chat not in self._moved:
                    method = await self._move(method, chat, error.migrate_to_chat_id)
                    continue
                if (
                    refusal is Refusal.THREAD_GONE
                    and (thread := getattr(method, "message_thread_id", None)) is not None
                ):
                    log.info("topic %d of chat %s is gone: sent to the chat itself", thread, chat)
                    method = method.model_copy(update={"message_thread_id": None})
                    continue
                if isinstance(error, TelegramRetryAfter):
                    self._flooded(chat, error.retry_after)
                if refusal is Refusal.BLOCKED and isinstance(chat, int) and self.on_blocked is not None:
                    await self.on_blocked(chat)
                if was_needless(method, refusal):
                    log.debug("%s: %s", type(method).__name__, error)
                    if isinstance(method, AnswerCallbackQuery) and method.show_alert:
                        await self._late(method)
                    return _done()
                if attempt == RETRIES or _unpaced.get() or not may_repeat(method, refusal):
                    raise
                attempt += 1
                log.info("%s, attempt %d of %d: %s", type(method).__name__, attempt, RETRIES + 1, error)
                if isinstance(error, TelegramRetryAfter):
                    if not _is_paced(method):  # a paced call waits for its chat's pause to end
                        await asyncio.sleep(_with_jitter(error.retry_after))
                else:
                    await asyncio.sleep(_with_jitter(pause_after(attempt, first=FIRST_PAUSE, longest=LONGEST_PAUSE)))

    async def _late(self, alert: AnswerCallbackQuery) -> None:
        if self.on_late is not None and alert.text is not None:
            await self.on_late(alert.callback_query_id, alert.text)

    def _flooded(self, chat: ChatId | None, retry_after: float) -> None:
        now = asyncio.get_running_loop().time()
        self._floods = [moment for moment in self._floods if moment > now - FLOOD_MEMORY_SECONDS] + [now]
        pause = _with_jitter(retry_after)
        if chat is not None:
            self.pacer.pause(chat, pause)
        if len(self._floods) >= FLOODS_BEFORE_EVERYONE_WAITS:
            log.warning("Telegram asks for patience again and again: everyone waits %.1f s", pause)
            self.pacer.pause_everyone(pause)
            if self.on_flood is not None:
                self.on_flood(pause)

    async def _show_progress(self, bot: Bot, key: tuple[ChatId, int], slot: _Slot) -> None:
        chat, _message = key
        private = isinstance(chat, int) and chat > 0
        try:
            while slot.render is not None:
                await self.pacer.turn(chat, Lane.PROGRESS)
                async with slot.sending:
                    await self._show_once(bot, key, slot)
                await asyncio.sleep(self._progress_private if private else self._progress_group)
        except Exception:
            log.exception("progress of message %d in chat %s", key[1], chat)
        finally:
            if self._slots.get(key) is slot:
                del self._slots[key]

    async def _show_once(self, bot: Bot, key: tuple[ChatId, int], slot: _Slot) -> None:
        render, slot.render = slot.render, None
        edit = render() if render is not None else None
        if edit is None or self._unchanged(key, edit):
            self.pacer.give_back(key[0])
            return
        token = _unpaced.set(True)
        try:
            await bot(edit, request_timeout=PROGRESS_TIMEOUT_SECONDS)
        except (TelegramAPIError, ClientDecodeError) as error:
            log.debug("progress not shown: %s", error)
        finally:
            _unpaced.reset(token)

    async def _retire(self, key: tuple[ChatId, int]) -> None:
        """Ends the progress of a message; one that is on its way arrives first."""
        slot = self._slots.pop(key, None)
        if slot is None:
            return
        slot.render = None
        async with slot.sending:
            if slot.task is not None:
                slot.task.cancel()

    def _unchanged(self, key: tuple[ChatId, int], edit: TelegramMethod[Any]) -> bool:
        looks = _looks(edit)
        return looks is not None and self._shown.get(key) == looks

    def _note(self, key: tuple[ChatId, int], edit: TelegramMethod[Any]) -> None:
        looks = _looks(edit)
        if looks is None:
            self._shown.pop(key, None)
        else:
            self._shown[key] = looks

    def _follow(self, method: TelegramMethod[Any]) -> TelegramMethod[Any]:
        new_id = self._moved.get(_chat_of(method) or 0)
        return method if new_id is None else method.model_copy(update={"chat_id": new_id})

    async def _move(self, method: TelegramMethod[Any], old_id: int, new_id: int) -> TelegramMethod[Any]:
        log.info("group %d is now the supergroup %d", old_id, new_id)
        self._moved[old_id] = new_id
        if self.on_migrated is not None:
            await self.on_migrated(old_id, new_id)
        return method.model_copy(update={"chat_id": new_id})


def results_first() -> None:
    """Whatever this task sends from now on is what somebody has waited for, and goes before all answers."""
    _lane.set(Lane.RESULT)


def _chat_of(method: TelegramMethod[Any]) -> ChatId | None:
    return getattr(method, "chat_id", None)


def _message_of(method: TelegramMethod[Any]) -> int | None:
    if isinstance(method, DeleteMessage) or type(method).__name__.startswith("Edit"):
        return getattr(method, "message_id", None) if _chat_of(method) is not None else None
    return None


def _is_paced(method: TelegramMethod[Any]) -> bool:
    """Whether Telegram counts this call as a message."""
    name = method.__api_method__
    return (
        _chat_of(method) is not None
        and name.startswith(("send", "edit", "copy", "forward"))
        and not isinstance(method, SendChatAction)
    )


def _lane_of(method: TelegramMethod[Any]) -> Lane:
    """Files are results, whoever sends them."""
    return Lane.RESULT if method.__api_method__ in ("sendDocument", "sendMediaGroup") else _lane.get()


def _weight(method: TelegramMethod[Any]) -> int:
    """An album is as many messages as it has pictures."""
    return max(len(getattr(method, "media", None) or ()) if method.__api_method__ == "sendMediaGroup" else 1, 1)


def _looks(edit: TelegramMethod[Any]) -> int | None:
    """A fingerprint of what an edit makes of a message; None where it cannot be told, as with an upload."""
    if isinstance(getattr(getattr(edit, "media", None), "media", None), InputFile):
        return None
    return hash((type(edit), edit.model_dump_json(exclude_none=True, warnings=False, fallback=repr)))


def _with_jitter(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.1) + random.uniform(0.0, 0.25)


def _done() -> Any:
    """What Telegram answers to an edit, a deletion or an answer that has nothing more to say."""
    return True
