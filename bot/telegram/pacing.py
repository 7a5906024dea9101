"""When a call to Telegram may leave: a place in line per chat, and one beat for all chats together.

Telegram asks for no more than one message a second in a chat (short bursts pass), twenty a minute in a group and about
thirty a second over all chats; how edits count is not published, so they count as messages.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum


class Lane(IntEnum):
    """Who goes first when several wait: pictures, then what is said to people, then how far something is."""

    RESULT = 0
    ANSWER = 1
    PROGRESS = 2

    def kept_from(self, count: int) -> int:
        """How many of so many turns are out of its reach, so that what goes first finds room."""
        return count * self // 8


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` calls in any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits to keep. Of every window an eighth is out of reach for answers and a quarter for progress."""

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
    """`served` is the number of its latest turn, `placed` that of its latest entry among those that wait."""

    windows: tuple[Window, ...]
    sent: deque[float] = field(default_factory=deque)
    paused_until: float = 0.0
    lanes: tuple[deque[_Waiter], ...] = field(default_factory=lambda: tuple(deque() for _ in Lane))
    served: int = 0
    placed: int = 0

    def earliest(self, waiter: _Waiter, now: float) -> float:
        """When this waiter may go, were nobody else there."""
        when = max(now, self.paused_until)
        for window in self.windows:
            room = max(1, window.count - waiter.lane.kept_from(window.count))
            excess = len(self.sent) + min(waiter.weight, room) - room
            if excess > 0:
                when = max(when, self.sent[excess - 1] + window.seconds)
        return when

    def head(self) -> _Waiter | None:
        """Who goes first; whoever has given up is dropped on the way."""
        for lane in self.lanes:
            while lane and lane[0].turn.done():
                lane.popleft()
            if lane:
                return lane[0]
        return None

    def forget_before(self, now: float) -> None:
        longest = max(window.seconds for window in self.windows)
        while self.sent and self.sent[0] <= now - longest:
            self.sent.popleft()


class Pacer:
    """Hands out turns. Time is the running loop's; nothing runs while nobody waits.

    Chats take turns at the common beat: of those that may go, the one that has waited longest since its last turn goes
    first, so that no chat with much to say holds up the others. A turn costs the logarithm of how many chats wait.
    """

    def __init__(self, pace: Pace = Pace()) -> None:
        self._pace = pace
        self._chats: dict[int | str, _Chat] = {}
        self._ready: list[tuple[Lane, int, int, int, int | str]] = []  # (lane, served, number, placed, chat)
        self._later: list[tuple[float, int, int | str]] = []  # (when, placed, chat)
        self._next_beat = 0.0
        self._paused_until = 0.0
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        lanes = (lane for chat in self._chats.values() for lane in chat.lanes)
        return sum(not waiter.turn.done() for lane in lanes for waiter in lane)

    @property
    def _gate(self) -> float:
        """No call leaves before this moment, whatever its chat."""
        return max(self._next_beat, self._paused_until)

    def is_paused(self, chat: int | str) -> bool:
        now = asyncio.get_running_loop().time()
        known = self._chats.get(chat)
        return now < self._paused_until or (known is not None and now < known.paused_until)

    async def turn(self, chat: int | str, lane: Lane = Lane.ANSWER, weight: int = 1) -> None:
        """Returns when a call of `weight` messages may be made to this chat."""
        loop = asyncio.get_running_loop()
        self._number += 1
        waiter = _Waiter(lane, self._number, weight, loop.create_future())
        known = self._chat(chat)
        known.lanes[lane].append(waiter)
        if known.head() is waiter:
            self._place(chat, known)
        # An alarm at the next possible moment will look at everybody anyway.
        if self._timer is None or self._timer.when() > max(loop.time(), self._gate):
            self._release()
        await waiter.turn

    def give_back(self, chat: int | str) -> None:
        """Returns a turn that was not used."""
        known = self._chat(chat)
        if known.sent:
            known.sent.pop()
        self._place(chat, known)
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

    def _place(self, key: int | str, chat: _Chat) -> None:
        """Puts a chat where its next call belongs: among those that wait for the beat alone, or for later."""
        head = chat.head()
        self._number += 1
        chat.placed = self._number  # earlier entries no longer count
        if head is None:
            return
        now = asyncio.get_running_loop().time()
        chat.forget_before(now)
        when = chat.earliest(head, now)
        if when <= max(now, self._gate):
            heapq.heappush(self._ready, (head.lane, chat.served, head.number, chat.placed, key))
        else:
            heapq.heappush(self._later, (when, chat.placed, key))

    def _release(self) -> None:
        """Lets go everyone whose turn it is and sets the alarm for the next one."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            now = loop.time()
            when = self._next_moment(now)
            if when is None:
                return
            if when > now:
                self._timer = loop.call_at(when, self._release)
                return
            self._serve(now)

    def _next_moment(self, now: float) -> float | None:
        """When somebody may go, with everyone who may go by then among the ready; None where nobody waits."""
        gate = max(now, self._gate)
        while self._later and (self._later[0][0] <= gate or not self._counts(*self._later[0][1:])):
            _when, placed, key = heapq.heappop(self._later)
            if self._counts(placed, key):
                self._place(key, self._chats[key])
        while self._ready:
            lane, _served, number, placed, key = self._ready[0]
            known = self._chats[key] if self._counts(placed, key) else None
            head = known.head() if known is not None else None
            unchanged = head is not None and (head.lane, head.number) == (lane, number)
            if known is not None and unchanged and known.paused_until <= gate:
                return gate
            heapq.heappop(self._ready)
            if known is not None:  # it has been paused since, or its first call was given up
                self._place(key, known)
        return self._later[0][0] if self._later else None

    def _counts(self, placed: int, key: int | str) -> bool:
        """Whether an entry is the latest of its chat."""
        chat = self._chats.get(key)
        return chat is not None and chat.placed == placed

    def _serve(self, now: float) -> None:
        """Gives the turn to the first of the ready."""
        lane, _served, _number, _placed, key = heapq.heappop(self._ready)
        chat = self._chats[key]
        waiter = chat.lanes[lane].popleft()
        chat.sent.extend([now] * waiter.weight)
        self._number += 1
        chat.served = self._number
        self._next_beat = max(self._next_beat, now) + waiter.weight / self._pace.per_second
        waiter.turn.set_result(None)
        self._place(key, chat)

    def _forget_quiet_chats(self) -> None:
        now = asyncio.get_running_loop().time()
        for key, chat in list(self._chats.items()):
            chat.forget_before(now)
            if chat.head() is None and not chat.sent and chat.paused_until <= now:
                del self._chats[key]
