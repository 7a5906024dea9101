"""`python -m benchmarks.nano_reading`: are people's sentences read right, before anything is drawn?

What a sentence is read as is the plain caption that sounds most like it to the nets that draw from words
(`inference.nano.hearing`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.nano_people import SENTENCES
from inference.families.kandinsky.files.store import EMBEDDED
from inference.nano import movq, reading, text
from inference.nano.captions import LANGUAGES, Named
from inference.nano.hearing import Encoder, Hearing, heard_as, listeners
from inference.nano.meaning import plain_caption, settled
from inference.nano.people import Saying, named, sayings
from inference.nano.questions import FIRST_SEED
from inference.nano.speech.asking import sentences
from inference.nano.unpack import unpack

DRAWING = ("unet", "flash")  # nets that draw from words alone
CAPTIONS, PICTURES = 256, 32  # that scales and queries come from
GROUPS = {"ground": ("background",), "colours": ("colour1", "colour2"), "shapes": ("shape1", "shape2"),
          "how many": ("kind", "count"), "order": ("pairing",), "place": ("position",), "size": ("size",)}  # fmt: skip
SILENCE = {"position": "centre", "size": "medium"}  # what it means to say nothing of them


@dataclass(frozen=True)
class Read:
    """A sentence, what it says and what the nets hear."""

    text: str
    language: str
    says: Named
    heard: Named

    def right(self, attributes: Sequence[str] = ()) -> bool:
        """Whether all that is said is heard, or those of the attributes that are."""
        return all(self.heard.get(name, SILENCE.get(name)) == value for name, value in self.says.items()
                   if not attributes or name in attributes)  # fmt: skip


def read(out: Path, asked: Sequence[Saying], reads: Encoder | None = None) -> list[Read]:
    """What the nets of the training folder `out` hear in sentences, encoded by `reads` or its own reader."""
    generator = torch.Generator().manual_seed(0)
    speaks = reading.encoder_of(*text.trained(out))
    reads = reads or reading.encoder_of(*reading.trained(out))
    latents = movq.encode(movq.trained(out), movq.pictures(FIRST_SEED, PICTURES)).float()
    captions = [meant for meant in sentences(FIRST_SEED, 2 * CAPTIONS)[1] if meant][:CAPTIONS]
    with torch.no_grad():
        hearings = [Hearing(ear, speaks, latents, captions, generator) for ear in listeners(out, DRAWING)]
    return [
        Read(one.text, one.language, named(one), heard_as(one.text, named(one), hearings, reads, speaks))
        for one in asked
    ]


def summed(found: Sequence[Read]) -> str:
    """Shares of what is read right, as a Markdown table."""
    lines = [
        "| | " + " | ".join(("sentences", "right in everything", *GROUPS)) + " |",
        "|---" * (len(GROUPS) + 3) + "|",
    ]
    rows = {"all": list(found)} | {one: [r for r in found if r.language == one] for one in LANGUAGES}
    rows |= {kind: [r for r in found if r.says["kind"] == kind] for kind in ("single", "count", "pair")}
    for title, row in rows.items():
        cells = [f"{len(row)}", _share([r.right() for r in row])]
        cells += [_share([r.right(some) for r in row if r.says.keys() & set(some)]) for some in GROUPS.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(right: Sequence[bool]) -> str:
    return f"{100 * sum(right) / len(right):.1f} %" if right else "–"


def main(
    weights: Annotated[Path, typer.Option(help="Checkpoint folder; the embedded one by default.")] = EMBEDDED,
    states: Annotated[Path | None, typer.Option(help="Training states to try instead of a checkpoint.")] = None,
    sentences_: Annotated[Path, typer.Option("--sentences", help="Whose, one JSON object a line.")] = SENTENCES,
    wrong: Annotated[bool, typer.Option(help="Tell each that is read wrong: never of what is held out.")] = False,
) -> None:
    torch.set_num_threads(1)
    asked = sayings(sentences_)
    with tempfile.TemporaryDirectory() as scratch:
        if states is None:
            unpack(Path(scratch), weights)
        found = read(states or Path(scratch), asked)
    print(summed(found))
    for one in found:
        if wrong and not one.right():
            print(f"{one.text}\n    says  {plain_caption(settled(one.says))}\n    heard {plain_caption(one.heard)}")


if __name__ == "__main__":
    typer.run(main)
