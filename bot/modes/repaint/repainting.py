"""A repaint in the making: what has been said and marked so far, the mask it comes to, and how it is shown.

It lives in a draft (`bot.store.Draft` of kind "mask"), so it outlasts restarts; its pixels lie in the blob store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import fields, replace

from aiogram.types import InlineKeyboardMarkup
from pydantic import BaseModel, ConfigDict

from bot.imaging import collage
from bot.imaging.decoder import Decoder, Marked
from bot.modes.repaint import area_buttons
from bot.modes.repaint.composing import PARAMETERS
from bot.prompt import write
from bot.prompt.stored import Said
from bot.store import Draft, Given
from bot.texts.html import quote
from bot.texts.i18n import _

STEP = 0.02  # of the shorter side, that one press makes an area larger or smaller


class Repaint(BaseModel):
    """What is to be repainted.

    `cells` are those of a `grid` by `grid`; `painted` is the digest of a mask that outweighs them, read
    out of `copy_given`. `steps` is how often
    it was made larger, less how often smaller. `question` tells our question for words, and `asked` its message, once
    that is known (`bot.jobs.questions`). `own_words` are the picture's.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    given: Given
    words: Said = Said()
    own_words: str = ""
    grid: int = 3
    cells: tuple[int, ...] = ()
    painted: str | None = None
    copy_given: Given | None = None
    steps: int = 0
    asked: int | None = None
    question: str = ""

    @classmethod
    def of(cls, draft: Draft) -> Repaint:
        """What a draft holds. Raises PromptError where its words are of an older row and can no longer be read."""
        return cls.model_validate({**draft.body, "words": Said.read(draft.body.get("words", ""), PARAMETERS)})

    @property
    def marked(self) -> bool:
        return bool(self.cells) or self.painted is not None

    def with_cells(self, cells: Iterable[int], grid: int = 3) -> Repaint:
        """Other cells instead of whatever was marked before."""
        return self.model_copy(update={"cells": tuple(sorted(cells)), "grid": grid, "painted": None, "steps": 0})

    def saying(self, said: Said) -> Repaint:
        """With these words, if any. Parameters that came before there were words for the area stay."""
        before, now = self.words, said
        if before.text and now.text and not before.line.prompt:
            fresh = {field.name: getattr(now.line, field.name) for field in fields(now.line)}
            line = replace(before.line, **{name: value for name, value in fresh.items() if value is not None})
            now = Said(text=write(line), line=line)
        return self.model_copy(update={"words": now if now.text else before})

    @property
    def told(self) -> bool:
        """Whether anybody has said what shall be there; parameters alone do not say it."""
        return bool(self.words.line.prompt)

    @property
    def size(self) -> tuple[int, int]:
        return (self.given.source.width, self.given.source.height)


async def marked(repaint: Repaint, decoder: Decoder) -> Marked | None:
    """The area as it is now; None where nothing is left of it, or nothing of the picture. Raises BlobMissing,
    PictureRefused."""
    return await decoder.marked(
        repaint.given.source,
        painted=repaint.painted,
        grid=repaint.grid,
        cells=repaint.cells,
        growth=repaint.steps * STEP,
    )


async def unmarked(repaint: Repaint, decoder: Decoder) -> bytes:
    """The picture as it is, as a JPEG to be painted over. Raises BlobMissing, PictureRefused."""
    shown = await decoder.reduced(repaint.given.source.blob, collage.PHOTO_SIDE)
    return await asyncio.to_thread(collage.photo, shown)


def caption(repaint: Repaint, private: bool) -> str:
    """What stands under the picture, in HTML."""
    lines = []
    if not repaint.marked:
        painting = (
            _("Paint over it: open this picture, tap the brush and send it back to me.")
            if private
            else _("Paint over it: open this picture, tap the brush and send it back in reply to this message.")
        )
        lines = [
            "🖌 <b>" + _("Which part shall I repaint?") + "</b>",
            f"• {painting} " + _("A circle around something means everything inside."),
            "• " + _("Or tap the squares below."),
            "• " + _("Or tell me in a reply: “top left”, “the centre”."),
        ]
    elif repaint.told:
        lines = ["🖌 " + _("I will repaint the marked area. Is it the right one?")]
    else:
        lines = ["🖌 " + _("I will repaint the marked area. Reply with what shall be there, or tap ✅ and I will ask.")]
    if repaint.words.text:
        lines.append(quote(repaint.words.text))
    return "\n".join(lines)


def keyboard(draft_id: int, repaint: Repaint) -> InlineKeyboardMarkup:
    return area_buttons.area(
        draft_id,
        grid=repaint.grid,
        cells=() if repaint.painted else repaint.cells,
        chosen=repaint.marked,
        words=repaint.told,
        same_words=bool(repaint.own_words),
        guessed=repaint.copy_given is not None,
    )
