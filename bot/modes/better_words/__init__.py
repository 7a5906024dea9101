"""Better words for a picture, and the same words in English."""

from __future__ import annotations

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.keyboards import button
from bot.jobs.mode import Mode, Routers, View
from bot.jobs.studio import Studio
from bot.modes.better_words import beautify, rewriting
from bot.modes.better_words.buttons import WordsButton
from bot.prompt import PromptLine
from bot.texts.i18n import N_, _
from inference.requests import AnyRequest, FlashTextToImage, Kind, ModelCard, Outcome, Rewrite, TextToImage

NAMES: dict[Kind, str] = {"beautify": N_("Improving the words"), "translate": N_("Translating the words")}
_ICONS = {"beautify": "✨", "translate": "🌐"}


def keys(view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
    """Better words are on offer for what was drawn from words alone."""
    from_words = isinstance(request, FlashTextToImage | TextToImage)
    if view != "grid" or not from_words or card is None or "beautify" not in card.kinds:
        return []
    return [button("✨ " + _("Improve"), WordsButton(action="improve", job=target))]


def ending(
    request: Rewrite, line: PromptLine, outcome: Outcome, job_id: int
) -> tuple[str, InlineKeyboardMarkup] | None:
    """The card with which an improvement ends; a translation is nothing to be shown."""
    return rewriting.outcome(line, outcome, job_id) if request.kind == "beautify" else None


BETTER_WORDS: Mode[Studio] = Mode(
    name="beautify",
    requests=(Rewrite,),
    names=NAMES,
    served_by=("beautify",),
    commands=("beautify",),
    about=N_("Improve the words"),
    title=lambda request, words: _ICONS[request.kind] + " " + _(NAMES[request.kind]),
    settings=lambda request, name: [name],
    status=rewriting.status,
    ending=ending,
    keys=keys,
    buttons=(WordsButton,),
    routers=lambda: Routers(among=beautify.build()),
)
