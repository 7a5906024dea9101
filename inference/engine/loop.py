"""The step loop: many pipelines, one device.

Every live run has one ask open. A turn chooses whose asks to answer next, answers them in one pass where they fit
together, and sends the answers on. Between two turns any run may come or go, so a four-step draft need not wait for a
fifty-step picture. Nothing here knows of processes; one thread calls `add`, `turn` and `cancel`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from inference.blobs import BlobMissing, StoreAway, UnreadablePicture
from inference.checkpoints.folders import MissingWeights
from inference.engine.asks import Aside, Ask, Drawing, Ready, Show
from inference.engine.device import out_of_memory, raise_if_lost, stopwatch
from inference.engine.finite import NotFinite
from inference.engine.kit import Kit, drawn_by
from inference.engine.nets import Nets
from inference.engine.previews import preview_jpeg
from inference.engine.run import Run
from inference.queue.logs import about
from inference.requests import Failed, FailureCode, InvalidRequest, Note, Progress, Request

MAX_ROWS = 8
PATIENCE = 8
PATIENCE_WHEN_MOVED_OUT = 40
PREVIEW_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A run is through. `engine_seconds` is its share of the time the device was busy with it."""

    drawing: Drawing
    engine_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """What there was of a run that somebody has stopped: whole pictures (uint8 [H, W, 3]) by tile, and the part of its
    work that was done, 0…1."""

    pictures: Mapping[int, Tensor]
    notes: tuple[Note, ...]
    engine_seconds: float
    done: float


EngineEvent = tuple[int, Progress | Drawn | Failed]


class Engine:
    """Live runs and the turns that move them on, whatever family in `kits` draws them; `nets` are theirs together.

    `max_rows` bounds the rows of one pass where a family knows no better. Who goes first: what has to be read before it
    can be drawn, then the run with the least work left, except that no run is passed over more than
    `PATIENCE` times in a row (`PATIENCE_WHEN_MOVED_OUT` when its nets would have to be moved in).
    """

    def __init__(
        self,
        kits: Sequence[Kit],
        nets: Nets,
        *,
        max_rows: int = MAX_ROWS,
        previews: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kits = tuple(kits)
        self._nets = nets
        self._previews = previews
        self._max_rows = max_rows
        self._clock = clock
        self._stopwatch = stopwatch(nets.device, clock)
        self._runs: dict[int, Run] = {}
        self._row_limits: dict[object, int] = {}  # learnt from shared passes that did not fit
        self.steps = self.passes = 0  # that were taken, and answered

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._runs

    def add(self, job_id: int, request: Request, *, alone: bool = False) -> None:
        """Lets a job in; the next turn may already serve it. A job that is live is left as it is. `alone`: no shared
        passes. Raises LookupError for a request that no family draws."""
        if job_id not in self._runs:
            kit, spec = drawn_by(self._kits, request)
            pipeline = spec.start(request, kit)
            self._runs[job_id] = Run(job_id, request, kit, spec, pipeline, alone, self._clock())

    def standing(self, stage: Literal["loading"] | None = None) -> list[tuple[int, Progress]]:
        """Every live run as it stands: in a stage in which no run moves on, or in that of what it asks for."""
        return [
            (run.job_id, Progress(stage=stage or run.stage, step=run.step, of=run.of)) for run in self._runs.values()
        ]

    def cancel(self, job_id: int) -> bool:
        """Ends a run at once, whatever it was doing; whether there was one. Its batch-mates do not notice."""
        run = self._runs.pop(job_id, None)
        if run is not None:
            self._let_go(run)
        return run is not None

    def stop(self, job_id: int) -> Stopped | None:
        """The same for a run whose whole pictures are wanted; None where there is no such run. Pictures from numbers
        that are none are not whole."""
        run = self._runs.get(job_id)
        if run is None:
            return None
        whole = run.ready if run.ready and not run.unsound() else {}
        self.cancel(job_id)
        return Stopped(whole, tuple(run.notes), self._seconds(run), run.step / run.of)

    def _let_go(self, run: Run) -> None:
        """Ends a run that is live no more, and takes nets in float32 out of memory after the last one."""
        run.pipeline.close()
        if run.trouble is not None and all(run.kit is not other.kit for other in self._runs.values()):
            run.kit.leave()

    @torch.inference_mode()
    def turn(self) -> list[EngineEvent]:
        """Answers one ask of one or more runs and returns what came of it; an empty list when nothing is live."""
        events: list[EngineEvent] = []
        for run in list(self._runs.values()):
            if run.ask is None:
                with about(run.job_id):
                    self._resume(run, None, events)
        if not self._runs:
            return events
        batch = self._choose()
        self._nets.expect(name for run in self._runs.values() for name in _nets_of(run))
        with about(*(run.job_id for run in batch)):
            self._serve(batch, events)
        return events

    def _choose(self) -> list[Run]:
        """The run whose turn it is, and those that can share its pass."""
        runs = sorted(self._runs.values(), key=lambda run: (run.ask is None or not run.ask.reading, run.remaining))
        overdue = [run for run in runs if run.passed_over >= self._patience(run)]
        leader = max(overdue, key=lambda run: run.passed_over) if overdue else runs[0]
        batch, key = [leader], leader.key
        room = self._room(leader) - leader.rows
        for run in runs:
            if run is not leader and key is not None and run.key == key and run.rows <= room:
                batch.append(run)
                room -= run.rows
        for run in runs:
            run.passed_over = 0 if run in batch else run.passed_over + 1
        return batch

    def _patience(self, run: Run) -> int:
        return PATIENCE if self._nets.at_hand(_nets_of(run)) else PATIENCE_WHEN_MOVED_OUT

    def _room(self, run: Run) -> int:
        """Rows that a pass for this run's ask may have."""
        most = self._max_rows if run.ask is None else run.kit.room(run.ask, self._max_rows)
        return min(most, self._row_limits.get(run.key, most))

    def _serve(self, batch: list[Run], events: list[EngineEvent]) -> None:
        """Answers the asks of a batch. When that fails, each is tried by itself, so that only the guilty run fails."""
        asks = [run.ask for run in batch if run.ask is not None]
        started = self._stopwatch.now()
        try:
            answers = batch[0].kit.answer(asks, room=self._room(batch[0]), lean=batch[0].lean)
        except Exception as error:
            self._check(error)  # where nothing on the device can be trusted the process has to end
            log.warning("a pass for jobs %s failed", [run.job_id for run in batch], exc_info=True)
            trouble = error.with_traceback(None)  # frames would keep the tensors of the failed pass alive
        else:
            ended, whole = self._stopwatch.now(), sum(ask.rows for ask in asks)
            self.passes += 1
            for run, ask, answered in zip(batch, asks, answers, strict=True):
                run.laps.append((started, ended, ask.rows / whole))
                run.watch(ask, answered)
                with about(run.job_id):
                    self._step(run, ask, answered, events)
            return
        if len(batch) > 1:
            if out_of_memory(trouble):
                self._row_limits[batch[0].key] = max(1, sum(ask.rows for ask in asks) - 1)
            for run in batch:
                with about(run.job_id):
                    self._serve([run], events)
        elif out_of_memory(trouble) and batch[0].retried is not batch[0].ask:
            self._lean_on(batch[0])
            self._serve(batch, events)
        elif isinstance(trouble, NotFinite):
            self._redraw(batch[0], self._first_trouble(batch[0]) or trouble, events)
        else:
            self._fail(batch[0], trouble, events)

    def _lean_on(self, run: Run) -> None:
        """Makes room for the ask of a run, which takes as little at a time as there can be from now on."""
        log.warning("trying job %d once more with less at a time", run.job_id)
        if not run.lean:
            run.notes.append(Note(code="leaner_retry"))
        run.lean, run.retried = True, run.ask
        for kit in self._kits:
            kit.forget()
        self._nets.make_room()

    def _first_trouble(self, run: Run) -> NotFinite | None:
        """Which nets have given a run numbers that are none, those first that others then worked with."""
        nets = run.unsound()
        formats = {self._nets.dtype(run.kit.named(net)) for net in nets}
        return NotFinite(" with ".join(nets), formats.pop() if len(formats) == 1 else None) if nets else None

    def _redraw(self, run: Run, error: NotFinite, events: list[EngineEvent]) -> None:
        """Begins a run anew with every net in float32, once, and where that is another way of computing."""
        whole = run.kit.in_float32 if run.trouble is None else None
        if whole is None:
            self._fail(run, error, events)
            return
        log.warning("drawing job %d once more in float32: %s", run.job_id, error)
        run.pipeline.close()
        run.kit, run.pipeline, run.trouble = whole, run.spec.start(run.request, whole), error
        run.ask, run.step = None, 0
        run.sound.clear()
        run.ready.clear()
        run.notes.append(Note(code="float32_retry"))
        self._runs[run.job_id] = run

    def _step(self, run: Run, ask: Ask, answered: object, events: list[EngineEvent]) -> None:
        run.step = min(run.of, run.step + ask.steps)
        self.steps += ask.steps
        self._resume(run, answered, events)
        if run.job_id in self._runs:
            text = self._text(run, ask.words(answered))
            progress = Progress(stage=ask.stage, step=run.step, of=run.of, preview=self._preview(run), text=text)
            events.append((run.job_id, progress))

    def _resume(self, run: Run, answered: object, events: list[EngineEvent]) -> None:
        """Sends an answer into the pipeline (None starts it) and takes its next ask, or its end."""
        try:
            if run.ask is None:
                run.of, run.work = max(1, run.spec.steps(run.request)), run.request.cost
            run.ask = run.pipeline.send(answered)
            while isinstance(run.ask, Aside):
                if isinstance(run.ask, Show):
                    run.estimate = run.ask.x0 if self._due(run) else None
                elif isinstance(run.ask, Ready):
                    run.ready[run.ask.tile] = run.ask.pixels
                run.ask = run.pipeline.send(None)
        except StopIteration as end:
            del self._runs[run.job_id]
            if (trouble := self._first_trouble(run)) is not None:
                self._redraw(run, trouble, events)
                return
            self._let_go(run)
            drawing = replace(end.value, notes=(*end.value.notes, *run.notes))
            events.append((run.job_id, Drawn(drawing, self._seconds(run))))
        except Exception as error:  # a pipeline's own fault is its own end
            self._check(error)
            log.warning("the pipeline of job %d failed", run.job_id, exc_info=True)
            self._fail(run, error, events)

    def _seconds(self, run: Run) -> float:
        """Its share of the time the device was busy with it. Waits for the device."""
        return sum(share * self._stopwatch.between(start, end) for start, end, share in run.laps)

    def _due(self, run: Run) -> bool:
        return self._previews and self._clock() >= run.looked_at + PREVIEW_SECONDS

    def _preview(self, run: Run) -> bytes | None:
        estimate, run.estimate = run.estimate, None
        if estimate is None:
            return None
        run.looked_at = self._clock()
        try:
            colours = run.kit.colours(estimate)
        except Exception as error:  # a look at a picture is not worth the picture
            self._check(error)
            log.warning("no preview of job %d", run.job_id, exc_info=True)
            return None
        return None if colours is None else preview_jpeg(colours)

    def _text(self, run: Run, words: str | None) -> str | None:
        """What can be read so far, as often as previews."""
        if words is None or not self._due(run):
            return None
        run.looked_at = self._clock()
        return words or None

    def _check(self, error: Exception) -> None:
        """Raises torch.AcceleratorError when the device cannot be trusted any more after `error`. Waits for it."""
        raise_if_lost(self._nets.device, error)

    def _fail(self, run: Run, error: Exception, events: list[EngineEvent]) -> None:
        if not self.cancel(run.job_id):
            self._let_go(run)
        message = f"{type(error).__name__}: {error}"
        if run.trouble is not None:
            message = f"{run.trouble}; then, with every net in float32, {message}"
        passes = isinstance(error, StoreAway)  # nothing is wrong with the job
        events.append((run.job_id, Failed(code=_failure_code(error), message=message, retryable=passes)))


def _nets_of(run: Run) -> tuple[str, ...]:
    """The nets that its ask takes."""
    return () if run.ask is None else run.kit.nets_for(run.ask)


def _failure_code(error: Exception) -> FailureCode:
    match error:
        case MissingWeights():
            return "missing_weights"
        case BlobMissing() | UnreadablePicture():
            return "source_gone"
        case InvalidRequest():
            return "invalid_request"
        case NotFinite():
            return "not_finite"
        case _:
            return "out_of_memory" if out_of_memory(error) else "internal"
