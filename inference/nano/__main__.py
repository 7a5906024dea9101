"""`python -m inference.nano`: look at the world, train the embedded checkpoint, measure it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


class Part(StrEnum):
    """What can be trained by itself, in the order of training: later parts start from earlier ones."""

    movq = "movq"
    text = "text"
    unet = "unet"
    decoder = "decoder"
    flash = "flash"
    inpainting = "inpainting"
    hed = "hed"
    clip = "clip"
    adapter = "adapter"
    outlines = "outlines"
    scribble = "scribble"
    reading = "reading"
    ranker = "ranker"
    superres_x2 = "superres_x2"
    superres_x4 = "superres_x4"
    superres_flash_x2 = "superres_flash_x2"
    all = "all"


DEFAULT_MINUTES = {
    Part.movq: 76.0, Part.text: 11.0, Part.unet: 218.0, Part.decoder: 40.0, Part.flash: 20.0, Part.inpainting: 50.0,
    Part.hed: 3.0, Part.clip: 42.0, Part.adapter: 31.0, Part.outlines: 12.0, Part.scribble: 17.0, Part.reading: 122.0,
    Part.ranker: 5.0, Part.superres_x2: 9.0, Part.superres_x4: 8.0, Part.superres_flash_x2: 7.0,
}  # fmt: skip
OUT = Path("data/nano")


@app.command()
def preview(
    path: Annotated[Path, typer.Argument(help="Where to write the picture.")] = Path("world.png"),
    first: Annotated[int, typer.Option(help="Seed of the first scene.")] = 0,
    count: Annotated[int, typer.Option(help="How many scenes.")] = 48,
) -> None:
    """Draws scenes of the world side by side and prints two captions of each."""
    import numpy as np

    from inference.nano.captions import captions
    from inference.nano.drawing import draw
    from inference.nano.evaluate import contact_sheet
    from inference.nano.world import sample_scene

    scenes = [sample_scene(seed) for seed in range(first, first + count)]
    contact_sheet(np.stack([np.asarray(draw(scene)) for scene in scenes])).save(path)
    for scene in scenes:
        typer.echo(" | ".join(captions(scene, 2)))


@app.command()
def train(
    part: Annotated[Part, typer.Option(help="Which net; `all` does them in order and exports.")] = Part.all,
    minutes: Annotated[float, typer.Option(help="Core minutes; 0 takes the usual time of the part.")] = 0.0,
    seed: Annotated[int, typer.Option()] = 1,
    resume: Annotated[bool, typer.Option(help="Go on from what lies in the folder.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of logs and training states.")] = OUT,
) -> None:
    """Trains on one CPU core, then draws a sample sheet. With `all`, `minutes` is shared out as usual."""
    import torch

    from inference.nano import clip, decoder, edges, flash, inpainting, movq, reading, steering, superres, text, unet
    from inference.nano.export import export, gather
    from inference.nano.samples import sample_sheet

    torch.set_num_threads(1)
    teachers: dict[Part, Callable[[Path, float, int, bool], None]] = {
        Part.movq: movq.train,
        Part.text: text.train,
        Part.unet: unet.train,
        Part.decoder: decoder.train,
        Part.flash: flash.train,
        Part.inpainting: inpainting.train,
        Part.hed: edges.train,
        Part.clip: clip.train,
        Part.adapter: partial(steering.train, part="adapter"),
        Part.outlines: partial(steering.train, part="outlines"),
        Part.scribble: partial(steering.train, part="scribble"),
        Part.reading: reading.train,
        Part.ranker: clip.train_words,
        Part.superres_x2: partial(superres.train, name="x2"),
        Part.superres_x4: partial(superres.train, name="x4"),
        Part.superres_flash_x2: partial(superres.train, name="flash_x2"),
    }
    parts = tuple(teachers) if part is Part.all else (part,)
    usual = sum(DEFAULT_MINUTES[p] for p in parts)
    for each in parts:
        share = minutes * DEFAULT_MINUTES[each] / usual if minutes else DEFAULT_MINUTES[each]
        teachers[each](out, share, seed, resume)
        if sheet := sample_sheet(out, each.value):
            typer.echo(f"drew {sheet}")
    if part is Part.all:
        manifest = export(gather(out))
        typer.echo(f"wrote checkpoint {manifest['revision']}")


@app.command(name="unpack")
def unpack_command(
    out: Annotated[Path, typer.Option(help="Folder of training states.")] = OUT,
    weights: Annotated[Path | None, typer.Option(help="Checkpoint folder; default: the embedded one.")] = None,
) -> None:
    """Turns a checkpoint into training states, for `train --resume` to go on from."""
    from inference.nano.export import WEIGHTS
    from inference.nano.unpack import unpack

    typer.echo(f"{out}: {', '.join(unpack(out, weights or WEIGHTS))}")


@app.command(name="export")
def export_command(
    out: Annotated[Path, typer.Option(help="Folder of training states.")] = OUT,
    target: Annotated[Path | None, typer.Option(help="Where to write; default: the package's own weights.")] = None,
) -> None:
    """Writes what training has left so far as a checkpoint."""
    from inference.nano.export import WEIGHTS, export, gather

    manifest = export(gather(out), target or WEIGHTS)
    size = sum(f["bytes"] for f in manifest["files"].values())
    typer.echo(f"wrote checkpoint {manifest['revision']}, {size / 1e6:.1f} MB")


@app.command(name="eval")
def evaluate_command(
    weights: Annotated[Path | None, typer.Option(help="Checkpoint folder; default: the embedded one.")] = None,
    pictures: Annotated[int, typer.Option(help="Prompts for each mode and language.")] = 160,
    steps: Annotated[int, typer.Option(help="Steps of the base model.")] = 50,
    sheets: Annotated[Path | None, typer.Option(help="Keep the drawn pictures in this folder.")] = None,
) -> None:
    """Prints how often pictures show what was asked: base (guidance 3) and Flash (4 steps), Russian and English."""
    import torch

    from inference.nano.evaluate import evaluate, table
    from inference.nano.export import WEIGHTS

    torch.set_num_threads(1)
    typer.echo(table(evaluate(weights or WEIGHTS, pictures, steps, sheets)))


if __name__ == "__main__":
    app()
