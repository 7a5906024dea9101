"""The step loop: many pipelines, one device.

Every live run has one ask open. A turn chooses whose asks to answer next, answers them in one pass where they fit
together, and sends the answers on. Between two turns any run may come or go, so a four-step draft need not wait for a
fifty-step picture. Nothing here knows of processes; one thread calls `add`, `turn` and `cancel`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from inference.checkpoints.catalogue import Mode
from inference.checkpoints.store import MissingWeights
from inference.conditioning import Context, merge
from inference.pipelines import Ask, Decode, Denoise, Drawing, Encode, Pipeline, Show, Tools, draw, steps
from inference.previews import preview_jpeg
from inference.requests import AnyRequest, Failed, FailureCode, Note, Progress, cost

MAX_ROWS = 8
PATIENCE = 8
PATIENCE_WHEN_MOVED_OUT = 40
PREVIEW_SECONDS = 1.0

log = logging.getLogger(__name__)


class Kit(Tools, Protocol):
    """The heavy nets, each behind one call. Any of them may raise torch.OutOfMemoryError."""

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        """One tuple of contexts per ask. The same text is encoded once, however often it is asked for."""

    def denoise(self, mode: Mode, x: Tensor, t: Tensor, context: Context) -> Tensor:
        """Noise predictions [N, 4, h, w] of the rows x [N, 4, h, w] at timesteps t [N] under N rows of context."""

    def decode(self, latent: Tensor) -> Tensor:
        """Pixels uint8 [8h, 8w, 3] on the CPU of one latent [4, h, w]."""

    def colours(self, x0: Tensor) -> Tensor | None:
        """A rough look at latents: uint8 [B, 3, h, w] on the CPU, or None while there is no cheap way."""

    def at_hand(self, ask: Ask) -> bool:
        """Whether the nets of an ask are on the device already."""

    def expect(self, asks: Sequence[Ask]) -> None:
        """Tells which asks are open, so that the nets they need are moved out last."""

    def make_room(self) -> None:
        """Moves every net out and gives cached memory back."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A run is through. `engine_seconds` is its share of the time the device was busy with it."""

    drawing: Drawing
    engine_seconds: float


EngineEvent = tuple[int, Progress | Drawn | Failed]


@dataclass(slots=True, eq=False)
class _Run:
    job_id: int
    request: AnyRequest
    pipeline: Pipeline
    alone: bool
    of: int
    preview_due: float
    ask: Ask | None = None
    step: int = 0
    passed_over: int = 0
    lean: bool = False
    seconds: float = 0.0
    estimate: Tensor | None = None
    notes: list[Note] = field(default_factory=list)

    @property
    def remaining(self) -> float:
        """Work still to do, in megapixel passes."""
        return cost(self.request) * (1 - self.step / self.of)


class Engine:
    """Live runs and the turns that move them on.

    `max_rows` bounds the rows of one U-Net pass (the two halves of guidance are two rows). Who goes first: texts before
    pictures, then the run with the least work left, except that no run is passed over more than `PATIENCE` times in a
    row (`PATIENCE_WHEN_MOVED_OUT` when its nets would have to be moved in).
    """

    def __init__(
        self,
        kit: Kit,
        *,
        max_rows: int = MAX_ROWS,
        previews: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kit = kit
        self._previews = previews
        self._max_rows = max_rows
        self._clock = clock
        self._runs: dict[int, _Run] = {}
        self._row_limits: dict[object, int] = {}  # learnt from shared passes that did not fit

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._runs

    def add(self, job_id: int, request: AnyRequest, *, alone: bool = False) -> None:
        """Lets a job in; the next turn may already serve it. A job that is live is left as it is. `alone`: no shared
        passes."""
        if job_id not in self._runs:
            due = self._clock() + PREVIEW_SECONDS
            self._runs[job_id] = _Run(job_id, request, draw(request, self._kit), alone, steps(request), due)

    def standing(self, stage: Literal["loading"]) -> list[tuple[int, Progress]]:
        """Every live run as it stands, for a stage in which no run moves on."""
        return [(run.job_id, Progress(stage=stage, step=run.step, of=run.of)) for run in self._runs.values()]

    def cancel(self, job_id: int) -> bool:
        """Ends a run at once, whatever it was doing; whether there was one. Its batch-mates do not notice."""
        run = self._runs.pop(job_id, None)
        if run is not None:
            run.pipeline.close()
        return run is not None

    @torch.inference_mode()
    def turn(self) -> list[EngineEvent]:
        """Answers one ask of one or more runs and returns what came of it; an empty list when nothing is live."""
        events: list[EngineEvent] = []
        for run in list(self._runs.values()):
            if run.ask is None:
                self._resume(run, None, events)
        if not self._runs:
            return events
        batch = self._choose()
        self._kit.expect([run.ask for run in self._runs.values() if run.ask is not None])
        self._serve(batch, events)
        return events

    def _choose(self) -> list[_Run]:
        """The run whose turn it is, and those that can share its pass."""
        runs = sorted(self._runs.values(), key=lambda run: (not isinstance(run.ask, Encode), run.remaining))
        overdue = [run for run in runs if run.passed_over >= self._patience(run)]
        leader = max(overdue, key=lambda run: run.passed_over) if overdue else runs[0]
        batch, key = [leader], _sharing_key(leader)
        room = self._row_limits.get(key, self._max_rows) - _rows(leader)
        for run in runs:
            if run is not leader and key is not None and _sharing_key(run) == key and _rows(run) <= room:
                batch.append(run)
                room -= _rows(run)
        for run in runs:
            run.passed_over = 0 if run in batch else run.passed_over + 1
        return batch

    def _patience(self, run: _Run) -> int:
        return PATIENCE if run.ask is not None and self._kit.at_hand(run.ask) else PATIENCE_WHEN_MOVED_OUT

    def _serve(self, batch: list[_Run], events: list[EngineEvent]) -> None:
        """Answers the asks of a batch. When that fails, each is tried by itself, so that only the guilty run fails."""
        started = self._clock()
        try:
            answers = self._answer([run.ask for run in batch], lean=batch[0].lean)
        except torch.AcceleratorError:
            raise  # after such a fault nothing on this device can be trusted: the process has to end
        except Exception as error:
            log.warning("a pass for jobs %s failed", [run.job_id for run in batch], exc_info=True)
            trouble = error.with_traceback(None)  # frames would keep the tensors of the failed pass alive
        else:
            share = (self._clock() - started) / sum(map(_rows, batch))
            for run, answer in zip(batch, answers, strict=True):
                run.seconds += share * _rows(run)
                self._step(run, answer, events)
            return
        if len(batch) > 1:
            if _out_of_memory(trouble):
                self._row_limits[_sharing_key(batch[0])] = max(1, sum(map(_rows, batch)) - 1)
            for run in batch:
                self._serve([run], events)
        elif _out_of_memory(trouble) and not batch[0].lean:
            log.warning("trying job %d once more with less at a time", batch[0].job_id)
            batch[0].lean = True
            batch[0].notes.append(Note(code="leaner_retry"))
            self._kit.make_room()
            self._serve(batch, events)
        else:
            self._fail(batch[0], trouble, events)

    def _answer(self, asks: Sequence[Ask | None], *, lean: bool) -> list[object]:
        first = asks[0]
        if isinstance(first, Encode):
            return list(self._kit.contexts([ask for ask in asks if isinstance(ask, Encode)]))
        if isinstance(first, Decode):
            return [self._kit.decode(first.latent)]
        if isinstance(first, Denoise):
            if lean:
                return [_one_by_one(self._denoise, first)]
            if first.rows > self._max_rows:
                return [_in_parts(self._denoise, first, self._max_rows)]
            return list(self._denoise([ask for ask in asks if isinstance(ask, Denoise)]))
        raise TypeError(f"nothing here answers {type(first).__name__}")

    def _denoise(self, asks: Sequence[Denoise]) -> list[tuple[Tensor, ...]]:
        """One pass for all asks, the halves of guidance side by side: for each ask, one prediction per context."""
        x = torch.cat([ask.x for ask in asks for _ in ask.contexts])  # [N, 4, h, w]
        t = torch.tensor([ask.t for ask in asks for _ in range(ask.rows)])  # [N]
        context = merge([context.repeat(len(ask.x)) for ask in asks for context in ask.contexts])
        eps = self._kit.denoise(asks[0].mode, x, t, context)
        parts = iter(torch.split(eps, [len(ask.x) for ask in asks for _ in ask.contexts]))
        return [tuple(next(parts) for _ in ask.contexts) for ask in asks]

    def _step(self, run: _Run, answer: object, events: list[EngineEvent]) -> None:
        stage = _STAGES[type(run.ask)]
        run.step += 1
        self._resume(run, answer, events)
        if run.job_id in self._runs:
            progress = Progress(stage=stage, step=run.step, of=run.of, preview=self._preview(run))
            events.append((run.job_id, progress))

    def _resume(self, run: _Run, answer: object, events: list[EngineEvent]) -> None:
        """Sends an answer into the pipeline (None starts it) and takes its next ask, or its end."""
        try:
            run.ask = run.pipeline.send(answer)
            while isinstance(run.ask, Show):
                run.estimate = run.ask.x0
                run.ask = run.pipeline.send(None)
        except StopIteration as end:
            del self._runs[run.job_id]
            drawing = replace(end.value, notes=(*end.value.notes, *run.notes))
            events.append((run.job_id, Drawn(drawing, run.seconds)))
        except Exception as error:  # a pipeline's own fault is its own end
            log.warning("the pipeline of job %d failed", run.job_id, exc_info=True)
            self._fail(run, error, events)

    def _preview(self, run: _Run) -> bytes | None:
        now = self._clock()
        if not self._previews or run.estimate is None or now < run.preview_due:
            return None
        estimate, run.estimate = run.estimate, None
        run.preview_due = now + PREVIEW_SECONDS
        try:
            colours = self._kit.colours(estimate)
        except torch.AcceleratorError:
            raise
        except Exception:  # a look at a picture is not worth the picture
            log.warning("no preview of job %d", run.job_id, exc_info=True)
            return None
        return None if colours is None else preview_jpeg(colours)

    def _fail(self, run: _Run, error: Exception, events: list[EngineEvent]) -> None:
        self.cancel(run.job_id)
        message = f"{type(error).__name__}: {error}"
        events.append((run.job_id, Failed(code=_failure_code(error), message=message)))


_STAGES = {Encode: "encoding", Denoise: "drawing", Decode: "decoding"}


def _rows(run: _Run) -> int:
    return run.ask.rows if isinstance(run.ask, Denoise) else 1


def _sharing_key(run: _Run) -> object:
    """Asks with equal keys can be answered in one pass; None shares with nobody."""
    if run.alone or run.lean or run.ask is None:
        return None
    if isinstance(run.ask, Encode):
        return "texts"
    return (run.ask.mode, run.ask.x.shape[1:]) if isinstance(run.ask, Denoise) else None


_Denoiser = Callable[[Sequence[Denoise]], list[tuple[Tensor, ...]]]


def _in_parts(denoise: _Denoiser, ask: Denoise, max_rows: int) -> tuple[Tensor, ...]:
    """The answer to an ask that is too large for one pass: a few pictures at a time, each with all its contexts."""
    pictures = max(1, max_rows // len(ask.contexts))
    answers = [denoise([replace(ask, x=x)])[0] for x in torch.split(ask.x, pictures)]
    return tuple(torch.cat(column) for column in zip(*answers, strict=True))


def _one_by_one(denoise: _Denoiser, ask: Denoise) -> tuple[Tensor, ...]:
    """The answer with the smallest passes there are: one row each."""
    return tuple(
        torch.cat([denoise([replace(ask, x=x, contexts=(context,))])[0][0] for x in torch.split(ask.x, 1)])
        for context in ask.contexts
    )


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # Allocators that raise no type of their own: torch's on the CPU, on an Apple GPU, and inside cuBLAS.
    words = ("can't allocate memory", "MPS backend out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def _failure_code(error: Exception) -> FailureCode:
    if isinstance(error, MissingWeights):
        return "missing_weights"
    return "out_of_memory" if _out_of_memory(error) else "internal"
