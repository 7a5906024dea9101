"""A fair line: bounded for each, in turn for all, and nothing is lost when somebody gives up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.turns import FairLine, LineFull, Turns
from tests.bot.virtual_time import run_in_virtual_time

PEOPLE = st.integers(1, 5)
Deed = tuple[str, int]
DEEDS = st.lists(st.tuples(st.sampled_from(("join", "join", "advance", "end", "give_up")), PEOPLE), max_size=120)


@given(places=st.integers(1, 4), per_person=st.integers(1, 3), waiting=st.integers(1, 4), deeds=DEEDS)
def test_whatever_happens_every_bound_holds_and_each_turn_belongs_to_a_ticket(
    places: int, per_person: int, waiting: int, deeds: list[Deed]
) -> None:
    line: FairLine[int] = FairLine(places, per_person=per_person, waiting=waiting)
    mine: dict[int, list[int]] = {person: [] for person in range(1, 6)}
    going: Counter[int] = Counter()
    for number, (deed, person) in enumerate(deeds):
        if deed == "join":
            free = len(mine[person]) + going[person] < waiting + per_person
            try:
                line.join(person, number)
                mine[person].append(number)
                assert free
            except LineFull:
                assert not free
        elif deed == "advance":
            called = line.advance()
            if called is None:
                may_go = [who for who in mine if mine[who] and going[who] < per_person]
                assert going.total() == places or not may_go
            else:
                who, ticket = called
                assert ticket == mine[who].pop(0)
                going[who] += 1
        elif deed == "end" and going[person]:
            line.end(person)
            going[person] -= 1
        elif deed == "give_up" and mine[person]:
            assert line.give_up(person, mine[person].pop())
        assert going.total() <= places
        assert max(going.values(), default=0) <= per_person
        assert all(line.waiting(who) == len(mine[who]) and line.going(who) == going[who] for who in mine)


@given(st.lists(PEOPLE, min_size=1, max_size=60))
def test_nobody_is_served_twice_while_somebody_else_waits(asking: list[int]) -> None:
    line: FairLine[int] = FairLine(1, per_person=1, waiting=100)
    for number, person in enumerate(asking):
        line.join(person, number)
    since: dict[int, set[int]] = {}
    while (called := line.advance()) is not None:
        person, _ticket = called
        for other, served in since.items():
            if other != person and line.waiting(other):
                assert person not in served, "a second turn before the first of somebody who waits"
                served.add(person)
        since[person] = set()
        line.end(person)


def test_one_thing_of_another_waits_for_one_of_a_hundred_and_not_for_all() -> None:
    async def main() -> None:
        turns = Turns(1, waiting=200)
        order: list[int] = []

        async def work(person: int) -> None:
            async with turns.turn(person):
                await asyncio.sleep(1)
                order.append(person)

        flood = [asyncio.create_task(work(1)) for _ in range(100)]
        await asyncio.sleep(0.5)
        await work(2)
        assert order == [1, 2]
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert not turns.busy(1)

    run_in_virtual_time(main())


def test_what_is_given_up_while_it_waits_or_just_when_it_is_called_frees_its_place() -> None:
    async def main() -> None:
        turns = Turns(1, waiting=10)
        entered = asyncio.Event()

        async def hold() -> None:
            async with turns.turn(1):
                entered.set()
                await asyncio.sleep(10)

        holder, waiting, called = (asyncio.create_task(hold()) for _ in range(3))
        await entered.wait()
        waiting.cancel()
        await asyncio.sleep(0)
        holder.cancel()
        await asyncio.sleep(0)  # its place has been given on, and whoever has it is stopped before it begins
        called.cancel()
        await asyncio.gather(holder, waiting, called, return_exceptions=True)
        assert not turns.busy(1)
        async with asyncio.timeout(1), turns.turn(2):
            pass

    run_in_virtual_time(main())


def test_who_has_too_much_waiting_is_refused_at_once_and_alone() -> None:
    async def main() -> None:
        turns = Turns(1, waiting=2)

        async def hold(person: int) -> None:
            async with turns.turn(person):
                await asyncio.sleep(1)

        tasks = [asyncio.create_task(hold(1)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(LineFull):
            await hold(1)
        tasks.append(asyncio.create_task(hold(2)))
        await asyncio.gather(*tasks)
        await hold(1)

    run_in_virtual_time(main())
