"""What a program may ask for, whatever protocol it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Task = Literal["draw", "edit", "vary", "enlarge"]
Quality = Literal["flash", "full"]


@dataclass(frozen=True)
class File:
    """A file that came with a request, on its way: nobody has looked into it yet. `digest` is its sha256, hex."""

    path: Path
    digest: str
    size: int


@dataclass(frozen=True)
class Wish:
    """One order. None leaves a choice to the studio; `size` in pixels names a shape, of which the studio takes the
    nearest that the model draws. `steps`, `guidance_scale` and `negative_prompt` go with full quality only.

    A task "edit" has one picture, or several that are mixed, and what is transparent in a `mask` is painted anew.
    `strength`, from 0 to 1, has the picture drawn over by so much. `factor` is how much "enlarge" enlarges.
    """

    task: Task
    prompt: str = ""
    count: int = 1
    size: tuple[int, int] | None = None
    quality: Quality | None = None
    style: str | None = None
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    negative_prompt: str | None = None
    strength: float | None = None
    factor: int = 2
    images: tuple[File, ...] = ()
    mask: File | None = None
