"""One person's flood is that person's own wait: so many handlers of each at a time, so many messages waiting.

What comes beyond that is left alone without any work, and its sender is told so once a flood.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.types import CallbackQuery, Message, ReplyParameters, TelegramObject, Update

from bot.store import Person
from bot.telegram.meant import is_meant
from bot.telegram.senders import message_of
from bot.telegram.turns import LineFull, Turns
from bot.texts.i18n import _
from inference.queue.recent import Recent

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

AT_ONCE = 4  # handlers of one person's words, and of their presses
PRESSES_WAITING = 50
CALM_SECONDS = 10.0  # without a refusal, and a flood is over
TOLD_AGAIN_SECONDS = 120.0  # a flood that lasts is spoken of again, so that nobody thinks the bot is dead
_REFUSED_ALBUMS = 256
_FLOODS = 10_000
_EVERYBODY = 10_000  # handlers at a time: what is heavy in them has lines of its own


class PicturesInHand:
    """How many pictures of each person are being looked at or wait for it.

    The parts of an album must meet at once, so they wait nowhere: whoever brought the first part holds a place for each
    that has come, and an album is taken or refused as a whole.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[int] = Counter()
        self._albums: Counter[tuple[int, str]] = Counter()
        self._refused: Recent[tuple[int, str], None] = Recent(_REFUSED_ALBUMS)

    @asynccontextmanager
    async def hold(self, person: int, album: str | None = None) -> AsyncIterator[None]:
        """Holds a place for a picture. Raises LineFull where this person has none left."""
        key = (person, album or "")
        if album is not None and key in self._albums:
            self._albums[key] += 1
            self._held[person] += 1
            yield
            return
        if self._held[person] >= self._most or key in self._refused:
            self._refuse(key)
            raise LineFull(self._held[person])
        self._held[person] += 1
        if album is not None:
            self._albums[key] = 1
        try:
            yield
        finally:
            self._held[person] -= self._albums.pop(key) if album is not None else 1
            if self._held[person] <= 0:
                del self._held[person]

    def _refuse(self, key: tuple[int, str]) -> None:
        if key[1]:
            self._refused[key] = None


_Line = PicturesInHand | Turns


class CrowdMiddleware(BaseMiddleware):
    """Lets each person have so many handlers at a time, whatever the others do.

    Pictures, words and presses have lanes of their own: a command is not held up by its sender's photos.
    """

    def __init__(
        self, *, pictures_waiting: int, messages_waiting: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pictures_waiting = pictures_waiting
        self._pictures = PicturesInHand(pictures_waiting)
        self._words = Turns(_EVERYBODY, per_person=AT_ONCE, waiting=messages_waiting)
        self._presses = Turns(_EVERYBODY, per_person=AT_ONCE, waiting=PRESSES_WAITING)
        self._clock = clock
        self._floods: Recent[tuple[_Line, int], tuple[float, float]] = Recent(_FLOODS)  # when told, when refused

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        person: Person | None = data.get("person")
        if person is None or not isinstance(event, Update):
            return await handler(event, data)
        bot: Bot = data["bot"]
        if event.callback_query is not None:
            return await self._press(handler, event, event.callback_query, person.id, data)
        message = message_of(event)
        if message is None:
            return await handler(event, data)
        meant = await is_meant(message, bot)
        lane: _Line
        place: AbstractAsyncContextManager[None]
        if message.photo or message.document is not None:
            lane, place = self._pictures, self._pictures.hold(person.id, message.media_group_id)
        elif meant:
            lane, place = self._words, self._words.turn(person.id)
        else:
            return await handler(event, data)  # talk among others, which costs nothing
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(place)
            except LineFull:
                if meant and self._first_of_flood(lane, person.id):
                    await _tell(bot, message, self._refusal(lane))
                return None
            return await handler(event, data)

    async def _press(
        self, handler: Handler, event: Update, press: CallbackQuery, person: int, data: dict[str, Any]
    ) -> Any:
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._presses.turn(person))
            except LineFull:
                text = _("One moment: I am still busy with what you pressed before. Please press again then.")
                await data["bot"].answer_callback_query(press.id, text)
                return None
            return await handler(event, data)

    def _first_of_flood(self, lane: _Line, person: int) -> bool:
        now = self._clock()
        told, refused = self._floods.get((lane, person), (float("-inf"), float("-inf")))
        goes_on = now - refused < CALM_SECONDS and now - told < TOLD_AGAIN_SECONDS
        self._floods[lane, person] = (told if goes_on else now, now)
        return not goes_on

    def _refusal(self, lane: _Line) -> str:
        if lane is self._pictures:
            return "📥 " + _(
                "That is a lot at once: I keep up to {n} pictures of one person in hand. This one, and others that "
                "came with it, I have not taken. Please send them again when I have answered the first ones."
            ).format(n=self._pictures_waiting)
        return "✋ " + _(
            "That is a lot at once. I answer your first messages one after another; this one, and others that came "
            "with it, I have not read. Please send what matters to you again in a while."
        )


async def _tell(bot: Bot, message: Message, text: str) -> None:
    await bot.send_message(
        message.chat.id,
        text,
        message_thread_id=message.message_thread_id if message.is_topic_message else None,
        disable_notification=message.chat.type != "private",
        reply_parameters=ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True),
    )
