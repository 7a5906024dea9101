"""Updates between Telegram and their handlers: written down first, handled side by side, forgotten when handled.

`receive` returns when everything is on disk, so that Telegram may forget it. What a crash cuts short is handled again
at the next start, one update after the other and nothing beside it; whatever ends the process each time is set aside
after three tries. An update that comes twice is handled once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.types import Update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.handling import Handling, in_hand
from bot.store.inbox import InboxRows, Left
from bot.telegram.notes import Notes, Refusals
from bot.telegram.updates import Odd, Seldom, id_of, log_odd, read

log = logging.getLogger(__name__)

TRIES = 3
APOLOGIES = 3  # begun, for an update that is set aside
MOST_RUNNING = 4096  # far beyond what one person may have in hand (`bot.middlewares.crowds`)
MOST_WAITING = 1000
MOST_IN_TURN = 20  # of one person: a flood does not wait for itself, most of it is refused
LONE_SECONDS = 5.0
IN_TURN_SECONDS = 1.0  # that an update waits for an earlier one of the same person
FORGET_EVERY_SECONDS = 3600.0


class NotWritten(Exception):
    """The database does not take updates now: Telegram must keep them. The reason has been logged."""


@dataclass(eq=False)
class _Letter:
    """An update that waits for its handler or is with it; `tries` counts those that have begun."""

    update: Update
    handling: Handling
    tries: int = 0
    in_turn_until: float = 0.0

    @property
    def sender(self) -> int | None:
        """Whose updates are handled in their order."""
        person = getattr(self.update.event, "from_user", None)
        return person.id if person is not None else None

    @property
    def album(self) -> str | None:
        message = self.update.message
        return message.media_group_id if message is not None else None


class Inbox:
    """State: the updates that wait and those that are being handled, both bounded.

    `on_set_aside(update_id, reason)` and `apologise(update)` are called for an update that nobody will try again,
    `refusals.on_refused(error)` and `excuse(updates, error)` when the database takes nothing.
    """

    def __init__(self, bot: Bot, dispatcher: Dispatcher, database: AsyncEngine, *, running: int = MOST_RUNNING) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._rows = InboxRows(database)
        self.refusals = Refusals()
        self.on_set_aside: Callable[[int, str], None] | None = None
        self.apologise: Callable[[Update], Coroutine[Any, Any, None]] | None = None
        self.excuse: Callable[[Sequence[Update], Exception], Coroutine[Any, Any, None]] | None = None
        self._seldom = Seldom()
        self._notes = Notes(self._rows, self.refusals)
        self._most = running
        self._waiting: deque[_Letter] = deque()
        self._running: dict[asyncio.Task[None], _Letter] = {}
        self._going: Counter[int | None] = Counter()  # handlers that run, by sender
        self._album_of: dict[int | None, str | None] = {}  # what the sender's latest one is a part of
        self._alarm: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._known = asyncio.Event()  # what was left has been read: what comes from now on is new
        self._open = False
        self._album_alone: str | None = None
        self._chores: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, drain_seconds: float) -> AsyncIterator[None]:
        """Handles what was left and whatever `receive` brings; on leaving lets the handlers that run end in time."""
        self._do(self._left_over())
        self._do(self._forget_old())
        try:
            yield
        finally:
            self._open, self._album_alone = False, None
            if self._alarm is not None:
                self._alarm.cancel()
            for chore in self._chores:
                chore.cancel()
            await asyncio.gather(*self._chores, return_exceptions=True)
            await self._drain(drain_seconds)
            await self._notes.close()

    async def room(self) -> None:
        """Waits until few enough updates wait."""
        await self._room.wait()

    async def receive(self, raws: Iterable[Any]) -> None:
        """Writes updates down and has them handled; those known already are left alone. Raises NotWritten."""
        letters: dict[int, tuple[Update, str]] = {}
        for raw in raws:
            try:
                update, body = read(self._bot, raw)
                if id_of(raw) is None:
                    raise Odd("without an id of Telegram's")
                letters[update.update_id] = (update, body)
            except Odd as odd:
                if self._seldom.may_say(str(odd)):
                    log_odd(id_of(raw), str(odd), raw)
                else:
                    log.info("update %s is put aside as well: %s", id_of(raw), odd)
        await self._known.wait()
        try:
            fresh = await self._rows.add({id_: body for id_, (_update, body) in letters.items()})
        except (SQLAlchemyError, OSError) as refused:
            self.refusals(refused)
            if self.excuse is not None:
                self._do(self.excuse([update for update, _body in letters.values()], refused))
            raise NotWritten from refused
        until = asyncio.get_running_loop().time() + IN_TURN_SECONDS
        for id_, (update, _body) in sorted(letters.items()):
            if id_ in fresh:
                self._waiting.append(_Letter(update, Handling(id_, self._notes.step), in_turn_until=until))
        self._begin()

    def _begin(self) -> None:
        """Gives as many of those that wait to their handlers as may run at a time."""
        if self._album_alone is not None:
            for letter in [letter for letter in self._waiting if letter.album == self._album_alone]:
                self._waiting.remove(letter)
                self._start(letter)
        if self._open and self._waiting:
            self._begin_in_turn()
        if len(self._waiting) < MOST_WAITING:
            self._room.set()
        else:
            self._room.clear()

    def _begin_in_turn(self) -> None:
        """A person's updates one after the other, for a while; those of an album, of a flood and of different people at
        once, in their order."""
        loop, now = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        later, behind, left = deque[_Letter](), set[int | None](), Counter(one.sender for one in self._waiting)
        while self._waiting and len(self._running) < self._most:
            letter = self._waiting.popleft()
            sender, album = letter.sender, letter.album
            alone = sender is None or not self._going[sender]
            together = album is not None and album == self._album_of.get(sender) and sender not in behind
            if alone or together or now >= letter.in_turn_until or left[sender] > MOST_IN_TURN:
                self._start(letter)
                left[sender] -= 1
            else:
                later.append(letter)
                behind.add(sender)
        self._waiting.extendleft(reversed(later))
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = loop.call_at(min(letter.in_turn_until for letter in later), self._begin) if later else None

    def _start(self, letter: _Letter) -> asyncio.Task[None]:
        task = asyncio.create_task(self._handle(letter), name=f"update {letter.update.update_id}")
        self._running[task] = letter
        self._going[letter.sender] += 1
        self._album_of[letter.sender] = letter.album
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        sender = self._running.pop(task).sender
        self._going[sender] -= 1
        if not self._going[sender]:
            del self._going[sender], self._album_of[sender]
        self._begin()

    async def _handle(self, letter: _Letter) -> None:
        handling, update_id = letter.handling, letter.update.update_id
        letter.tries += 1
        try:
            await asyncio.shield(self._notes.begun(update_id, letter.tries))
            with in_hand(handling):
                await self._feed(letter.update)
        except asyncio.CancelledError:  # cut short by our own end, which is not the handler's fault
            for left in (handling, *handling.followers):
                self._notes.begun(left.update_id, 0)
            raise
        if handling.leader is None or handling.leader.over:
            self._notes.handled(update_id, *(part.update_id for part in handling.followers if part.over))

    async def _feed(self, update: Update) -> None:
        """Through the dispatcher; what its error handlers let through is logged and goes no further."""
        try:
            await self._dispatcher.feed_update(self._bot, update)
        except Exception:
            log.exception("update %d", update.update_id)

    # What was left

    async def _left_over(self) -> None:
        """What another run has not finished: suspects first and alone, then the rest in order, then what is new."""
        left_over = await self._until_read()
        self._known.set()
        letters = [letter for left in left_over if (letter := await self._opened(left)) is not None]
        suspects: dict[object, list[_Letter]] = {}
        begun = [letter for letter in letters if letter.tries]
        for letter in begun:
            suspects.setdefault(letter.album or letter, []).append(letter)
        if letters:
            log.info("%d updates were left, %d of them begun", len(letters), len(begun))
        for alone in suspects.values():
            self._album_alone = alone[0].album
            await asyncio.wait([self._start(letter) for letter in alone], timeout=LONE_SECONDS)
        self._album_alone = None
        rest = [letter for letter in letters if letter not in begun]
        for letter in rest:
            letter.in_turn_until = asyncio.get_running_loop().time() + IN_TURN_SECONDS
        self._waiting.extendleft(reversed(rest))
        self._open = True
        self._begin()

    async def _until_read(self) -> Sequence[Left]:
        while True:
            try:
                return await self._rows.left()
            except (SQLAlchemyError, OSError) as refused:
                self.refusals(refused)
            await asyncio.sleep(1.0)

    async def _opened(self, left: Left) -> _Letter | None:
        try:
            update, _body = read(self._bot, json.loads(left.body))
        except (Odd, ValueError) as odd:  # written by a version that could read it
            log_odd(left.update_id, str(odd), left.body)
            self._notes.handled(left.update_id)
            return None
        if left.tries < TRIES:
            return _Letter(update, Handling(left.update_id, self._notes.step, left.steps), left.tries)
        self._do(self._set_aside(update, left.tries))
        return None

    async def _set_aside(self, update: Update, tries: int) -> None:
        """The word to its sender comes first: a kill in between has it said again, though not for ever."""
        reason = f"the program ended {TRIES} times while it was handled"
        log.error("update %d is set aside: %s", update.update_id, reason)
        if self.apologise is not None and tries < TRIES + APOLOGIES:
            await self._notes.begun(update.update_id, tries + 1)
            await self.apologise(update)
        await self._rows.set_aside(update.update_id, reason)
        if self.on_set_aside is not None:
            self.on_set_aside(update.update_id, reason)

    async def _forget_old(self) -> None:
        while True:
            try:
                await self._rows.forget_old()
            except (SQLAlchemyError, OSError) as refused:
                self.refusals(refused)
            await asyncio.sleep(FORGET_EVERY_SECONDS)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._done)

    def _done(self, chore: asyncio.Task[None]) -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and (error := chore.exception()) is not None:
            log.error("a chore of the inbox failed", exc_info=error)

    # The end

    async def _drain(self, seconds: float) -> None:
        """Waits for the handlers; what they do not finish in time stays for the next start."""
        if not self._running:
            return
        log.info("waiting for %d handlers to end", len(self._running))
        _, late = await asyncio.wait(set(self._running), timeout=seconds)
        for task in late:
            log.warning("%s was not handled in time", task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)
