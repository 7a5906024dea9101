"""An engine that paints squares: real files for every mode, no tensors, ready in half a second.

python -m tests.hostile.squares --fd N --ready FILE [--slots N] [--seconds N]

Its process id stands in FILE as soon as it can paint.
"""

from __future__ import annotations

import argparse
import os
import queue
from contextlib import suppress
from pathlib import Path

from PIL import Image

from inference.blobs import BlobStore, encode_png
from inference.queue.transport import JobEvent, JobReport
from inference.queue.wire import Cancel, Drain, Hello, ParentLink, Report, Submit, configured, die_with_parent
from inference.requests import (
    Ability,
    AnyRequest,
    Cancelled,
    Failed,
    Finished,
    ModelCard,
    Picture,
    Progress,
    Recipe,
    Rewrite,
    Started,
    Texts,
)

CARD = ModelCard(
    label=Texts(ru="Квадраты", en="Squares"),
    abilities=dict.fromkeys(
        ("flash", "full", "refine", "inpaint", "outpaint", "mix", "hed", "scribble", "x2", "x4"),
        Ability(native_size=(128, 128), sizes={"1:1": (128, 128), "3:2": (192, 128)}, languages=("ru", "en")),
    ),
)
STEPS = 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--ready", type=Path, required=True)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.3, help="for a job")
    options = parser.parse_args()
    die_with_parent()
    link = ParentLink(options.fd)
    blobs = BlobStore(configured(link.inbox.get()).options.blobs_url)
    with suppress(BrokenPipeError):  # the worker is gone
        link.send(Hello(slots=options.slots, card=CARD, pid=os.getpid()))
        options.ready.write_text(str(os.getpid()))
        _serve(link, blobs, options.seconds / STEPS)


def _serve(link: ParentLink, blobs: BlobStore, step_seconds: float) -> None:
    """All jobs inside advance by one step a turn, as the real engine's do."""

    def tell(job_id: int, event: JobEvent) -> None:
        link.send(Report(report=JobReport(job_id=job_id, event=event)))

    inside: dict[int, tuple[AnyRequest, int]] = {}
    while True:
        try:
            message = link.inbox.get(timeout=step_seconds if inside else None)
        except queue.Empty:
            for job_id, (request, step) in list(inside.items()):
                inside[job_id] = request, step + 1
                tell(job_id, Progress(stage="drawing", step=step + 1, of=STEPS))
                if step + 1 == STEPS:
                    del inside[job_id]
                    tell(job_id, _ended(request, blobs))
            continue
        match message:
            case Submit(assignment=assignment):
                inside[assignment.job_id] = assignment.request, 0
                tell(assignment.job_id, Started())
            case Cancel(job_id=job_id) if job_id in inside:
                request, step = inside.pop(job_id)
                tell(job_id, Cancelled(pictures=_painted(request, blobs, step), done=step / STEPS))
            case Drain() | None:
                os._exit(0)


def _ended(request: AnyRequest, blobs: BlobStore) -> Finished | Failed:
    if isinstance(request, Rewrite):
        return Failed(code="missing_weights", message="squares know no words")
    return Finished(pictures=_painted(request, blobs, STEPS), engine_seconds=0.3)


def _painted(request: AnyRequest, blobs: BlobStore, step: int) -> tuple[Picture, ...]:
    """The pictures that are ready after so many steps: they become it one after the other."""
    if isinstance(request, Rewrite):
        return ()
    width, height = request.size
    pictures = []
    for tile, seed in enumerate(request.seeds[: step * len(request.seeds) // STEPS]):
        recipe = Recipe(request=request, tile=tile, code_version="squares")
        image = Image.new("RGB", (width, height), (seed % 256, seed // 256 % 256, seed // 65536 % 256))
        blob = blobs.put(encode_png(image, recipe))
        pictures.append(Picture(tile=tile, blob=blob, width=width, height=height, recipe=recipe))
    return tuple(pictures)


if __name__ == "__main__":
    main()
