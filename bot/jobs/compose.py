"""From what a person wrote to a request: preferences, style, size and seeds filled in, and remarks on that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from bot.prompt import PromptError, PromptLine
from bot.prompt.styles import PLAIN_STYLE, Style, styles
from bot.store import Preferences
from bot.texts.html import excerpt
from bot.texts.i18n import _, ngettext
from inference.requests import MAX_PROMPT_CHARS, Ability, AnyRequest, Kind, ModelCard, Texts

DEFAULT_SIZE = "1:1"
PICTURES_IN_PRIVATE = 4
PICTURES_IN_GROUPS = 1
SEEDS = 2**32

_draw = random.SystemRandom()


@dataclass(eq=False)
class TooLong(PromptError):
    """`part` is "prompt" or "no"; the limit is what is left beside the words of the style."""

    part: Literal["prompt", "no"]
    length: int
    limit: int

    def told(self) -> str:
        text = (
            ngettext(
                "This text has {length} character; at most {limit} fit.",
                "This text has {length} characters; at most {limit} fit.",
                self.length,
            )
            if self.part == "prompt"
            else ngettext(
                "After --no there is {length} character; at most {limit} fit.",
                "After --no there are {length} characters; at most {limit} fit.",
                self.length,
            )
        )
        return text.format(length=self.length, limit=self.limit) + " " + _("Please make it shorter.")


@dataclass(eq=False)
class ModeMissing(PromptError):
    """There are no weights for what was asked; `lacks` says what the owner would have to fetch, `name` what the kind is
    called (`bot.jobs.mode.Modes.complete` fills it in)."""

    mode: Kind
    lacks: str = ""
    name: str = ""

    def told(self) -> str:
        text = _("“{mode}” is not installed in this studio.").format(mode=self.name or self.mode)
        if self.lacks:
            return text + " " + _("For the owner: {lacks}").format(lacks=f"<code>{excerpt(self.lacks)}</code>")
        return text + " " + _("The owner can see with “doctor” which files it takes.")


def missing(card: ModelCard, kinds: Iterable[Kind]) -> ModeMissing:
    """The refusal that names the first of these kinds that a checkpoint has no weights for."""
    lacking = next(kind for kind in kinds if kind not in card.kinds)
    return ModeMissing(lacking, card.missing.get(lacking, ""))


def new_seed() -> int:
    return _draw.randrange(SEEDS)


@dataclass(frozen=True)
class Remark:
    """Something decided on a person's behalf. `detail` is data: a parameter, a size, a style. What a code reads as
    stands in `bot.jobs.cards.captions` or with the mode that decides so."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class Asked:
    """What every mode composes from: the line, its author's habits, and what can be done here."""

    line: PromptLine
    preferences: Preferences
    card: ModelCard
    private: bool = True
    draw_seed: Callable[[], int] = new_seed


@dataclass(frozen=True)
class Composition:
    """A request, the line it stands for with every choice made explicit, remarks, and words of the line that the model
    has never seen. `styles` are the slugs of its pictures' styles where each has its own."""

    request: AnyRequest
    line: PromptLine
    remarks: tuple[Remark, ...] = ()
    unknown: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def tile_seeds(first: int, count: int) -> tuple[int, ...]:
    """Tile i has the first seed plus i, so that a grid is named by one number."""
    return tuple((first + tile) % SEEDS for tile in range(count))


def usual_count(preferences: Preferences, private: bool) -> int:
    return (preferences.count or PICTURES_IN_PRIVATE) if private else PICTURES_IN_GROUPS


def pictures_asked(asked: Asked, ability: Ability) -> tuple[int, tuple[Remark, ...]]:
    """How many pictures to draw, and a word where more were asked for than one request may have."""
    said, most = asked.line.n, ability.most_pictures
    count = min(said or usual_count(asked.preferences, asked.private), most)
    return count, (Remark("fewer_pictures", str(most)),) if (said or 0) > most else ()


def brief(line: PromptLine, preferences: Preferences, *, private: bool = True) -> PromptLine:
    """A line as its author would type it: without a seed, and without what is drawn anyway."""
    usual_ratio = preferences.size or DEFAULT_SIZE
    full = line.quality == "full"
    explained = line.steps is not None or line.cfg is not None or line.no is not None
    return replace(
        line,
        seed=None,
        ar=None if line.ar and f"{line.ar[0]}:{line.ar[1]}" == usual_ratio else line.ar,
        n=None if line.n == usual_count(preferences, private) else line.n,
        style=None if line.style == preferences.style else line.style,
        quality=None if (full and explained) or line.quality == (preferences.mode or "flash") else line.quality,
    )


def painted_styles(card: ModelCard | None) -> list[Style]:
    """The styles that the model at hand paints, none at all first: those that the card names, in the words of the card;
    all where it takes any description."""
    known = list(styles().values())
    if card is None or not (card.small_world or card.styles):
        return known
    plain, *others = known
    return [plain, *(_as_read_by(style, card.styles[style.slug]) for style in others if style.slug in card.styles)]


def _as_read_by(style: Style, words: Texts) -> Style:
    return replace(style, suffix={"ru": words.ru, "en": words.en}, negative={"ru": "", "en": ""})


def chosen_style(
    line: PromptLine, preferences: Preferences, card: ModelCard
) -> tuple[Style | None, tuple[Remark, ...]]:
    slug = line.style or preferences.style
    if slug is None or slug == PLAIN_STYLE or slug not in styles():
        return None, ()
    style = next((one for one in painted_styles(card) if one.slug == slug), None)
    return style, (Remark("style_unknown_here", slug),) if style is None and line.style else ()


def style_slug(line: PromptLine, style: Style | None) -> str | None:
    """Saying that there shall be no style is a choice too: it outweighs a preference."""
    return style.slug if style else PLAIN_STYLE if line.style == PLAIN_STYLE else None


def joined(part: Literal["prompt", "no"], said: str, added: str) -> str:
    limit = MAX_PROMPT_CHARS - (len(added) + 2 if added else 0)
    if len(said) > limit:
        raise TooLong(part, len(said), limit)
    return ", ".join(text for text in (said, added) if text)
