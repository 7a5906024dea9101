"""What a person wrote, parameter by parameter. Which of them go with what is asked for stands with the modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quality = Literal["flash", "full"]
Method = Literal["hed", "depth", "scribble"]

MAX_RATIO = 4
BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "n": (1, 10),
    "steps": (1, 100),
    "cfg": (0, 20),
    "iw": (0, 2),
    "strength": (0.05, 1),
    "apart": (0, 1),
    "scale": (0, 4),
    "start": (0, 1),
    "end": (0, 1),
    "levels": (-255, 255),
}
ALIASES = {
    "aspect": "ar",
    "negative": "no",
    "guidance": "cfg",
    "count": "n",
    "без": "no",
    "стиль": "style",
    "формат": "ar",
    "зерно": "seed",
    "сид": "seed",
    "шаги": "steps",
    "сила": "strength",
    "вес": "iw",
    "разброс": "apart",
    "способ": "method",
    "уровни": "levels",
    "целиком": "whole",
}
METHODS: dict[str, Method] = {
    "hed": "hed",
    "outlines": "hed",
    "outline": "hed",
    "edges": "hed",
    "контур": "hed",
    "контуры": "hed",
    "depth": "depth",
    "глубина": "depth",
    "рельеф": "depth",
    "scribble": "scribble",
    "sketch": "scribble",
    "набросок": "scribble",
    "каракули": "scribble",
}

NOT_FOR_FLASH = ("steps", "cfg", "no")  # the distilled net was trained without them
OF_WORDS = ("ar", "no", "seed", "style", "n", "full", "flash", "steps", "cfg")  # what drawing from words takes
GUIDED = ("no", "seed", "style", "n", "steps", "cfg")
PARAMETERS = (*OF_WORDS, "iw", "strength", "apart", "scale", "start", "end", "levels", "method", "drawn", "whole")


@dataclass(frozen=True)
class PromptLine:
    """What a person wrote, parameter by parameter; None where nothing was said."""

    prompt: str
    ar: tuple[int, int] | None = None
    no: str | None = None
    seed: int | None = None
    style: str | None = None
    n: int | None = None
    quality: Quality | None = None
    steps: int | None = None
    cfg: float | None = None
    iw: float | None = None
    strength: float | None = None
    apart: float | None = None
    scale: float | None = None
    start: float | None = None
    end: float | None = None
    levels: tuple[float, float] | None = None
    method: Method | None = None
    drawn: bool | None = None
    whole: bool | None = None


def write(line: PromptLine) -> str:
    """The line as a person could type it; `parse` gives it back."""
    parts = [line.prompt] if line.prompt else []
    order = "ar style n seed quality steps cfg iw strength apart scale start end levels method drawn whole no"
    for name in order.split():
        value = getattr(line, name)
        if value is None or value is False:
            continue
        if name == "quality":
            parts.append(f"--{value}")
        elif value is True:
            parts.append(f"--{name}")
        elif isinstance(value, tuple):
            parts.append(f"--{name} {value[0]:g}:{value[1]:g}")
        else:
            parts.append(f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}")
    return " ".join(parts)
