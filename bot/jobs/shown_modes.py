"""What of a job's looks depends on what was asked for. Nothing else in this package knows a mode."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs import cards
from bot.modes import buttons
from bot.modes.better_words import rewriting
from bot.modes.editing import is_editable
from bot.prompt import PromptLine
from bot.store import StoredPicture
from inference.requests import AnyRequest, FlashTextToImage, ModelCard, Outcome, Progress, Rewrite


class Modes:
    """All modes together; stateless."""

    def wish(self, request: AnyRequest, words: str) -> str:
        """What somebody has asked for, as HTML: the title where there is one, and their words."""
        return cards.wish(request, words)

    def plain_wish(self, request: AnyRequest, words: str) -> str:
        """The same in one line without tags, not escaped."""
        return cards.plain_wish(request, words)

    def editable(self, request: AnyRequest) -> bool:
        """Whether a request has words that could be others."""
        return is_editable(request)

    def improvable(self, request: AnyRequest, card: ModelCard | None) -> bool:
        """Whether better words are on offer for what a request has drawn."""
        return rewriting.improvable(request, card)

    def refinable(self, request: AnyRequest, card: ModelCard | None) -> bool:
        """Whether what a request has drawn can be drawn once more in full quality."""
        return isinstance(request, FlashTextToImage) and (card is None or "full" in card.kinds)

    def status(self, wish: str, request: AnyRequest, progress: Progress) -> str | None:
        """What the status message of a request that makes words says while they are written."""
        return rewriting.status(wish, request, progress) if isinstance(request, Rewrite) else None

    def ending(
        self, request: AnyRequest, line: PromptLine, outcome: Outcome, job_id: int
    ) -> tuple[str, InlineKeyboardMarkup] | None:
        """The words and keys that a request ends with that draws nothing; None where the house has them."""
        return rewriting.outcome(line, outcome, job_id) if rewriting.is_improvement(request) else None

    def variations(self, pictures: Sequence[tuple[int, int]], card: ModelCard | None) -> list[InlineKeyboardButton]:
        """The second row under a grid, one button a picture; `pictures` are (number, id)."""
        return buttons.variations(pictures, card)

    def single(
        self, picture: StoredPicture, card: ModelCard | None, *, whole_job: int | None, more: bool
    ) -> InlineKeyboardMarkup:
        """Under one picture; `more` unfolds the rarer keys. `whole_job` made nothing but this picture."""
        request = picture.recipe.request
        return buttons.single(
            picture.id,
            card,
            can_refine=self.refinable(request, card),
            starred=picture.starred,
            whole_job=whole_job,
            editable=self.editable(request),
            more=more,
        )
