"""A fair line: whoever sends much waits behind the own things, not others behind them.

Persons take turns, one thing each, so that the wait of somebody with one thing to do depends on how many people wait
and not on how much. How many things of one person go at a time, and how many may wait, is bounded.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

Ticket = TypeVar("Ticket")


class LineFull(Exception):
    """So many things of this person wait already that no more are taken."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} wait already")
        self.waiting = waiting


class FairLine(Generic[Ticket]):
    """Who is next, as plain data: no clock, no tasks.

    `places` go at a time, `per_person` of one person, and at most `waiting` more of each wait.
    """

    def __init__(self, places: int, *, per_person: int, waiting: int) -> None:
        self._places = places
        self._per_person = per_person
        self._most_waiting = waiting
        self._waiting: OrderedDict[int, deque[Ticket]] = OrderedDict()  # whose turn is next comes first
        self._going: Counter[int] = Counter()
        self._served: int | None = None  # who has had the latest turn

    def waiting(self, person: int) -> int:
        """How many things of a person wait for their turn."""
        return len(self._waiting.get(person, ()))

    def going(self, person: int) -> int:
        """How many things of a person have their turn."""
        return self._going[person]

    def join(self, person: int, ticket: Ticket) -> None:
        """Takes a place at the end of the person's own line. Raises LineFull."""
        room = self._most_waiting + self._per_person - self.going(person)  # what can go at once does not wait
        if self.waiting(person) >= room:
            raise LineFull(self.waiting(person))
        newcomer = person not in self._waiting
        self._waiting.setdefault(person, deque()).append(ticket)
        if newcomer and self._served is not None and self._served in self._waiting:
            # Whose turn has only just been comes behind whoever is new.
            self._waiting.move_to_end(self._served)

    def advance(self) -> tuple[int, Ticket] | None:
        """Gives the next turn, if one is free: the person, and what has it. Looks at no more people than are served."""
        if self._going.total() >= self._places:
            return None
        for person, tickets in self._waiting.items():
            if self._going[person] < self._per_person:
                ticket = tickets.popleft()
                self._waiting.move_to_end(person)
                if not tickets:
                    del self._waiting[person]
                self._going[person] += 1
                self._served = person
                return person, ticket
        return None

    def end(self, person: int) -> None:
        """A turn of this person is over."""
        self._going[person] -= 1
        if self._going[person] <= 0:
            del self._going[person]

    def give_up(self, person: int, ticket: Ticket) -> bool:
        """Takes something out of the line; False where it does not wait there."""
        tickets = self._waiting.get(person)
        if tickets is None or ticket not in tickets:
            return False
        tickets.remove(ticket)
        if not tickets:
            del self._waiting[person]
        return True


class Turns:
    """A fair line for tasks: `async with turns.turn(person)`."""

    def __init__(self, places: int, *, per_person: int = 1, waiting: int) -> None:
        self._line: FairLine[asyncio.Future[None]] = FairLine(places, per_person=per_person, waiting=waiting)

    def busy(self, person: int) -> bool:
        """Whether anything of this person has its turn or waits for it."""
        return self._line.going(person) + self._line.waiting(person) > 0

    @asynccontextmanager
    async def turn(self, person: int) -> AsyncIterator[None]:
        """Waits for a turn and holds it. Raises LineFull at once where too much of this person waits."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.join(person, ticket)
        self._call()
        try:
            await ticket
        except asyncio.CancelledError:
            if not self._line.give_up(person, ticket) and not ticket.cancelled():
                self._line.end(person)  # it was called, and cancelled before it heard of it
            self._call()
            raise
        try:
            yield
        finally:
            self._line.end(person)
            self._call()

    def _call(self) -> None:
        while (called := self._line.advance()) is not None:
            person, ticket = called
            if ticket.done():  # cancelled a moment ago
                self._line.end(person)
            else:
                ticket.set_result(None)
