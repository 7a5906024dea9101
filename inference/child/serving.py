"""What the engine's process does: runs are let in, turned, stored and reported.

A fault of the device, a kill for memory or a hang ends this process and nothing else; its parent reports what was lost
and starts another one. A run is announced as started before its first pass, and its pictures are stored before it is
finished.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import queue
import signal
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import torch
import typer
from torch import Tensor

from inference.blobs import forget_partials, recipe_texts
from inference.blobs.patience import PatientStore, open_store
from inference.blobs.png import write_png
from inference.checkpoints.released import human_size
from inference.child.counting import Counting
from inference.child.self_timing import Pictures, SelfTiming, self_timing
from inference.engine.device import out_of_memory, prepare
from inference.engine.family import Family, Place, card_of
from inference.engine.kit import drawn_by
from inference.engine.loop import Drawn, Engine, Stopped
from inference.engine.nets import Nets
from inference.engine.policy import DevicePolicy, device_policy, device_wanted
from inference.families import FAMILIES
from inference.queue.logs import about, log_as
from inference.queue.options import WorkerOptions
from inference.queue.transport import Assignment, Interrupted, JobEvent, JobReport
from inference.queue.version import code_version
from inference.queue.wire import (
    Cancel,
    Counted,
    DownMessage,
    Drain,
    Hello,
    ParentLink,
    Patience,
    Report,
    Submit,
    Trouble,
    configured,
    reason,
)
from inference.requests import (
    Cancelled,
    Failed,
    FailureCode,
    Finished,
    ModelCard,
    Picture,
    Progress,
    Recipe,
    Request,
    Started,
)

log = logging.getLogger(__name__)

START_SECONDS = 60.0
SLOWEST_DISK = 30_000_000  # bytes a second that weights are read with at the very least
SLOW_PASS_SECONDS = 900.0  # one pass of a released net without a GPU
RELEASED_NET = 1_000_000_000  # bytes beyond which a net is no longer a small one
MOST_THREADS = 16
SAVERS = 2
STORE_SECONDS = 60.0  # one try of a store that does not answer
QUIET_SECONDS = 1.0  # without a message, before the engine takes to timing itself
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


class EngineChild:
    """The engine between its inbox and its reports. One thread turns; a few others write files."""

    def __init__(
        self,
        link: ParentLink,
        options: WorkerOptions,
        policy: DevicePolicy,
        families: Sequence[Family] = FAMILIES,
    ) -> None:
        self._link = link
        self._blobs = PatientStore(open_store(options.blobs_url, options.scratch_dir), self._waits_for_store)
        self._nets = Nets(
            policy.device, before_loading=self._before_loading, after_loading=lambda net: self._after_loading()
        )
        self._pictures = Pictures(self._blobs.get)
        place = Place(options, policy, self._nets, self._pictures.read, self._before_long)
        self._families = tuple(families)
        self._kits = tuple(family.open(place) for family in families)
        self._engine = Engine(self._kits, self._nets, max_rows=policy.max_rows, previews=options.previews)
        self._counting = Counting(self._engine, self._nets, self._count, loading=self._loading)
        self._assigned: dict[int, Assignment] = {}
        self._savers = ThreadPoolExecutor(SAVERS, thread_name_prefix="saver")
        self._drain_by: float | None = None
        released = any(net.bytes > RELEASED_NET for net in self._nets.specs)
        self._slow = released and policy.device.type != "cuda"
        self._slow_text = released and policy.large_device.type != "cuda"
        self._options = options
        self._timing: SelfTiming | None = None
        self._offer: tuple[int, ModelCard | None] = (0, None)

    def run(self, slots: int, card: ModelCard | None) -> None:
        """Loads what fits, says hello, and serves until drained. Raises what a store raises that takes no pictures."""
        self._blobs.prove()
        if self._options.scratch_dir is not None:
            forget_partials(self._options.scratch_dir)
        self._warm(card.kinds if card else ())
        self._offer = slots, card
        self._timing = self_timing(
            self._options, self._kits, self._nets, card, self._pictures, code_version(), slow=self._slow
        )
        if self._timing is not None:
            self._link.before_exit = self._timing.close
        self._counting.tell()
        self._introduce()
        while self._listen():
            if self._slow and len(self._engine):
                self._link.send(Patience(seconds=SLOW_PASS_SECONDS, why="a pass without a GPU"))
            with self._counting.at_work():
                for job_id, event in self._engine.turn():
                    self._pass_on(job_id, event)
        self._savers.shutdown()

    def _introduce(self) -> None:
        slots, card = self._offer
        timings = self._timing.timings if self._timing is not None else None
        cards = torch.cuda.device_count() if self._nets.device.type == "cuda" else 0
        self._link.send(Hello(slots=slots, card=card, timings=timings, pid=os.getpid(), cards=cards))

    def _warm(self, kinds: Collection[str]) -> None:
        try:
            for family, kit in zip(self._families, self._kits, strict=True):
                if offered := [kind for kind in kinds if kind in family.kinds]:
                    kit.warm(offered)
        except Exception as error:
            if not out_of_memory(error):
                raise
            log.warning("not everything fits at once; nets will be moved as they are needed")
            self._nets.make_room()

    def _listen(self) -> bool:
        """Obeys what has come in; waits for it when there is nothing to draw. False when there is nothing left to
        do."""
        if self._drain_by is not None:
            if time.monotonic() >= self._drain_by:
                for job_id in [job_id for job_id in self._assigned if self._engine.cancel(job_id)]:
                    self._tell(job_id, Interrupted(cause="drained", alone=False))
            if not len(self._engine):
                return False
        elif not len(self._engine):
            self._counting.tell()
            self._obey(self._next_message())
        while True:
            try:
                self._obey(self._link.inbox.get_nowait())
            except queue.Empty:
                return True

    def _next_message(self) -> DownMessage | None:
        """What comes next. While nothing does, and no picture is being stored, the engine times itself."""
        timing = self._timing
        while timing is not None and timing.pending:
            try:
                message = self._link.inbox.get(timeout=0 if timing.begun else QUIET_SECONDS)
            except queue.Empty:
                if not self._assigned:
                    self._time_a_little(timing)
            else:
                timing.cut_off()
                return message
        return self._link.inbox.get()

    def _time_a_little(self, timing: SelfTiming) -> None:
        if self._slow:
            self._link.send(Patience(seconds=SLOW_PASS_SECONDS, why="timing a pass without a GPU"))
        with self._counting.at_work():
            news = timing.turn()
        if news:
            self._introduce()

    def _obey(self, message: DownMessage | None) -> None:
        match message:
            case Submit(assignment=assignment):
                with about(assignment.job_id):
                    self._admit(assignment)
            case Cancel(job_id=job_id):
                with about(job_id):
                    self._stop(job_id)
            case Drain(grace_seconds=grace):
                self._drain_by = time.monotonic() + grace
            case None:
                self._drain_by = time.monotonic()

    def _admit(self, assignment: Assignment) -> None:
        job_id = assignment.job_id
        if self._drain_by is not None:
            self._link.send(Report(report=JobReport(job_id=job_id, event=Interrupted(cause="drained", alone=False))))
        elif job_id not in self._assigned:
            self._assigned[job_id] = assignment
            self._link.send(Report(report=JobReport(job_id=job_id, event=Started())))
            try:
                self._engine.add(job_id, assignment.request, alone=assignment.alone)
            except LookupError as nobody:  # its kind is known to the contract and to no family here
                self._tell(job_id, Failed(code="internal", message=str(nobody)))

    def _stop(self, job_id: int) -> None:
        """Keeps what is whole of a run. One whose pictures are being stored already is through, and says so."""
        stopped = self._engine.stop(job_id)
        if stopped is not None and stopped.pictures:
            self._savers.submit(self._save, job_id, self._assigned[job_id].request, stopped)
        elif stopped is not None:
            self._tell(job_id, Cancelled(done=stopped.done))

    def _pass_on(self, job_id: int, event: Progress | Drawn | Failed) -> None:
        if isinstance(event, Drawn):
            self._savers.submit(self._save, job_id, self._assigned[job_id].request, event)
        else:
            self._tell(job_id, event)

    def _save(self, job_id: int, request: Request, drawn: Drawn | Stopped) -> None:
        with about(job_id):
            self._store_all(job_id, request, drawn)

    def _store_all(self, job_id: int, request: Request, drawn: Drawn | Stopped) -> None:
        try:
            pictures = tuple(self._store(tile, pixels, self._recipe(request, tile)) for tile, pixels in _whole(drawn))
        except Exception as error:  # whatever a disk or an object store may raise; the picture can be drawn again
            log.exception("the pictures of job %d could not be stored", job_id)
            full = isinstance(error, OSError) and error.errno in NO_ROOM
            code: FailureCode = "disk_full" if full else "internal"
            self._tell(job_id, Failed(code=code, message=f"{type(error).__name__}: {error}", retryable=True))
        else:
            log.info("%d pictures of job %d, %.2f s of the device", len(pictures), job_id, drawn.engine_seconds)
            self._tell(job_id, _end(pictures, drawn))

    def _recipe(self, request: Request, tile: int) -> Recipe:
        told, place = request.in_recipe(tile)
        kit, _ = drawn_by(self._kits, told)
        return Recipe(request=told, tile=place, checkpoints=kit.revisions(told), code_version=code_version())

    def _store(self, tile: int, pixels: Tensor, recipe: Recipe) -> Picture:
        height, width = pixels.shape[:2]
        stored = self._blobs.write(lambda file: write_png(file, pixels.numpy(), recipe_texts(recipe)))
        return Picture(tile=tile, blob=stored.digest, width=width, height=height, recipe=recipe)

    def _tell(self, job_id: int, event: JobEvent) -> None:
        if not isinstance(event, (Started, Progress)):
            self._assigned.pop(job_id, None)
        self._link.send(Report(report=JobReport(job_id=job_id, event=event)))

    def _before_loading(self, net: str, size: int) -> None:
        for job_id, progress in self._engine.standing("loading"):
            self._tell(job_id, progress)
        seconds = START_SECONDS + size / SLOWEST_DISK
        self._link.send(Patience(seconds=seconds, why=f"loading {net} ({human_size(size)})"))
        log.info("loading %s (%s)", net, human_size(size))

    def _after_loading(self) -> None:
        """From here on it is the device's time again, not the disk's."""
        for job_id, progress in self._engine.standing():
            self._tell(job_id, progress)

    def _waits_for_store(self, pause: float, why: str) -> None:
        self._link.send(Patience(seconds=pause + STORE_SECONDS, why=why))

    def _count(self, counted: Counted) -> None:
        with contextlib.suppress(OSError):  # the parent has gone, and this process is about to: nobody counts any more
            self._link.send(counted)

    def _loading(self) -> dict[str, float]:
        """Of each kind on the card the seconds, in tenths, until its nets would be where they compute."""
        card = self._offer[1]
        taken = {kind: nets for kind in card.kinds if (nets := self._nets_of(kind))} if card is not None else {}
        return {kind: round(self._nets.loading(nets), 1) for kind, nets in taken.items()}

    def _nets_of(self, kind: str) -> tuple[str, ...]:
        return tuple(net for kit in self._kits for net in kit.takes(kind))

    def _before_long(self, what: str) -> None:
        if self._slow_text:
            self._link.send(Patience(seconds=SLOW_PASS_SECONDS, why=f"{what} without a GPU"))


def _whole(drawn: Drawn | Stopped) -> Iterable[tuple[int, Tensor]]:
    """The pictures there are, each with its tile."""
    return enumerate(drawn.drawing.pictures) if isinstance(drawn, Drawn) else sorted(drawn.pictures.items())


def _end(pictures: tuple[Picture, ...], drawn: Drawn | Stopped) -> Finished | Cancelled:
    seconds = drawn.engine_seconds
    if isinstance(drawn, Stopped):
        return Cancelled(pictures=pictures, notes=drawn.notes, engine_seconds=seconds, done=drawn.done)
    drawing = drawn.drawing
    return Finished(pictures=pictures, texts=drawing.texts, notes=drawing.notes, engine_seconds=seconds)


def threads_for_torch() -> int:
    """Cores this process may use, up to a number beyond which convolutions of this size gain nothing."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def main(
    fd: Annotated[int, typer.Option(help="Inherited socket to the worker, which starts this program itself.")],
) -> None:
    serve(fd, FAMILIES)


def serve(fd: int, families: Sequence[Family]) -> None:
    """Draws what these families can for the worker at the other end of `fd`. Raises typer.Exit where it cannot."""
    # Ctrl-C and a service manager's SIGTERM go to the whole group; the parent decides, and ends this process by its
    # socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    link = ParentLink(fd)
    told = configured(link.inbox.get())
    log_as("engine", told.options.log_level, told.options.log_format)
    try:
        _serve(link, told.options, families)
    except Exception as error:  # whatever a device that is not there, broken weights or a broken device may raise
        log.error("this engine ends: %s", reason(error), exc_info=told.failed_starts == 0)
        link.send(Trouble(why=reason(error)))
        raise typer.Exit(1) from error


def _serve(link: ParentLink, options: WorkerOptions, families: Sequence[Family]) -> None:
    torch.set_num_threads(options.threads or threads_for_torch())
    formats = dict.fromkeys(name for family in families for name in family.formats)
    policy = device_policy(device_wanted(options.device, options.number), options.formats, formats)
    prepare(policy.device)
    card = card_of(families, options)
    child = EngineChild(link, options, policy, families)
    gc.freeze()  # what was imported and made by now stays
    gc.enable()
    child.run(options.worker_slots, card)
