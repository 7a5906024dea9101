"""From what a person wrote to a request: preferences, style, size and seeds filled in, and remarks on that."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from bot.prompt import Mode, PromptError, PromptLine
from bot.prompt.styles import PLAIN_STYLE, Style, language_of, styles
from bot.store import Preferences
from inference.requests import MAX_PROMPT_CHARS, Ability, AnyRequest, FlashTextToImage, Kind, ModelCard, TextToImage

DEFAULT_SIZE = "1:1"
PICTURES_IN_PRIVATE = 4
PICTURES_IN_GROUPS = 1
SEEDS = 2**32
# What a line says of how a control holds to its picture, and the fields of the request.
CONTROLLED = {"scale": "scale", "start": "start", "end": "end", "levels": "hint_range", "drawn": "drawn"}

_draw = random.SystemRandom()


@dataclass(eq=False)
class TooLong(PromptError):
    """`part` is "prompt" or "no"; the limit is what is left beside the words of the style."""

    part: Literal["prompt", "no"]
    length: int
    limit: int


@dataclass(eq=False)
class ModeMissing(PromptError):
    """There are no weights for what was asked; `lacks` says what the owner would have to fetch."""

    mode: Kind
    lacks: str = ""


def missing(card: ModelCard, kinds: Iterable[Kind]) -> ModeMissing:
    """The refusal that names the first of these kinds that a checkpoint has no weights for."""
    lacking = next(kind for kind in kinds if kind not in card.kinds)
    return ModeMissing(lacking, card.missing.get(lacking, ""))


@dataclass(frozen=True)
class Remark:
    """Something decided on a person's behalf. `detail` is data: a parameter, a size, a style."""

    code: Literal[
        "nearest_size", "switched_to_full", "style_unknown_here", "mode_missing", "not_translated", "translation_cut",
        "quick_mix", "varied_by_refining", "made_smaller", "fewer_pictures",
    ]  # fmt: skip
    detail: str = ""


@dataclass(frozen=True)
class Composition:
    """A request, the line it stands for with every choice made explicit, remarks, and words of the line that the model
    has never seen."""

    request: AnyRequest
    line: PromptLine
    remarks: tuple[Remark, ...] = ()
    unknown: tuple[str, ...] = ()


def new_seed() -> int:
    return _draw.randrange(SEEDS)


def tile_seeds(first: int, count: int) -> tuple[int, ...]:
    """Tile i has the first seed plus i, so that a grid is named by one number."""
    return tuple((first + tile) % SEEDS for tile in range(count))


def usual_count(preferences: Preferences, private: bool) -> int:
    return (preferences.count or PICTURES_IN_PRIVATE) if private else PICTURES_IN_GROUPS


def pictures_asked(
    line: PromptLine, preferences: Preferences, ability: Ability, private: bool
) -> tuple[int, tuple[Remark, ...]]:
    """How many pictures to draw, and a word where more were asked for than one request may have."""
    count, most = line.n or usual_count(preferences, private), ability.most_pictures
    return min(count, most), (Remark("fewer_pictures", str(most)),) if (line.n or 0) > most else ()


def brief(line: PromptLine, preferences: Preferences, *, private: bool = True) -> PromptLine:
    """A line as its author would type it: without a seed, and without what is drawn anyway."""
    usual_ratio = preferences.size or DEFAULT_SIZE
    full = line.mode == "full"
    explained = line.steps is not None or line.cfg is not None or line.no is not None
    return replace(
        line,
        seed=None,
        ar=None if line.ar and f"{line.ar[0]}:{line.ar[1]}" == usual_ratio else line.ar,
        n=None if line.n == usual_count(preferences, private) else line.n,
        style=None if line.style == preferences.style else line.style,
        mode=None if (full and explained) or line.mode == (preferences.mode or "flash") else line.mode,
    )


def compose(
    line: PromptLine,
    preferences: Preferences,
    card: ModelCard,
    *,
    private: bool = True,
    draw_seed: Callable[[], int] = new_seed,
) -> Composition:
    """The request of a line; in a group one picture unless the line says otherwise. Raises PromptError.

    The released net takes guidance, steps and a negative prompt only in full quality, so that asking for one of them
    asks for full quality.
    """
    mode, mode_remarks = _mode(line, preferences, card)
    ability = card.of(mode)
    (width, height), size, size_remarks = _size(line, preferences, ability)
    style, style_remarks = chosen_style(line, preferences, card)
    language = language_of(line.prompt)
    prompt = joined("prompt", line.prompt, style.suffix[language] if style else "")
    seed = draw_seed() if line.seed is None else line.seed
    count, count_remarks = pictures_asked(line, preferences, ability, private)
    seeds = tile_seeds(seed, count)
    explicit = replace(line, ar=size, seed=seed, n=len(seeds), style=style_slug(line, style), mode=mode)
    remarks = (*mode_remarks, *size_remarks, *count_remarks, *style_remarks)
    unknown = card.unknown_words(line.prompt)
    if mode == "flash":
        flash = FlashTextToImage(prompt=prompt, width=width, height=height, seeds=seeds)
        return Composition(flash, explicit, remarks, unknown)
    chosen = {"steps": line.steps, "guidance_scale": line.cfg}
    full = TextToImage(
        prompt=prompt,
        width=width,
        height=height,
        seeds=seeds,
        negative_prompt=joined("no", line.no or "", style.negative[language] if style else ""),
        **{name: value for name, value in chosen.items() if value is not None},
    )
    return Composition(full, explicit, remarks, unknown)


def _mode(line: PromptLine, preferences: Preferences, card: ModelCard) -> tuple[Mode, tuple[Remark, ...]]:
    only_full = next((name for name in ("steps", "cfg", "no") if getattr(line, name) is not None), None)
    asked = line.mode or ("full" if only_full else None)
    if asked is not None:
        if asked not in card.kinds:
            raise missing(card, [asked])
        switched = line.mode is None and only_full is not None and preferences.mode != "full"
        return asked, (Remark("switched_to_full", only_full),) if switched and only_full else ()
    wanted: Mode = "full" if preferences.mode == "full" else "flash"
    if wanted in card.kinds:
        return wanted, ()
    other: Mode = "full" if wanted == "flash" else "flash"
    if other not in card.kinds:
        raise missing(card, [wanted])
    return other, (Remark("mode_missing", wanted),) if preferences.mode else ()


def _size(
    line: PromptLine, preferences: Preferences, ability: Ability
) -> tuple[tuple[int, int], tuple[int, int], tuple[Remark, ...]]:
    """Pixels, the aspect ratio as offered, and a word where it is not the one asked for."""
    asked = f"{line.ar[0]}:{line.ar[1]}" if line.ar else preferences.size or DEFAULT_SIZE
    width, height = (int(side) for side in asked.split(":"))
    pixels = ability.size_for(width, height)
    offered = next(ratio for ratio, size in ability.sizes.items() if size == pixels)
    ratio_width, ratio_height = (int(side) for side in offered.split(":"))
    same = width * ratio_height == height * ratio_width
    return pixels, (ratio_width, ratio_height), () if same or line.ar is None else (Remark("nearest_size", offered),)


def chosen_style(
    line: PromptLine, preferences: Preferences, card: ModelCard
) -> tuple[Style | None, tuple[Remark, ...]]:
    slug = line.style or preferences.style
    style = styles().get(slug) if slug else None
    if style is None or not any(style.suffix.values()):
        return None, ()
    if card.small_world:
        return None, (Remark("style_unknown_here", style.slug),) if line.style else ()
    return style, ()


def style_slug(line: PromptLine, style: Style | None) -> str | None:
    """Saying that there shall be no style is a choice too: it outweighs a preference."""
    return style.slug if style else PLAIN_STYLE if line.style == PLAIN_STYLE else None


def joined(part: Literal["prompt", "no"], said: str, added: str) -> str:
    limit = MAX_PROMPT_CHARS - (len(added) + 2 if added else 0)
    if len(said) > limit:
        raise TooLong(part, len(said), limit)
    return ", ".join(text for text in (said, added) if text)
