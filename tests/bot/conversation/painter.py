"""A Delivery that paints coloured squares in this process: what the conversation needs of a worker, without torch."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import ClassVar

from PIL import Image

from inference.blobs import BlobStore, encode_png
from inference.queue.figures import WorkerSeen
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Capacity, Interrupted, JobReport, WorkerOffer
from inference.requests import (
    Ability,
    AnyRequest,
    Cancelled,
    Failed,
    Finished,
    Inpaint,
    Kind,
    ModelCard,
    Note,
    Outpaint,
    Picture,
    Progress,
    Recipe,
    Rewrite,
    Started,
    Texts,
    WordLists,
)

COLOURS = {"red": (220, 40, 40), "blue": (30, 60, 210), "green": (40, 160, 70), "красн": (220, 40, 40)}

SMALL = ModelCard(
    label=Texts(ru="Малыш", en="Tiny"),
    abilities=dict.fromkeys(
        ("flash", "full"),
        Ability(
            native_size=(128, 128),
            sizes={"1:1": (128, 128), "3:2": (192, 128), "2:3": (128, 192), "2:1": (256, 128)},
            languages=("ru", "en"),
        ),
    ),
    vocabulary=WordLists(ru=("круг", "кот"), en=("circle", "cat")),
    lexicon=("a", "red", "green", "blue", "circle", "cat", "on", "красный", "круг", "кот", "на", "синем", "фоне"),
    examples=WordLists(
        ru=("красный круг на синем фоне", "синий кот", "зелёный круг"),
        en=("a red circle on blue", "a blue cat", "a green circle"),
    ),
)
BIG = ModelCard(
    label=Texts(ru="Кандинский 3.1", en="Kandinsky 3.1"),
    abilities=dict.fromkeys(
        ("flash", "full"),
        Ability(
            native_size=(256, 256),
            sizes={"1:1": (256, 256), "16:9": (448, 256), "9:16": (256, 448), "3:2": (320, 192)},
        ),
    ),
)


def offering(card: ModelCard, *kinds: Kind) -> ModelCard:
    """The card with these kinds and no others, each as able as its first one."""
    return card.model_copy(update={"abilities": dict.fromkeys(kinds, card.of(card.kinds[0]))})


ALL_MODES = offering(
    BIG, *BIG.kinds, "refine", "inpaint", "outpaint", "mix", "hed", "depth", "scribble", "x2", "flash_x2", "x4"
).model_copy(update={"missing": {"mix_flash": "kandinsky3_ip_adapter, 13.7 GB"}})


@dataclass
class Painter:
    """`card` and `slots` may be changed at any time; while `gate` is clear, jobs with `hold` in the prompt wait.

    `whole` is how many pictures of a job are ready while it waits there; who is `deaf` does not hear of cancelling.
    `answers` are what a language model makes of a
    prompt: a text, or why there is none.
    """

    blobs: BlobStore
    card: ModelCard | None = SMALL
    slots: int = 2
    trouble: str | None = None
    timings: Timings | None = None
    steps: int = 3
    hold: str = ""
    whole: int = 0
    deaf: bool = False
    failure: Failed | None = None
    notes: tuple[Note, ...] = ()
    answers: dict[str, str | Failed] = field(default_factory=dict)
    submitted: list[Assignment] = field(default_factory=list)

    owns_workers: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self._reports: asyncio.Queue[JobReport | None] = asyncio.Queue()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.looks = 0  # at what it can do
        self._ended: set[int] = set()  # whose last report is on its way

    async def start(self) -> None:
        pass

    async def close(self, grace_seconds: float = 10.0) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
        self._reports.put_nowait(None)

    async def capacity(self) -> Capacity:
        self.looks += 1
        slots = self.slots if self.card else 0
        worker = WorkerOffer(name="painter", slots=slots, card=self.card, timings=self.timings)
        return Capacity(workers=(worker,), trouble=self.trouble)

    def seen(self) -> tuple[WorkerSeen, ...]:
        return ()

    def where(self, job_id: int) -> str | None:
        return "painter" if job_id in self._tasks else None

    async def submit(self, assignment: Assignment, worker: str | None = None) -> None:
        if assignment.job_id not in self._tasks:
            self.submitted.append(assignment)
            self._tasks[assignment.job_id] = asyncio.create_task(self._paint(assignment))

    async def cancel(self, job_id: int) -> None:
        task = self._tasks.get(job_id)
        if task is None or job_id in self._ended or self.deaf:
            return
        task.cancel()
        request = next(given.request for given in reversed(self.submitted) if given.job_id == job_id)
        ready = () if isinstance(request, Rewrite) else self._pictures(request, self.whole)
        self._report(job_id, Cancelled(pictures=ready, engine_seconds=0.5, done=0.5))

    def give_back(self, job_id: int, interruption: Interrupted) -> None:
        """As a worker does whose engine has died."""
        self._tasks[job_id].cancel()
        self._ended.add(job_id)
        self._reports.put_nowait(JobReport(job_id=job_id, event=interruption))

    async def known(self) -> frozenset[int]:
        return frozenset(self._tasks)

    async def events(self) -> AsyncIterator[JobReport]:
        while (report := await self._reports.get()) is not None:
            yield report
            if isinstance(report.event, Finished | Failed | Cancelled | Interrupted):
                self._ended.discard(report.job_id)
                self._tasks.pop(report.job_id, None)

    def preview(self) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), (120, 120, 120)).save(buffer, "JPEG")
        return buffer.getvalue()

    async def _paint(self, assignment: Assignment) -> None:
        job_id, request = assignment.job_id, assignment.request
        self._report(job_id, Started())
        if isinstance(request, Rewrite):
            await self._write(job_id, request)
            return
        words = request.words
        for step in range(self.steps):
            self._report(job_id, Progress(stage="drawing", step=step, of=self.steps, preview=self.preview()))
            while not self.gate.is_set() and self.hold in words:
                await asyncio.sleep(0.01)
        if self.failure is not None:
            self._report(job_id, self.failure)
            return
        self._report(
            job_id,
            Finished(pictures=self._pictures(request, len(request.seeds)), notes=self.notes, engine_seconds=1.234),
        )

    def _pictures(self, request: AnyRequest, count: int) -> tuple[Picture, ...]:
        width, height = request.size
        pictures = []
        for tile, seed in enumerate(request.seeds[:count]):
            told, place = request.in_recipe(tile)
            colour = next((rgb for word, rgb in COLOURS.items() if word in told.words), (200, 200, 60))
            image = self._over(told, Image.new("RGB", (width, height), colour))
            image.putpixel((0, 0), (seed % 256, seed // 256 % 256, seed // 65536 % 256))
            nets = {"unet": "squares"} | (self.card.revisions if self.card is not None else {})
            recipe = Recipe(request=told, tile=place, checkpoints=nets, code_version="0.1.0")
            blob = self.blobs.put(encode_png(image, recipe))
            pictures.append(Picture(tile=tile, blob=blob, width=width, height=height, recipe=recipe))
        return tuple(pictures)

    def _over(self, request: AnyRequest, fresh: Image.Image) -> Image.Image:
        """What is to stay of the picture that a request works from, laid over what is fresh."""
        if isinstance(request, Inpaint):
            return Image.composite(fresh, self._stored(request.image.blob), self._stored(request.mask).convert("L"))
        if isinstance(request, Outpaint):
            x, y, width, height = request.box
            fresh.paste(self._stored(request.image.blob).resize((width, height)), (x, y))
        return fresh

    def _stored(self, blob: str) -> Image.Image:
        return Image.open(io.BytesIO(self.blobs.get(blob)))

    async def _write(self, job_id: int, request: Rewrite) -> None:
        answer = self.answers.get(request.prompt, f"{request.prompt}, in soft light")
        begun = answer.rpartition(" ")[0] if isinstance(answer, str) else None
        self._report(job_id, Progress(stage="writing", step=1, of=2, text=begun))
        while not self.gate.is_set() and self.hold in request.prompt:
            await asyncio.sleep(0.01)
        if isinstance(answer, Failed):
            self._report(job_id, answer)
        else:
            self._report(job_id, Finished(texts=(answer,) * len(request.seeds), notes=self.notes))

    def _report(self, job_id: int, event: Started | Progress | Finished | Failed | Cancelled) -> None:
        if not isinstance(event, Started | Progress):
            self._ended.add(job_id)
        self._reports.put_nowait(JobReport(job_id=job_id, event=event))


MakePainter = Callable[[BlobStore], Painter]
