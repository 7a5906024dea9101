"""Why a file of somebody's cannot be worked from. Opening files is `bot.imaging`'s."""

from __future__ import annotations

from typing import Literal, get_args

from bot.prompt import PromptError

Trouble = Literal[
    "not_an_image",
    "animated",
    "too_small",
    "too_many_pixels",
    "broken",
    "no_heic",
    "too_big_a_file",
    "too_hard",
    "no_memory",
]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)


class PictureRefused(PromptError):
    """A file that cannot be worked from. What a person reads is written in `bot.conversation.advice`."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble: Trouble = trouble
        self.detail = detail
