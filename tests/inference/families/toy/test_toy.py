"""A second family beside Kandinsky: one folder, and its lines in the registries."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inference.blobs import BlobStore, read_recipe
from inference.engine.asks import Aside
from inference.engine.family import card_of, registry
from inference.engine.loop import Drawn, Engine
from inference.engine.nets import Nets
from inference.families import FAMILIES
from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.ledger import Ledger
from inference.queue.options import WorkerOptions
from inference.queue.tables import metadata
from inference.queue.transport.local import LocalDelivery
from inference.requests import REQUESTS, Cancelled, Event, Finished, FlashTextToImage, Progress, Request
from tests.inference.families.toy import TOY, Mosaic
from tests.inference.families.toy.kit import JOURNAL, ToyKit
from tests.inference.families.toy.nets import write_painter
from tests.inference.families.toy.pipelines import TILES, mosaic
from tests.inference.queue.jobs import queued
from tests.inference.tiny import TinyKit
from tests.waiting import until

ROOT = Path(__file__).parents[4]
CPU = torch.device("cpu")
FOX = Mosaic(prompt="a fox", seeds=(1,))
TWO = Mosaic(prompt="boats", seeds=(2, 3))
FLASH = FlashTextToImage(prompt="a red fox", width=64, height=64, seeds=(1,))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line in the registry of requests, here as in the worker and the engine child."""
    monkeypatch.setitem(REQUESTS, "mosaic", Mosaic)


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """The weights of both families in one folder."""
    folder = shutil.copytree(tiny_folder, tmp_path / "weights")
    write_painter(folder)
    return folder


def passes(folder: Path) -> list[int]:
    """Rows of every pass that painted."""
    lines = (folder / JOURNAL).read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("Paint")]


def alone(folder: Path, request: Mosaic) -> list[np.ndarray]:
    """What the pipeline makes when each of its asks is answered by itself."""
    nets = Nets(CPU)
    kit = ToyKit(folder / "mosaic.safetensors", nets)
    pipeline, answer = mosaic(request, None), None  # type: ignore[arg-type]
    with torch.inference_mode():
        while True:
            try:
                ask = pipeline.send(answer)
            except StopIteration as end:
                return [picture.numpy() for picture in end.value.pictures]
            answer = None if isinstance(ask, Aside) else kit.answer([ask], room=1, lean=False)[0]


@dataclass
class House:
    """The queue over a real worker and a real engine child, and what was told of every job."""

    ledger: Ledger
    dispatcher: Dispatcher
    told: dict[int, list[Event]] = field(default_factory=dict)

    async def order(self, request: Request) -> int:
        job_id = await queued(self.ledger, request=request)
        self.dispatcher.wake()
        return job_id

    async def end_of(self, job_id: int) -> Event:
        await until(lambda: isinstance(self.last(job_id), Finished | Cancelled), seconds=100)
        return self.last(job_id)

    def last(self, job_id: int) -> Event:
        return self.told.get(job_id, [None])[-1]  # type: ignore[return-value]


@pytest.fixture
async def house(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}")
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    options = WorkerOptions(
        device="cpu",
        threads=1,
        blobs_url=str(tmp_path / "blobs"),
        weights_dir=folder,
        beautifier="none",
        translator="none",
        engine=(sys.executable, "-m", "tests.inference.families.toy.child"),
    )
    ledger = Ledger(database)
    delivery = LocalDelivery(options, command=(sys.executable, "-m", "tests.inference.families.toy.worker"))
    house = House(ledger, Dispatcher(ledger, delivery))
    house.dispatcher.listen(lambda job_id, event: house.told.setdefault(job_id, []).append(event))
    await house.dispatcher.start()
    yield house
    await house.dispatcher.close(1.0)
    await database.dispose()


async def test_it_goes_from_request_to_picture_beside_kandinsky(house: House, folder: Path, tmp_path: Path) -> None:
    await until(lambda: house.dispatcher.slots, seconds=100)
    assert house.dispatcher.card is not None and {"flash", "mosaic"} <= set(house.dispatcher.card.kinds)
    fox, two, flash, unwanted = [await house.order(one) for one in (FOX, TWO, FLASH, TWO)]
    await until(lambda: isinstance(house.last(unwanted), Progress), seconds=100)
    assert await house.dispatcher.cancel(unwanted) == "stopping"
    ends = {job_id: await house.end_of(job_id) for job_id in (fox, two, flash, unwanted)}

    assert isinstance(ends[unwanted], Cancelled)
    for job_id, asked in ((fox, FOX), (two, TWO)):
        finished = ends[job_id]
        assert isinstance(finished, Finished) and len(finished.pictures) == len(asked.seeds)
        for picture, expected in zip(finished.pictures, alone(folder, asked), strict=True):
            content = BlobStore(str(tmp_path / "blobs")).get(picture.blob)
            assert np.array_equal(np.array(Image.open(io.BytesIO(content))), expected)
            assert picture.recipe.request == asked and picture.recipe.checkpoints == {"painter": "of today"}
        steps = [event for event in house.told[job_id] if isinstance(event, Progress) and event.stage == "drawing"]
        assert {event.of for event in steps} == {1 + TILES * len(asked.seeds)}
        assert [event.step for event in steps] == sorted(event.step for event in steps)
    drawn = ends[flash]
    assert isinstance(drawn, Finished) and set(drawn.pictures[0].recipe.checkpoints) >= {"flash", "movq"}
    assert max(passes(folder)) >= 2, "no two mosaics shared a pass"


async def test_of_many_mosaics_those_that_are_whole_outlive_a_cancel(
    house: House, folder: Path, tmp_path: Path
) -> None:
    many = TWO.model_copy(update={"seeds": tuple(range(8))})
    await until(lambda: house.dispatcher.slots, seconds=100)
    job_id = await house.order(many)

    def one_is_whole() -> bool:
        last = house.last(job_id)
        return isinstance(last, Progress) and last.step > TILES + 1

    await until(one_is_whole, seconds=100)
    assert await house.dispatcher.cancel(job_id) == "stopping"
    ended = await house.end_of(job_id)
    assert isinstance(ended, Cancelled) and 1 <= len(ended.pictures) < 8
    for picture, expected in zip(ended.pictures, alone(folder, many), strict=False):
        content = BlobStore(str(tmp_path / "blobs")).get(picture.blob)
        assert np.array_equal(np.array(Image.open(io.BytesIO(content))), expected)
        assert read_recipe(content) == picture.recipe and picture.recipe.seed == picture.tile
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert len(files) == len(ended.pictures), "nothing of those that were begun"


class Clock:
    """Two seconds a look, so that every preview is due."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


def drawn(engine: Engine) -> tuple[dict[int, Drawn], int]:
    """What every job comes to, and how many previews there were."""
    ends: dict[int, Drawn] = {}
    looks = 0
    while len(engine):
        for job_id, event in engine.turn():
            looks += isinstance(event, Progress) and event.preview is not None
            if not isinstance(event, Progress):
                assert isinstance(event, Drawn), event
                ends[job_id] = event
    return ends, looks


def test_jobs_of_unlike_lengths_share_passes_and_come_out_as_alone(folder: Path) -> None:
    nets = Nets(CPU)
    kit = ToyKit(folder / "mosaic.safetensors", nets)
    engine = Engine([kit], nets, clock=Clock())
    engine.add(1, TWO)
    for _ in range(10):
        engine.turn()
    engine.add(2, FOX)
    ends, looks = drawn(engine)
    for job_id, asked in ((1, TWO), (2, FOX)):
        made = [picture.numpy() for picture in ends[job_id].drawing.pictures]
        assert all(np.array_equal(*pair) for pair in zip(made, alone(folder, asked), strict=True))
    assert sum(rows == 2 for rows in passes(folder)) >= TILES // 2
    assert looks > 0


def test_nets_of_both_families_are_moved_against_each_other(folder: Path) -> None:
    requests = {1: FOX, 2: FLASH}
    made = []
    for budget in (None, 1):
        nets = Nets(CPU, budget=budget)
        kits = [TinyKit(folder, nets), ToyKit(folder / "mosaic.safetensors", nets)]
        engine = Engine(kits, nets)
        for job_id, request in requests.items():
            engine.add(job_id, request)
        made.append(drawn(engine)[0])
        assert len(nets.resident) == (1 if budget else 4)
    for job_id in requests:
        pairs = zip(*(ends[job_id].drawing.pictures for ends in made), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_its_part_of_the_card_is_what_lies_there(folder: Path) -> None:
    families, options = registry(*FAMILIES, TOY), WorkerOptions(weights_dir=folder, beautifier="none")
    card = card_of(families, options)
    assert card is not None and "mosaic" in card.kinds
    (folder / "mosaic.safetensors").unlink()
    card = card_of(families, options)
    assert card is not None and "mosaic" not in card.kinds and "flash" in card.kinds


@pytest.mark.parametrize("claimed", ["name", "kinds"])
def test_what_is_one_familys_is_no_others(claimed: str) -> None:
    fields = {"name": "another", "kinds": ("another",), claimed: getattr(TOY, claimed)}
    with pytest.raises(ValueError, match=r"claimed by two families: (toy|mosaic)"):
        registry(TOY, type(TOY)(**fields, offer=TOY.offer, open=TOY.open))
