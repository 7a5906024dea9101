"""What an engine counts reaches the bot, from a worker beside it and from one that is elsewhere."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from redis.asyncio import Redis
from torch import nn

from inference.child.counting import EVERY_SECONDS, Counting
from inference.engine.nets import Nets, NetSpec
from inference.queue.figures import MOST_NETS, Figures
from inference.queue.options import WorkerOptions
from inference.queue.supervisor import Supervisor, Watch
from inference.queue.timings import MOST_KINDS
from inference.queue.transport.local import LocalDelivery
from inference.queue.transport.redis import delivery as bot_side
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.queue.transport.redis.link import RedisLink
from inference.queue.transport.redis.offer import PROTOCOL, ForeignOffer, Offer, read_offer
from inference.queue.watchdog import Silence
from inference.queue.wire import Counted, Hello, Patience
from tests.inference.queue.conftest import Clock
from tests.waiting import until

ROOT = Path(__file__).parents[3]
FIGURES = Figures(steps=7, passes=3, busy_seconds=1.5, memory_used=4, memory_total=8, nets=("flash", "movq"))

ENGINE = """
import os, pathlib, sys
from inference.queue.figures import Figures
from inference.queue.wire import Counted, Hello, ParentLink
link = ParentLink(int(sys.argv[sys.argv.index("--fd") + 1]))
link.inbox.get()
link.send(Hello(slots=1, pid=os.getpid()))
link.send(Counted(figures=Figures(steps=7, restarts=99), loading={{"flash": 2.5}}))
before = pathlib.Path({before!r})
if not before.exists():
    before.write_text("")
    os._exit(1)
link.inbox.get()
"""


async def test_the_worker_beside_the_bot_is_told_of_with_the_engines_that_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    code = ENGINE.format(before=str(tmp_path / "before"))
    local = LocalDelivery(WorkerOptions(device="cpu", engine=(sys.executable, "-c", code)))
    assert local.seen() == ()
    await local.start()

    def second() -> bool:
        return any(worker.figures == Figures(steps=7, restarts=1) and worker.slots for worker in local.seen())

    await until(second)
    assert [offer.loading for offer in (await local.capacity()).workers] == [{"flash": 2.5}]
    (worker,) = local.seen()
    assert (worker.life, worker.host, worker.device, worker.refused) == ("worker 1", "local", "cpu", "")
    await local.close(0.0)
    assert local.seen() == ()


async def test_a_worker_that_is_elsewhere_tells_it_in_its_offer_until_it_leaves(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_side, "LOOK_SECONDS", 0.05)
    life = keys.new_life(1)
    link = RedisLink(redis_url, life, Offer(code_version="1.0", host="rack", device="cuda:0", beat=0))
    delivery = RedisDelivery(redis_url)
    await delivery.start()
    link.open()
    link.send(Hello(slots=2, pid=1))
    link.send(Counted(figures=FIGURES, loading={"flash": 0.0, "full": 6.2}))
    await until(lambda: [worker.figures for worker in delivery.seen()] == [FIGURES])
    assert [offer.loading for offer in (await delivery.capacity()).workers] == [{"flash": 0.0, "full": 6.2}]
    (worker,) = delivery.seen()
    assert (worker.life, worker.host, worker.device, worker.version) == (life, "rack", "cuda:0", "1.0")
    assert (worker.slots, worker.jobs) == (2, 0)
    await link.close()
    await until(lambda: delivery.seen() == ())
    await delivery.close(0.0)


async def test_a_worker_that_cannot_be_understood_is_told_of_as_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_side, "LOOK_SECONDS", 0.05)
    server, life = Redis.from_url(redis_url), keys.new_life(1)
    await server.sadd(keys.WORKERS, life)
    await server.set(keys.offer_of(life), '{"protocol": 99, "device": "a novelty"}')
    delivery = RedisDelivery(redis_url)
    await delivery.start()
    await until(lambda: [worker.life for worker in delivery.seen()] == [life])
    (worker,) = delivery.seen()
    assert "protocol 99" in worker.refused and (worker.slots, worker.figures) == (0, None)
    await delivery.close(0.0)
    await server.aclose()


@pytest.mark.parametrize(
    "given",
    [
        {"steps": -1},
        {"steps": 10**30},
        {"busy_seconds": float("nan")},
        {"busy_seconds": float("inf")},
        {"memory_used": "much"},
        {"nets": ["a net\nwith a line"]},
        {"nets": ['"} 1\nstudio_slots 99']},
        {"nets": ["n" * 65]},
        {"nets": [f"net{number}" for number in range(MOST_NETS + 1)]},
    ],
)
def test_figures_that_cannot_be_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Figures.model_validate(given)


@pytest.mark.parametrize(
    "loading",
    [
        {"flash": -1.0},
        {"flash": 1e300},
        {"flash": "soon"},
        {"flash": None},
        {"": 0.0},
        {"k" * 33: 0.0},
        {f"kind{number}": 0.0 for number in range(MOST_KINDS + 1)},
        ["flash"],
    ],
)
def test_a_word_on_nets_that_cannot_be_leaves_its_worker_out(loading: Any) -> None:
    said = Offer(code_version="1", host="h", device="cpu", beat=1).model_dump(mode="json")
    assert read_offer(json.dumps({**said, "loading": {"flash": 0.0}}).encode()).loading == {"flash": 0.0}
    assert read_offer(json.dumps({**said, "protocol": PROTOCOL - 1}).encode()).of("old").loading is None
    with pytest.raises(ForeignOffer, match="loading"):
        read_offer(json.dumps({**said, "loading": loading}).encode())


def test_figures_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
    assert Figures.model_validate({"steps": 3, "watts": 300}) == Figures(steps=3)


# In the engine


class Stub:
    steps = passes = 0


def test_it_is_told_once_a_second_before_a_rest_and_only_where_something_has_changed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.child.counting.memory_of", lambda _device: (4, 8))
    told: list[Counted] = []
    engine: Any = Stub()
    counting = Counting(engine, Nets(torch.device("cpu")), told.append, clock=clock)
    counting.tell()
    assert told == [Counted(figures=Figures(memory_used=4, memory_total=8), loading={})]
    for _turn in range(16):
        with counting.at_work():
            engine.steps, engine.passes = engine.steps + 4, engine.passes + 1
            clock.now += EVERY_SECONDS / 8
    assert [counted.figures.steps for counted in told] == [0, 32, 64]
    assert told[-1].figures.busy_seconds == pytest.approx(2 * EVERY_SECONDS)
    clock.now += 100.0
    counting.tell()
    assert len(told) == 3, "a rest is no work"
    with pytest.raises(RuntimeError), counting.at_work():
        raise RuntimeError("the device is gone")
    assert len(told) == 3


def test_a_net_that_is_called_by_a_folder_or_is_in_float32_for_once_is_told_of_in_plain_letters() -> None:
    device = torch.device("cpu")
    nets, folder = Nets(device), "/srv/модели/" + "deep/" * 20
    for place, name in ((nets, f"language {folder}Qwen2.5²"), (nets.aside(" in float32"), "flash"), (nets, "flash")):
        place.register([NetSpec(name=name, bytes=8, load=lambda _device: nn.Linear(1, 1), device=device)])
        place.require(name)
    told: list[Counted] = []
    engine: Any = Stub()
    Counting(engine, nets, told.append).tell()
    language, *others = told[0].figures.nets
    assert others == ["flash-in-float32", "flash"]
    assert language.endswith("deep-Qwen2.5-") and len(language) == 64


def test_memory_of_the_cpu_is_that_of_this_process_and_of_the_machine() -> None:
    from inference.engine.device import memory_of

    used, whole = memory_of(torch.device("cpu"))
    assert 10_000_000 < used < whole


def test_figures_end_no_patience_and_are_no_sign_of_life() -> None:
    heard: list[Any] = []
    supervisor = Supervisor(
        "engine",
        ("nothing",),
        WorkerOptions(),
        on_message=lambda message, _announced: heard.append(message),
        on_end=lambda _death: None,
        on_trouble=lambda _why: None,
        watch=Watch(1.0, 10.0, lambda: True),
        longest_pause=1.0,
        last_words_seconds=1.0,
    )
    now = time.monotonic()
    supervisor._silence = Silence(30.0, now)
    supervisor._hear(Patience(seconds=300.0, why="a pass without a GPU"))
    supervisor._hear(Counted(figures=FIGURES))
    assert not supervisor._silence.too_long(now + 200.0)
    assert supervisor._silence.too_long(now + 400.0)
    assert heard[-1] == Counted(figures=FIGURES)
