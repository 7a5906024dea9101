"""When a call to Telegram may leave: a place in line per chat, and one beat for all chats together.

Telegram asks for no more than one message a second in a chat (short bursts pass), twenty a minute in a group and about
thirty a second over all chats; how edits count is not published, so they count as messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum


class Lane(IntEnum):
    """Who goes first when several wait. Whatever a person waits for outruns progress."""

    RESULT = 0
    PROGRESS = 1


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` calls in any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits to keep. In every window a quarter is out of progress's reach, so that results find room."""

    private: tuple[Window, ...] = (Window(8, 8.0),)
    group: tuple[Window, ...] = (Window(5, 5.0), Window(20, 60.0))
    per_second: float = 25.0


@dataclass(slots=True)
class _Waiter:
    lane: Lane
    number: int
    weight: int
    turn: asyncio.Future[None]


@dataclass(slots=True)
class _Chat:
    windows: tuple[Window, ...]
    sent: deque[float] = field(default_factory=deque)
    paused_until: float = 0.0
    waiting: list[_Waiter] = field(default_factory=list)

    def earliest(self, waiter: _Waiter, now: float) -> float:
        """When this waiter may go, were nobody else there."""
        when = max(now, self.paused_until)
        for window in self.windows:
            reserve = window.count // 4 if waiter.lane is Lane.PROGRESS else 0
            room = max(1, window.count - reserve)
            excess = len(self.sent) + min(waiter.weight, room) - room
            if excess > 0:
                when = max(when, self.sent[excess - 1] + window.seconds)
        return when

    def head(self) -> _Waiter:
        return min(self.waiting, key=lambda waiter: (waiter.lane, waiter.number))

    def forget_before(self, now: float) -> None:
        longest = max(window.seconds for window in self.windows)
        while self.sent and self.sent[0] <= now - longest:
            self.sent.popleft()


class Pacer:
    """Hands out turns. Time is the running loop's; nothing runs while nobody waits."""

    def __init__(self, pace: Pace = Pace()) -> None:
        self._pace = pace
        self._chats: dict[int | str, _Chat] = {}
        self._busy: set[int | str] = set()
        self._next_beat = 0.0
        self._paused_until = 0.0
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(len(self._chats[key].waiting) for key in self._busy)

    @property
    def _gate(self) -> float:
        """No call leaves before this moment, whatever its chat."""
        return max(self._next_beat, self._paused_until)

    def is_paused(self, chat: int | str) -> bool:
        now = asyncio.get_running_loop().time()
        known = self._chats.get(chat)
        return now < self._paused_until or (known is not None and now < known.paused_until)

    async def turn(self, chat: int | str, lane: Lane = Lane.RESULT, weight: int = 1) -> None:
        """Returns when a call of `weight` messages may be made to this chat."""
        loop = asyncio.get_running_loop()
        self._number += 1
        waiter = _Waiter(lane, self._number, weight, loop.create_future())
        self._chat(chat).waiting.append(waiter)
        self._busy.add(chat)
        # An alarm at the next possible moment will look at everybody anyway.
        if self._timer is None or self._timer.when() > max(loop.time(), self._gate):
            self._release()
        await waiter.turn

    def give_back(self, chat: int | str) -> None:
        """Returns a turn that was not used."""
        known = self._chat(chat)
        if known.sent:
            known.sent.pop()
        self._release()

    def pause(self, chat: int | str, seconds: float) -> None:
        """No turn in this chat for so long."""
        known = self._chat(chat)
        known.paused_until = max(known.paused_until, asyncio.get_running_loop().time() + seconds)

    def pause_everyone(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)

    def _chat(self, key: int | str) -> _Chat:
        known = self._chats.get(key)
        if known is None:
            if len(self._chats) % 1000 == 999:
                self._forget_quiet_chats()
            private = isinstance(key, int) and key > 0
            known = self._chats[key] = _Chat(self._pace.private if private else self._pace.group)
        return known

    def _release(self) -> None:
        """Lets go everyone whose turn it is and sets the alarm for the next one."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            now = loop.time()
            following = self._following(now)
            if following is None:
                return
            when, key, waiter = following
            if when > now:
                self._timer = loop.call_at(when, self._release)
                return
            self._chats[key].waiting.remove(waiter)
            self._chats[key].sent.extend([now] * waiter.weight)
            self._next_beat = max(self._next_beat, now) + waiter.weight / self._pace.per_second
            waiter.turn.set_result(None)

    def _following(self, now: float) -> tuple[float, int | str, _Waiter] | None:
        """Who goes next, and when: of those who may go by then, the first in line."""
        soonest: tuple[float, Lane, int] | None = None
        found: tuple[float, int | str, _Waiter] | None = None
        gate = max(now, self._gate)
        for key in tuple(self._busy):
            chat = self._chats[key]
            chat.waiting[:] = [waiter for waiter in chat.waiting if not waiter.turn.done()]
            if not chat.waiting:
                self._busy.discard(key)
                continue
            chat.forget_before(now)
            waiter = chat.head()
            when = max(gate, chat.earliest(waiter, now))
            rank = (when, waiter.lane, waiter.number)
            if soonest is None or rank < soonest:
                soonest, found = rank, (when, key, waiter)
        return found

    def _forget_quiet_chats(self) -> None:
        now = asyncio.get_running_loop().time()
        for key, chat in list(self._chats.items()):
            chat.forget_before(now)
            if not chat.waiting and not chat.sent and chat.paused_until <= now:
                del self._chats[key]
