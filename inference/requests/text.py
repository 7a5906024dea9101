"""A picture from words alone."""

from __future__ import annotations

from typing import Literal

from inference.requests.base import Guided, Sized
from inference.requests.fields import FLASH_STEPS


class FlashTextToImage(Sized):
    """Four-step Kandinsky 3.1 Flash. The distilled net takes neither guidance nor a negative prompt, so it has none."""

    kind: Literal["flash"] = "flash"

    @property
    def passes(self) -> int:
        return FLASH_STEPS


class TextToImage(Guided, Sized):
    """Kandinsky 3.1: a picture from a sentence."""

    kind: Literal["full"] = "full"
