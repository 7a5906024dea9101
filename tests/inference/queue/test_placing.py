"""At which worker a job is drawn, what nobody can draw, and how long things take where several draw."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.fairness import InFlight, Limits, Share, Waiting, outlooks, picks
from inference.queue.fleet import Fleet, Member
from inference.queue.foresight import Foresight
from inference.queue.ledger import Ledger
from inference.queue.placing import Room, Rooms, rooms_of
from inference.queue.speeds import DeviceClock
from inference.queue.timings import Timing, Timings
from inference.queue.transport import WorkerOffer
from inference.queue.transport.capacity import Capacity, demands
from inference.requests import Look, Mix, Queued, Sheet, Started, WeighedSource
from tests.inference.queue.conftest import Clock
from tests.inference.queue.jobs import DONE, DRAINED, FLASH, FULL, offering, queued, state
from tests.inference.queue.memory import MemoryDelivery
from tests.inference.queue.test_dispatcher import Scene
from tests.waiting import until

SOURCE = WeighedSource(blob="a" * 64, width=512, height=512)
MIX = Mix(prompt="a cat", images=(SOURCE, SOURCE), width=512, height=512, seeds=(1,))
LIMITS = Limits(waiting_per_person=100, running_per_person=100)
KINDS = ("flash", "full", "mix")


def job(number: int, kind: str, owner: int = 1, size: int = 512) -> Waiting:
    return Waiting(number, owner, 1.0, f"{kind}:{size}x{size}", demands=frozenset({kind}))


def placed(rooms: list[Room], *jobs: Waiting) -> list[str]:
    free = Rooms(rooms)
    return [free.place(one) for one in jobs]


def test_a_job_goes_where_its_net_is_at_hand_even_beside_others_and_else_where_it_can_be() -> None:
    rooms = [
        Room(offering(4, "flash", "full", name="idle"), 4),
        Room(offering(4, "flash", "full", name="warm"), 3, keys=("flash:512x512",), loading={"flash": 0.0}),
        Room(offering(4, "mix", name="other"), 4),
    ]
    assert placed(rooms, job(1, "flash")) == ["warm"]
    assert placed(rooms, job(1, "full")) == ["idle"]
    assert placed(rooms, *(job(number, "flash") for number in range(4))) == ["warm", "warm", "warm", "idle"]
    with pytest.raises(ValueError, match="no worker"):
        placed(rooms, *(job(number, "mix") for number in range(5)))


def test_of_workers_that_are_alike_the_idle_one_draws_then_the_one_that_shares_passes_then_the_one_with_least() -> None:
    here = {"flash": 0.0}
    busy = Room(offering(4, name="busy"), 3, keys=("flash:512x512",), loading=here)
    idle = Room(offering(4, name="idle"), 4, loading=here)
    beside = Room(offering(4, name="beside"), 3, keys=("flash:768x768",), loading=here)
    laden = Room(offering(4, name="laden"), 1, keys=("full:1x1",) * 3, loading=here)
    assert placed([busy, idle, beside], job(1, "flash")) == ["idle"]
    assert placed([busy, beside], job(1, "flash", size=768)) == ["beside"]
    assert placed([laden, busy], job(1, "flash", size=640)) == ["busy"]
    assert placed([idle, Room(offering(4, "flash", name="small"), 4, loading=here)], job(1, "flash")) == ["small"]


def test_of_nets_that_lie_on_disk_the_nearest_are_fetched_and_what_is_read_in_a_moment_moves_no_job() -> None:
    far = Room(offering(4, name="far"), 4, loading={"flash": 23.0, "full": 0.3})
    near = Room(offering(4, name="near"), 4, loading={"flash": 7.0, "full": 0.0})
    assert placed([far, near], job(1, "flash")) == ["near"]
    assert placed([far, replace(near, free=3, keys=("full:1x1",))], job(1, "full")) == ["far"], "it is idle"
    assert placed([far, Room(offering(4, name="silent"), 4)], job(1, "flash")) == ["silent"], "it is hoped for the best"
    assert placed([Room(offering(4, name="silent"), 4), near], job(1, "flash")) == ["near"]


def test_the_word_of_a_worker_on_its_nets_counts_more_than_what_it_has_been_given_last() -> None:
    told = offering(2, name="told").model_copy(update={"loading": {"flash": 20.0, "mix": 0.0}})
    silent = offering(2, name="silent")
    drawn = {"told": frozenset({"flash"}), "silent": frozenset({"mix", "full"})}
    at = {1: "told", 2: "silent"}
    jobs = [InFlight(1, 1, "full:1x1", 1.0), InFlight(2, 1, "flash:1x1", 1.0)]
    loading = {room.worker.name: room.loading for room in rooms_of([told, silent], jobs, at.get, drawn)}
    assert loading["told"] == {"flash": 20.0, "mix": 0.0, "full": 0.0}, "what it is drawing it has at hand"
    assert loading["silent"] == {"mix": 0.0, "full": 0.0, "flash": 0.0}


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Waiting], list[Room]]:
    waiting = [
        job(number, draw(st.sampled_from(KINDS)), draw(st.integers(1, 4)))
        for number in range(1, draw(st.integers(1, 15)))
    ]
    offers = [
        offering(draw(st.integers(0, 3)), *draw(st.sets(st.sampled_from(KINDS), min_size=1)), name=str(number))
        for number in range(draw(st.integers(0, 4)))
    ]
    return waiting, [Room(offer, offer.slots) for offer in offers]


@given(fleets())
def test_every_job_goes_to_one_that_can_draw_it_and_nothing_that_could_be_drawn_is_left_while_there_is_room(
    fleet: tuple[list[Waiting], list[Room]],
) -> None:
    waiting, rooms = fleet
    offers = {room.worker.name: room.worker for room in rooms}
    chosen = picks(waiting, {}, [], room=sum(room.free for room in rooms), now=0.0, limits=LIMITS, rooms=rooms)
    left = {name: offer.slots for name, offer in offers.items()}
    for pick in chosen:
        assert offers[pick.worker].can(pick.job.demands)
        left[pick.worker] -= 1
    assert min(left.values(), default=0) >= 0
    gone = {pick.job.job_id for pick in chosen}
    for one in waiting:
        if one.job_id not in gone:
            assert not any(left[name] and offer.can(one.demands) for name, offer in offers.items())


def test_what_nobody_has_room_for_keeps_neither_others_nor_its_owners_other_jobs_waiting() -> None:
    rooms = [Room(offering(2, "flash", name="one"), 2)]
    waiting = [job(1, "mix", owner=1), job(2, "mix", owner=1), job(3, "flash", owner=1), job(4, "flash", owner=2)]
    shares = {1: Share(0.0), 2: Share(50.0)}
    chosen = picks(waiting, shares, [], room=2, now=0.0, limits=LIMITS, rooms=rooms)
    assert [(pick.job.job_id, pick.overtook) for pick in chosen] == [(3, None), (4, None)]


def timed(seconds: float) -> Foresight:
    timing = Timing(a_pass=seconds, developing=0.0, once=0.0)
    return Foresight(Timings(kinds={"flash": timing, "mix": timing}))


def test_the_speeds_of_workers_add_up_and_a_job_by_itself_takes_its_time() -> None:
    fleet = Fleet([Member("fast", timed(1.0)), Member("slow", timed(3.0), ("flash",))])
    flash, mix = ("flash:1x1", 6.0, 0.0), ("mix:1x1", 6.0, 0.0)
    assert fleet.turn(*flash) == pytest.approx(6.0 * 3 / 4) and fleet.seconds(*flash) == pytest.approx(6.0 * 3 / 2)
    assert fleet.turn(*mix) == fleet.seconds(*mix) == pytest.approx(6.0), "only one draws it"
    assert fleet.at("slow").seconds(*flash) == pytest.approx(18.0)
    assert fleet.at("gone").seconds(*flash) == fleet.seconds(*flash)
    order = [Waiting(number, 1, 6.0, "flash:1x1") for number in (1, 2, 3)]
    told = outlooks(order, [InFlight(9, 1, "mix:1x1", 3.0)], fleet)
    assert [told[number].eta_seconds for number in (1, 2, 3)] == pytest.approx([3 + 9, 3 + 4.5 + 9, 3 + 9 + 9])
    assert fleet.at_most(3, 18.0, 0.0) >= 27.0


def test_what_nobody_can_draw_has_a_place_behind_all_others_and_no_time() -> None:
    fleet = Fleet([Member("one", timed(1.0), ("flash",))])
    order = [Waiting(1, 1, 6.0, "mix:1x1"), Waiting(2, 2, 6.0, "flash:1x1")]
    told = outlooks(order, [], fleet)
    assert (told[2].place, told[2].eta_seconds, told[2].possible) == (1, pytest.approx(6.0), True)
    assert (told[1].place, told[1].eta_seconds, told[1].possible) == (2, None, False)
    assert all(one.possible for one in outlooks(order, [], Fleet()).values()), "while nobody has come, who knows"


def test_a_sheet_demands_the_weights_of_its_pictures_and_that_it_is_known() -> None:
    sheet = demands(Sheet(of=FLASH, looks=(Look(suffix="x"),)))
    able = offering(1, "flash")
    assert able.can(sheet) and not able.model_copy(update={"foreign": frozenset({"sheet"})}).can(sheet)
    assert not offering(1, "full").can(sheet) and offering(1).can(sheet)


def test_what_workers_can_draw_between_them_is_what_one_of_them_can() -> None:
    capacity = Capacity(workers=(offering(1, "flash", name="a"), offering(2, "full", "x4", name="b")))
    assert capacity.slots == 3 and capacity.card is not None
    assert set(capacity.card.kinds) == {"flash", "full", "x4"}
    assert Capacity().card is None and Capacity().slots == 0


# Through ledger and dispatcher


@pytest.fixture
async def scene(database: AsyncEngine) -> AsyncIterator[Scene]:
    scene = Scene(Ledger(database, limits=LIMITS), MemoryDelivery())
    await scene.queue.start()
    yield scene
    await scene.queue.close(0.0)


async def there(scene: Scene, *workers: WorkerOffer) -> None:
    """Returns when the dispatcher knows that these workers are there."""
    scene.delivery.workers = workers
    await until(lambda: scene.queue._workers == workers)


async def test_jobs_that_nobody_can_draw_wait_at_no_cost_and_hold_nobody_up(scene: Scene) -> None:
    await there(scene, offering(2, "flash", name="one"))
    mixes = [await queued(scene.ledger, 1, MIX) for _ in range(5)]
    flash = [await scene.queued(1), await scene.queued(2)]
    await until(lambda: sorted(scene.delivery.ids()) == flash)
    for job_id in mixes:
        waiting = await scene.ledger.job(job_id)
        assert waiting is not None and (waiting.state, waiting.attempts) == ("queued", 0)
    await until(lambda: Queued(place=1, eta_seconds=None, possible=False) in scene.told_of(mixes[0], places=True))
    await there(scene, offering(2, "flash", name="one"), offering(1, "mix", name="two"))
    await until(lambda: mixes[0] in scene.delivery.ids())
    assert scene.delivery.where(mixes[0]) == "two"


async def test_a_mode_goes_with_its_last_worker_and_comes_back_with_the_next(scene: Scene) -> None:
    both = offering(1, "flash", name="one"), offering(1, "mix", name="two")
    await there(scene, *both)
    assert scene.queue.card is not None and set(scene.queue.card.kinds) == {"flash", "mix"}
    await there(scene, both[0])
    assert scene.queue.card.kinds == ("flash",)
    await there(scene, *both)
    assert set(scene.queue.card.kinds) == {"flash", "mix"}
    scene.delivery.workers, scene.delivery.slots = (), 0
    await until(lambda: scene.queue.slots == 0)
    assert set(scene.queue.card.kinds) == {"flash", "mix"}, "nobody is there, and nobody knows better"


async def test_a_worker_that_cannot_after_all_gives_the_job_back_and_it_goes_elsewhere_at_no_cost(scene: Scene) -> None:
    await there(scene, offering(1, "flash", name="one"))
    job_id = await scene.queued()
    await until(lambda: scene.delivery.ids() == [job_id])
    await there(scene, offering(1, "flash", name="two"))
    scene.delivery.report(job_id, DRAINED)
    await until(lambda: scene.delivery.ids() == [job_id, job_id])
    assert scene.delivery.where(job_id) == "two"
    waiting = await scene.ledger.job(job_id)
    assert waiting is not None and waiting.attempts == 1


async def test_the_next_of_a_kind_goes_where_the_last_was_drawn(scene: Scene) -> None:
    await there(scene, offering(1, name="one"), offering(1, name="two"))
    seen = []
    for request in (FLASH, FULL, FLASH, FULL, FULL, FLASH):
        job_id = await queued(scene.ledger, 1, request)
        scene.queue.wake()
        await until(lambda job_id=job_id: job_id in scene.delivery.ids())
        seen.append((request.kind, scene.delivery.where(job_id)))
        scene.delivery.report(job_id, DONE)
        await until(lambda job_id=job_id: DONE in scene.told_of(job_id))
    assert len(set(seen)) == 2, "each kind has found a place, and no net is moved any more"


async def test_where_nets_are_at_hand_is_what_their_worker_says_now(scene: Scene) -> None:
    def moved(**seconds: float) -> WorkerOffer:
        return offering(1, name="two").model_copy(update={"loading": seconds})

    one = offering(1, name="one").model_copy(update={"loading": {"flash": 9.0, "full": 0.0}})
    seen = []
    for two in (moved(flash=0.0, full=9.0), moved(flash=20.0, full=20.0)):
        await there(scene, one, two)
        job_id = await scene.queued()
        await until(lambda job_id=job_id: job_id in scene.delivery.ids())
        seen.append(scene.delivery.where(job_id))
        scene.delivery.report(job_id, DONE)
        await until(lambda job_id=job_id: DONE in scene.told_of(job_id))
    assert seen == ["two", "one"], "two has let go of what it has drawn last"


async def test_two_cards_learn_each_its_own_speed_and_neither_twice_it(database: AsyncEngine, clock: Clock) -> None:
    scene = Scene(Ledger(database, limits=LIMITS), MemoryDelivery(), monotonic=clock)
    bases = {"fast": Timings(basis="a" * 64), "slow": Timings(basis="b" * 64)}
    workers = [offering(1, name=name, timings=timings) for name, timings in bases.items()]
    await scene.queue.start()
    await there(scene, *workers)
    seconds = {"fast": 4.0, "slow": 12.0}
    for _ in range(3):
        jobs = [await scene.queued(owner) for owner in (1, 2)]
        await until(lambda jobs=jobs: set(jobs) <= scene.delivery.held)
        for job_id in jobs:
            scene.delivery.report(job_id, Started())
            await until(lambda job_id=job_id: Started() in scene.told_of(job_id))
        at = {scene.delivery.where(job_id): job_id for job_id in jobs}
        began = clock.now
        for name in ("fast", "slow"):
            clock.now = began + seconds[name]
            scene.delivery.report(at[name], DONE)
            await until(lambda job_id=at[name]: DONE in scene.told_of(job_id))
    for name, taken in seconds.items():
        ledger = Ledger(database)
        ledger.meet([offering(1, name=name, timings=bases[name])])
        assert await ledger.estimate(FLASH) == pytest.approx(taken)
    assert await scene.ledger.estimate(FLASH) == pytest.approx(2 / (1 / 4 + 1 / 12))
    await scene.queue.close(0.0)


def test_a_clock_of_one_device_would_have_halved_them(clock: Clock) -> None:
    shared = DeviceClock()
    shared.enter(1, 0.0)
    shared.enter(2, 0.0)
    assert shared.leave(1, 4.0) == pytest.approx(2.0)


async def test_a_row_of_a_kind_that_is_no_more_holds_nobody_up(scene: Scene, database: AsyncEngine) -> None:
    scene.delivery.slots = 0
    await until(lambda: scene.queue.slots == 0)
    strange, usual = await scene.queued(1), await scene.queued(2)
    async with database.begin() as connection:
        await connection.execute(text(f'update jobs set request = \'{{"kind":"dream"}}\' where id = {strange}'))
    await there(scene, offering(2, "flash", name="one"))
    await until(lambda: scene.delivery.ids() == [usual])
    assert await state(scene.ledger, usual) == "sent"
