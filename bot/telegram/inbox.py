"""Updates between Telegram and their handlers: written down first, handled side by side, forgotten when handled. The
parts of an album go to their handlers together.

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
from functools import partial
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.types import Update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.handling import Handling, in_hand
from bot.store.inbox import InboxRows, Left
from bot.telegram.letters import Album, Letter, album_of
from bot.telegram.notes import Notes, Refusals
from bot.telegram.updates import Odd, Seldom, log_odd, read, read_all

log = logging.getLogger(__name__)

TRIES = 3
APOLOGIES = 3  # begun, for an update that is set aside
MOST_RUNNING = 4096  # far beyond what one person may have in hand (`bot.middlewares.crowds`)
MOST_WAITING = 1000
MOST_IN_TURN = 20  # of one person: a flood does not wait for itself, most of it is refused
LONE_SECONDS = 5.0
IN_TURN_SECONDS = 1.0  # that an update waits for an earlier one of the same person
EDIT_IN_TURN_SECONDS = 30.0  # the same where it changes a message, which may be what is in hand
FORGET_EVERY_SECONDS = 3600.0


class NotWritten(Exception):
    """The database does not take updates now: Telegram must keep them. The reason has been logged."""


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
        self._waiting: deque[Letter] = deque()
        self._running: dict[asyncio.Task[None], Letter] = {}
        self._going: Counter[int | None] = Counter()  # handlers that run, by sender
        self._arriving: Counter[Album] = Counter()  # parts that are being written down
        self._in_hand: Counter[Album] = Counter()  # parts whose handlers run
        self._alarm: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._known = asyncio.Event()  # what was left has been read: what comes from now on is new
        self._open = False
        self._chores: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, drain_seconds: float) -> AsyncIterator[None]:
        """Handles what was left and whatever `receive` brings; on leaving lets the handlers that run end in time."""
        self._do(self._left_over())
        self._do(self._forget_old())
        try:
            yield
        finally:
            self._open = False
            self._waiting.clear()  # they are on disk
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
        """Writes updates down, once there is room, and has them handled; those known already are left alone.

        An album waits for the parts that wait here. Raises NotWritten.
        """
        letters = read_all(self._bot, raws, self._seldom)
        arriving = Counter(album for update, _body in letters.values() if (album := album_of(update)) is not None)
        self._arriving += arriving
        try:
            await self._known.wait()
            await self._room.wait()
            fresh = await self._written(letters)
            for id_, (update, _body) in sorted(letters.items()):
                if id_ in fresh:
                    self._waiting.append(self._letter(update))
        finally:
            self._arriving -= arriving
        self._begin()

    async def _written(self, letters: dict[int, tuple[Update, str]]) -> frozenset[int]:
        """The ids of those that are new. Raises NotWritten."""
        try:
            return await self._rows.add({id_: body for id_, (_update, body) in letters.items()})
        except (SQLAlchemyError, OSError) as refused:
            self.refusals(refused)
            if self.excuse is not None:
                self._do(self.excuse([update for update, _body in letters.values()], refused))
            raise NotWritten from refused

    def _letter(self, update: Update, left: Left | None = None) -> Letter:
        handling = Handling(update.update_id, self._notes.step, left.steps if left is not None else {})
        if (album := album_of(update)) is not None:
            handling.awaits_more = partial(self._awaits_more, album)
        return Letter(update, handling, left.tries if left is not None else 0, _in_turn_until(update))

    def _awaits_more(self, album: Album, leader: Handling) -> bool:
        """Whether parts of an album are known that have not reached the one that handles them all."""
        running = (letter.handling for letter in self._running.values() if letter.album == album)
        return (
            self._arriving[album] > 0
            or any(letter.album == album for letter in self._waiting)
            or any(part is not leader and part.leader is None and not part.over for part in running)
        )

    def _begin(self) -> None:
        """Gives as many of those that wait to their handlers as may run at a time; parts of an album that is in hand
        wait for nobody."""
        for letter in [letter for letter in self._waiting if letter.album in self._in_hand] if self._in_hand else ():
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
        later, left = deque[Letter](), Counter(one.sender for one in self._waiting)
        while self._waiting and len(self._running) < self._most:
            letter = self._waiting.popleft()
            sender = letter.sender
            alone = sender is None or not self._going[sender]
            together = letter.album in self._in_hand
            if alone or together or now >= letter.in_turn_until or left[sender] > MOST_IN_TURN:
                left[sender] -= 1
                self._start(letter)
                for part in [part for part in later if part.album == letter.album is not None]:
                    later.remove(part)
                    self._start(part)
            else:
                later.append(letter)
        self._waiting.extendleft(reversed(later))
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = loop.call_at(min(letter.in_turn_until for letter in later), self._begin) if later else None

    def _start(self, letter: Letter) -> asyncio.Task[None]:
        task = asyncio.create_task(self._handle(letter), name=f"update {letter.update.update_id}")
        self._running[task] = letter
        self._going[letter.sender] += 1
        if letter.album is not None:
            self._in_hand[letter.album] += 1
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        letter = self._running.pop(task)
        self._going[letter.sender] -= 1
        if not self._going[letter.sender]:
            del self._going[letter.sender]
        if letter.album is not None:
            self._in_hand -= Counter({letter.album: 1})
        self._begin()

    async def _handle(self, letter: Letter) -> None:
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
        suspects: dict[object, list[Letter]] = {letter.album or letter: [] for letter in letters if letter.tries}
        rest = [letter for letter in letters if (letter.album or letter) not in suspects]
        for letter in letters:  # of an album also those parts that were not begun
            if (piece := letter.album or letter) in suspects:
                suspects[piece].append(letter)
        if letters:
            log.info("%d updates were left, %d of them begun", len(letters), len(letters) - len(rest))
        for alone in suspects.values():
            await asyncio.wait([self._start(letter) for letter in alone], timeout=LONE_SECONDS)
        for letter in rest:
            letter.in_turn_until = _in_turn_until(letter.update)
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

    async def _opened(self, left: Left) -> Letter | None:
        try:
            update, _body = read(self._bot, json.loads(left.body))
        except (Odd, ValueError) as odd:  # written by a version that could read it
            log_odd(left.update_id, str(odd), left.body)
            self._notes.handled(left.update_id)
            return None
        if left.tries < TRIES:
            return self._letter(update, left)
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


def _in_turn_until(update: Update) -> float:
    """How long an update lets earlier ones of its sender go first."""
    patience = IN_TURN_SECONDS if update.edited_message is None else EDIT_IN_TURN_SECONDS
    return asyncio.get_running_loop().time() + patience
