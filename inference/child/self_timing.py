"""An engine that has nothing to do times itself: the shortest request of every kind, twice, ask by ask.

So what a job will take is known before the first one. A job that comes goes first: one short pass has to end at most,
and what had been begun is begun anew in the next quiet moment.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, cast, get_args

import numpy as np
import torch
from PIL import Image

from inference.blobs import encode_png
from inference.blobs.png import write_png
from inference.child.kept_timings import KeptTimings, basis_of
from inference.engine.asks import Aside, Ask, Drawing, Pipeline
from inference.engine.device import raise_if_lost, stopwatch
from inference.engine.kit import Kit, drawn_by
from inference.engine.nets import Nets
from inference.queue.options import WorkerOptions
from inference.queue.timings import Timing, Timings
from inference.requests import REQUESTS, SIDE_STEP, Ground, ModelCard, Request, Source, Stage

Part = Literal["a_pass", "developing", "once"]

PARTS: tuple[Part, ...] = get_args(Part)
ROUNDS = 2  # the first one loads kernels and small nets
SMALLER_WHERE_SLOW = 4  # by sides, so a sixteenth of a pass
SMALL_NET = 64 * 2**20  # bytes that are read in a moment: larger nets are waited for until a job has needed them
WORDS = "a red circle and a blue square"
PASSES: frozenset[Stage] = frozenset(("drawing", "enlarging", "refining", "writing"))
DEVELOPING: frozenset[Stage] = frozenset(("decoding", "saving"))


log = logging.getLogger(__name__)


def made_up(words: str, size: tuple[int, int], seed: Sequence[int], keep: Callable[[bytes], str]) -> Ground:
    """What a request of this size (width, height) may be made of: pictures of blurred blocks of colour, and a mask of
    the left half, each stored by `keep`, which returns its digest. Another seed gives other pictures."""
    rng = np.random.default_rng(list(seed))

    def picture(width: int, height: int) -> Source:
        blocks = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        content = encode_png(blocks.resize((width, height), Image.Resampling.BICUBIC))
        return Source(blob=keep(content), width=width, height=height)

    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return Ground(words, size, picture, keep(encode_png(mask)))


class Pictures:
    """Pictures to time a device with, made when they are asked for, beside those of people."""

    def __init__(self, others: Callable[[str], bytes]) -> None:
        self._others = others
        self._made: dict[str, bytes] = {}

    def read(self, digest: str) -> bytes:
        """The bytes of a picture, of ours or of people. Raises BlobMissing."""
        made = self._made.get(digest)
        return self._others(digest) if made is None else made

    def ground(self, size: tuple[int, int], kind: str, number: int) -> Ground:
        """What a request of this size is made of; no round of no kind is like another, for engines remember."""
        return made_up(f"{WORDS}, {kind} {number}", size, [number, *kind.encode()], self._keep)

    def clear(self) -> None:
        self._made.clear()

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._made[digest] = content
        return digest


@dataclass(eq=False)
class _Round:
    """A request being drawn, and the seconds that its parts have taken so far."""

    request: Request
    kit: Kit
    pipeline: Pipeline
    ask: Ask | None = None
    taken: dict[Part, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    @property
    def part(self) -> Part:
        """What its ask belongs to."""
        if self.ask is not None and self.ask.stage in PASSES:
            return "a_pass"
        return "developing" if self.ask is not None and self.ask.stage in DEVELOPING else "once"

    def go_on(self, answered: Any) -> Drawing | None:
        """Takes the pipeline to its next ask; what it has drawn where that was the last one."""
        try:
            self.ask = self.pipeline.send(answered)
            while isinstance(self.ask, Aside):
                self.ask = self.pipeline.send(None)
        except StopIteration as end:
            drawing: Drawing = end.value
            return drawing
        return None


@dataclass(eq=False)
class _Trial:
    """A kind being timed: its rounds, the present one last, and the requests of those to come."""

    kind: str
    left: list[Request]
    rounds: list[_Round] = field(default_factory=list)

    @property
    def timing(self) -> Timing:
        """Of every part the quickest round."""
        best = {part: min(round_.taken[part] for round_ in self.rounds) for part in PARTS}
        request = self.rounds[-1].request
        developing = best["developing"] / request.developed if request.developed else 0.0
        return Timing(a_pass=best["a_pass"] / request.cost, developing=developing, once=best["once"])


class SelfTiming:
    """The kinds on a card, those that are not known yet, one ask a turn. `smaller` is by how much the sides of what is
    drawn are smaller than the card says, where a pass would take minutes."""

    def __init__(
        self,
        kits: Sequence[Kit],
        nets: Nets,
        card: ModelCard,
        pictures: Pictures,
        kept: KeptTimings,
        *,
        smaller: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kits, self._nets, self._card, self._pictures, self._kept = tuple(kits), nets, card, pictures, kept
        self._smaller, self._clock = smaller, clock
        self._stopwatch = stopwatch(nets.device, clock)
        self._left = [kind for kind in card.kinds if kind not in kept.timings.kinds]
        self._lacking: dict[str, tuple[str, ...]] = {}  # nets that a kind waits for
        self._trial: _Trial | None = None

    @property
    def timings(self) -> Timings:
        """What is known by now."""
        return self._kept.timings

    @property
    def begun(self) -> bool:
        """Whether a kind is being timed."""
        return self._trial is not None

    @property
    def pending(self) -> bool:
        """Whether something can be timed now."""
        return self.begun or self._next() is not None

    def cut_off(self) -> None:
        """Something better is to be done; the kind is begun anew another time."""
        if self._trial is not None:
            self._kept.cut_off(self._trial.kind)
            self._stop()

    def close(self) -> None:
        """The process is about to be ended, in the middle of whatever this is at. Any thread may say so."""
        self._kept.close()

    @torch.inference_mode()
    def turn(self) -> bool:
        """Answers one ask, waiting for the device. Whether more is known than before. Raises torch.AcceleratorError
        where the device cannot be trusted any more."""
        kind = self._trial.kind if self._trial is not None else self._next()
        if kind is None:
            return False
        try:
            before = len(self.timings.kinds)
            self._trial = self._trial or self._begin(kind)
            if self._trial is None:
                return len(self.timings.kinds) > before
            return self._advance(self._trial)
        except Exception as error:  # whatever nets and weights may raise: the kind will be known by its first jobs
            raise_if_lost(self._nets.device, error)
            log.warning("how fast %s is cannot be timed", kind, exc_info=True)
            self._give_up(kind)
            return False

    # Inside

    def _next(self) -> str | None:
        self._left = [kind for kind in self._left if kind not in self.timings.kinds]  # by another process on this basis
        return next((kind for kind in self._left if self._nets.at_hand(self._lacking.get(kind, ()))), None)

    def _begin(self, kind: str) -> _Trial | None:
        """A kind's trial, noted on disk before the device is touched; None where it has no short request."""
        requests = list(filter(None, (self._request(kind, number) for number in range(ROUNDS))))
        if not requests or not self._kept.begin(kind):
            self._give_up(kind)
            return None
        return _Trial(kind, requests)

    def _request(self, kind: str, number: int) -> Request | None:
        width, height = (max(SIDE_STEP, side // self._smaller) for side in self._card.of(kind).native_size)
        return REQUESTS[kind].shortest(kind, self._pictures.ground((width, height), kind, number))

    def _advance(self, trial: _Trial) -> bool:
        if not trial.rounds:
            self._next_round(trial)
        present = trial.rounds[-1]
        nets = () if present.ask is None else present.kit.nets_for(present.ask)
        if not self._nets.at_hand(nets) and any(self._nets.size(net) > SMALL_NET for net in nets):
            self._lacking[trial.kind] = nets
            self.cut_off()
            return False
        part, began = present.part, self._stopwatch.now()
        drawing = present.go_on(_answer(present))
        present.taken[part] += self._stopwatch.between(began, self._stopwatch.now())
        if drawing is None:
            return False
        present.taken["developing"] += self._written(drawing)
        if trial.left:
            self._next_round(trial)
            return False
        self._kept.learn(trial.kind, trial.timing)
        self._give_up(trial.kind)
        return True

    def _next_round(self, trial: _Trial) -> None:
        request = trial.left.pop(0)
        kit, spec = drawn_by(self._kits, request)
        trial.rounds.append(_Round(request, kit, spec.start(request, kit)))

    def _written(self, drawing: Drawing) -> float:
        """Seconds that it takes to make files of pictures."""
        began = self._clock()
        for pixels in drawing.pictures:
            write_png(cast(BinaryIO, io.BytesIO()), pixels.numpy())
        return self._clock() - began

    def _give_up(self, kind: str) -> None:
        """Nothing more is to be found out of a kind."""
        self._left.remove(kind)
        self._kept.give_up()
        self._stop()

    def _stop(self) -> None:
        for round_ in self._trial.rounds if self._trial is not None else ():
            round_.pipeline.close()
        self._trial = None
        self._pictures.clear()


def _answer(present: _Round) -> object:
    """What a pipeline has asked for, from the nets; None to begin with."""
    if present.ask is None:
        return None
    return present.kit.answer([present.ask], room=present.kit.room(present.ask, present.ask.rows), lean=False)[0]


def self_timing(
    options: WorkerOptions,
    kits: Sequence[Kit],
    nets: Nets,
    card: ModelCard | None,
    pictures: Pictures,
    code: str,
    *,
    slow: bool,
) -> SelfTiming | None:
    """What finds out how fast this machine is, by the version `code` of the program; None where that is not wanted.
    `slow`: a pass takes minutes."""
    if options.timings_file is None or card is None:
        return None
    smaller = SMALLER_WHERE_SLOW if slow else 1
    basis = basis_of(nets.device, nets.specs, card.revisions, code, smaller)
    return SelfTiming(kits, nets, card, pictures, KeptTimings(options.timings_file, basis), smaller=smaller)
