from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.queue.fairness import (
    InFlight,
    Limits,
    Outlook,
    Share,
    Waiting,
    effective_class,
    joining_time,
    outlooks,
    picks,
    serving_order,
)
from inference.queue.fleet import Fleet, Member
from inference.queue.foresight import Foresight
from inference.queue.timings import Timing, Timings

LIMITS = Limits()


def linear(speed: float) -> Fleet:
    """What is foreseen where a megapixel pass takes so many seconds, and nothing else any."""
    timing = Timing(a_pass=speed, developing=0.0, once=0.0)
    return Fleet([Member("", Foresight(Timings(kinds={"flash": timing, "full": timing})))])


COSTS = st.floats(0.5, 50.0)


@st.composite
def crowds(draw: st.DrawFn, priorities: int = 2) -> tuple[list[Waiting], dict[int, Share]]:
    owners = draw(st.lists(st.integers(1, 6), min_size=1, max_size=25))
    waiting = [
        Waiting(
            number,
            owner,
            draw(COSTS),
            draw(st.sampled_from(["flash:a", "flash:b", "full:a"])),
            draw(st.integers(0, priorities)),
            since=draw(st.floats(0, 2000)),
        )
        for number, owner in enumerate(owners, start=1)
    ]
    shares = {owner: Share(draw(st.floats(0, 100)), draw(st.sampled_from([0.5, 1.0, 2.0]))) for owner in set(owners)}
    return waiting, shares


def order_of(waiting: list[Waiting], shares: dict[int, Share], in_flight: list[InFlight], slots: int) -> list[int]:
    order = serving_order(waiting, shares, in_flight, slots=slots, now=2000.0, limits=LIMITS)
    return [job.job_id for job in order]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_equal_costs_give_an_exact_round_robin(people: int, each: int, slots: int) -> None:
    waiting = [Waiting(owner * 100 + k, owner, 4.0, "flash:a") for owner in range(people) for k in range(each)]
    shares = {owner: Share() for owner in range(people)}
    order = list(serving_order(waiting, shares, [], slots=slots, now=0.0, limits=LIMITS))
    assert [job.owner_id for job in order] == list(range(people)) * each


@given(crowds(), st.integers(1, 5))
def test_places_are_the_order_in_which_jobs_are_really_picked(
    crowd: tuple[list[Waiting], dict[int, Share]], slots: int
) -> None:
    waiting, shares = crowd
    no_look_ahead = replace(LIMITS, look_ahead=1)
    foreseen = order_of(waiting, shares, [], slots)
    left, accounts, busy, real = list(waiting), dict(shares), deque[InFlight](), []
    while left:
        while len(busy) >= slots:
            busy.popleft()  # jobs end in the order they began
        [pick] = picks(left, accounts, list(busy), room=1, now=2000.0, limits=no_look_ahead)
        left.remove(pick.job)
        accounts[pick.job.owner_id] = accounts[pick.job.owner_id].charged(pick.job.cost)
        busy.append(InFlight(pick.job.job_id, pick.job.owner_id, pick.job.compatibility, pick.job.cost))
        real.append(pick.job.job_id)
    assert foreseen == real


@given(crowds(), st.integers(1, 8))
def test_several_free_slots_are_filled_as_if_one_after_the_other(
    crowd: tuple[list[Waiting], dict[int, Share]], room: int
) -> None:
    waiting, shares = crowd
    at_once = [pick.job.job_id for pick in picks(waiting, shares, [], room=room, now=2000.0, limits=LIMITS)]
    left, accounts, busy = list(waiting), dict(shares), list[InFlight]()
    for expected in at_once:
        [pick] = picks(left, accounts, busy, room=1, now=2000.0, limits=LIMITS)
        assert pick.job.job_id == expected
        left.remove(pick.job)
        accounts[pick.job.owner_id] = accounts[pick.job.owner_id].charged(pick.job.cost)
        busy.append(InFlight(pick.job.job_id, pick.job.owner_id, pick.job.compatibility, pick.job.cost))


@given(st.lists(COSTS, min_size=60, max_size=60), st.sampled_from([0.5, 2.0, 3.0]))
def test_service_is_proportional_to_weights_while_both_wait(costs: list[float], weight: float) -> None:
    waiting = [Waiting(number, number % 2, cost, "flash:a") for number, cost in enumerate(costs)]
    shares = {0: Share(), 1: Share(weight=weight)}
    left, served = Counter(job.owner_id for job in waiting), {0: 0.0, 1: 0.0}
    for job in serving_order(waiting, shares, [], slots=1, now=0.0, limits=LIMITS):
        served[job.owner_id] += job.cost
        left[job.owner_id] -= 1
        if not all(left.values()):
            break
        assert abs(served[0] - served[1] / weight) <= max(costs) * (1 + 1 / weight)


@given(st.integers(0, 3), st.integers(1, 3))
def test_nobody_starves_below_a_stream_of_better_jobs(priority: int, step: int) -> None:
    """One better job arrives for each that is served, from ever new people; the low one still has its turn."""
    limits = replace(LIMITS, ageing_seconds=60.0)
    low = Waiting(0, 999, 5.0, "flash:a", priority, since=0.0)
    left, accounts, now = [low], {999: Share()}, 0.0
    for number in range(1, 200):
        lowest = min(accounts[job.owner_id].virtual_time for job in left)
        accounts[number] = Share(joining_time(0.0, [lowest], 0.0))
        left.append(Waiting(number, number, 5.0, "flash:a", priority + step, since=now))
        [pick] = picks(left, accounts, [], room=1, now=now, limits=limits)
        if pick.job is low:
            assert now <= 60.0 * step + 2 * 10.0
            return
        left.remove(pick.job)
        accounts[pick.job.owner_id] = accounts[pick.job.owner_id].charged(pick.job.cost)
        now += 10.0
    pytest.fail("never served")


@given(crowds(), st.floats(0.01, 5))
def test_the_time_grows_with_the_work_ahead(crowd: tuple[list[Waiting], dict[int, Share]], speed: float) -> None:
    waiting, shares = crowd
    order = list(serving_order(waiting, shares, [], slots=2, now=2000.0, limits=LIMITS))
    running = [InFlight(900, 77, "flash:a", 10.0)]
    foreseen = outlooks(order, running, linear(speed))
    assert [foreseen[job.job_id].place for job in order] == list(range(1, len(order) + 1))
    etas = [foreseen[job.job_id].eta_seconds or 0.0 for job in order]
    assert all(before < after for before, after in pairwise(etas))
    assert etas[-1] == pytest.approx(speed * (10.0 + sum(job.cost for job in order)))
    more = outlooks(order, [*running, InFlight(901, 78, "flash:a", 1.0)], linear(speed))
    assert all((more[job_id].eta_seconds or 0) > (foreseen[job_id].eta_seconds or 0) for job_id in foreseen)


def test_without_a_measured_speed_or_a_worker_there_is_a_place_but_no_time() -> None:
    order = [Waiting(1, 1, 4.0, "flash:a"), Waiting(2, 2, 4.0, "flash:a")]
    assert outlooks(order, [], Fleet())[2] == Outlook(place=2, work_ahead=4.0, eta_seconds=None)
    assert outlooks(order, [], linear(1.0), online=False)[2].eta_seconds is None
    assert outlooks(order, [], linear(1.0))[2].eta_seconds == 8.0


def test_a_person_with_a_job_running_waits_for_the_others_but_not_for_an_idle_device() -> None:
    waiting = [Waiting(1, 1, 1.0, "flash:a"), Waiting(2, 2, 90.0, "flash:a"), Waiting(3, 2, 1.0, "flash:a")]
    running = [InFlight(9, 1, "flash:a", 1.0)]
    chosen = picks(waiting, {1: Share(0.0), 2: Share(50.0)}, running, room=3, now=0.0, limits=LIMITS)
    assert [pick.job.job_id for pick in chosen] == [2, 1, 3]


def test_priority_comes_first_and_age_lifts_at_most_to_the_best_class_present() -> None:
    old, new, better = (
        Waiting(1, 1, 1.0, "a", since=0.0),
        Waiting(2, 2, 1.0, "a", since=9000.0),
        Waiting(3, 3, 1.0, "a", priority=1, since=9000.0),
    )
    shares = {1: Share(5.0), 2: Share(0.0), 3: Share(9.0)}
    now = 9000.0
    alone = picks([old, new], shares, [], room=2, now=now, limits=LIMITS)
    assert [pick.job.job_id for pick in alone] == [2, 1], "among equals age does not undo the fair order"
    mixed = picks([old, new, better], shares, [], room=3, now=now, limits=LIMITS)
    assert [pick.job.job_id for pick in mixed] == [1, 3, 2]
    assert effective_class(0, -3600.0, 300.0, best=5) == 0


def test_a_job_that_can_share_passes_with_what_runs_is_pulled_forward_a_bounded_number_of_times() -> None:
    other, same = Waiting(1, 1, 1.0, "full:b"), Waiting(2, 2, 1.0, "flash:a")
    running = [InFlight(9, 3, "flash:a", 1.0)]
    shares = {1: Share(0.0), 2: Share(3.0)}
    [pick] = picks([other, same], shares, running, room=1, now=0.0, limits=LIMITS)
    assert pick.job is same and pick.overtook is other
    tired = replace(other, overtaken=LIMITS.max_overtakes)
    [pick] = picks([tired, same], shares, running, room=1, now=0.0, limits=LIMITS)
    assert pick.job is tired and pick.overtook is None
    [pick] = picks([other, replace(same, suspect=True)], shares, running, room=1, now=0.0, limits=LIMITS)
    assert pick.job is other, "a suspect shares with nobody"


def test_look_ahead_ends_after_its_number_of_heads_and_at_the_end_of_the_class() -> None:
    crowd = [Waiting(number, number, 1.0, "full:b") for number in range(40)]
    far = Waiting(99, 99, 1.0, "flash:a")
    running = [InFlight(1000, 1000, "flash:a", 1.0)]
    shares = {job.owner_id: Share() for job in crowd} | {99: Share()}
    for length, expected in ((30, 99), (32, 0)):
        [pick] = picks([*crowd[:length], far], shares, running, room=1, now=0.0, limits=LIMITS)
        assert pick.job.job_id == expected
    best = replace(crowd[0], priority=1)
    [pick] = picks([best, replace(far, since=0.0)], shares, running, room=1, now=0.0, limits=LIMITS)
    assert pick.job is best


def test_staying_away_saves_nothing_up_and_costs_nothing() -> None:
    assert joining_time(0.0, [40.0, 55.0], 90.0) == 40.0
    assert joining_time(70.0, [40.0], 90.0) == 70.0
    assert joining_time(0.0, [], 90.0) == 90.0
