"""Ways to draw that several modes share: from words, from pictures by the image adapter, over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bot.jobs.compose import (
    DEFAULT_SIZE,
    Asked,
    Composition,
    Remark,
    chosen_style,
    joined,
    missing,
    pictures_asked,
    style_slug,
    tile_seeds,
)
from bot.modes.base import composed, drawn_fields, need
from bot.prompt import BOUNDS, GUIDED, PromptLine, Quality
from bot.prompt.styles import language_of
from bot.store import Given, Preferences
from inference.requests import (
    Ability,
    AnyRequest,
    FlashMix,
    FlashTextToImage,
    Mix,
    ModelCard,
    Refine,
    TextToImage,
    WeighedSource,
)

Degree = Literal["subtle", "strong"]

STRENGTHS: dict[Degree, float] = {"subtle": 0.3, "strong": 0.6}
REFINE_STEPS = 25
MOST_SCALE = BOUNDS["iw"][1]
FROM_PICTURES = ("ar", *GUIDED, "full", "flash", "iw")  # parameters of what the image adapter draws


def from_words(asked: Asked) -> Composition:
    """The request of a line; in a group one picture unless the line says otherwise. Raises PromptError.

    The released net takes guidance, steps and a negative prompt only in full quality, so that asking for one of them
    asks for full quality.
    """
    line, preferences, card = asked.line, asked.preferences, asked.card
    quality, quality_remarks = _quality(line, preferences, card)
    ability = card.of(quality)
    (width, height), size, size_remarks = _size(line, preferences, ability)
    style, style_remarks = chosen_style(line, preferences, card)
    language = language_of(line.prompt)
    prompt = joined("prompt", line.prompt, style.suffix[language] if style else "")
    seed = asked.draw_seed() if line.seed is None else line.seed
    count, count_remarks = pictures_asked(asked, ability)
    seeds = tile_seeds(seed, count)
    explicit = replace(line, ar=size, seed=seed, n=len(seeds), style=style_slug(line, style), quality=quality)
    remarks = (*quality_remarks, *size_remarks, *count_remarks, *style_remarks)
    if quality == "flash":
        flash = FlashTextToImage(prompt=prompt, width=width, height=height, seeds=seeds)
        return composed(asked, flash, explicit, remarks)
    chosen = {"steps": line.steps, "guidance_scale": line.cfg}
    full = TextToImage(
        prompt=prompt,
        width=width,
        height=height,
        seeds=seeds,
        negative_prompt=joined("no", line.no or "", style.negative[language] if style else ""),
        **{name: value for name, value in chosen.items() if value is not None},
    )
    return composed(asked, full, explicit, remarks)


def _quality(line: PromptLine, preferences: Preferences, card: ModelCard) -> tuple[Quality, tuple[Remark, ...]]:
    only_full = next((name for name in ("steps", "cfg", "no") if getattr(line, name) is not None), None)
    asked = line.quality or ("full" if only_full else None)
    if asked is not None:
        if asked not in card.kinds:
            raise missing(card, [asked])
        switched = line.quality is None and only_full is not None and preferences.mode != "full"
        return asked, (Remark("switched_to_full", only_full),) if switched and only_full else ()
    wanted: Quality = "full" if preferences.mode == "full" else "flash"
    if wanted in card.kinds:
        return wanted, ()
    other: Quality = "full" if wanted == "flash" else "flash"
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


def from_pictures(
    asked: Asked,
    pictures: Sequence[tuple[Given, float]],
    *,
    scale: float = 1.0,
    guidance: float = 7.5,
    apart: float | None = None,
) -> Composition:
    """A picture out of several with weights, or of one and words. --iw, --cfg and --apart outweigh the rest; where one
    says how far `apart` they shall be, those that are drawn are variations, see `spread`."""
    line, card = asked.line, asked.card
    quick = line.quality == "flash" or (line.quality is None and "mix" not in card.kinds and "mix_flash" in card.kinds)
    ability = need(card, "mix_flash" if quick else "mix")
    first = pictures[0][0].source
    fields, explicit, remarks = drawn_fields(asked, ability, (first.width, first.height), guided=not quick)
    images = tuple(WeighedSource(**given.source.model_dump(), weight=weight) for given, weight in pictures)
    fields["image_scale"] = scale if line.iw is None else line.iw
    apart = apart if line.apart is None else line.apart
    if apart is not None:
        fields["each"] = spread(fields["image_scale"], apart, len(fields["seeds"]))
    if quick:
        said = (Remark("quick_mix"),) if line.quality is None else ()
        request: AnyRequest = FlashMix(images=images, **fields)
        return composed(asked, request, explicit, (*said, *remarks))
    fields.setdefault("guidance_scale", guidance)
    return composed(asked, Mix(images=images, **fields), explicit, remarks)


def spread(scale: float, apart: float, count: int) -> tuple[float, ...]:
    """How much of a picture each of its variations takes: evenly from so far above `scale` to so far below it, the
    nearest first, since seeds alone give near-twins where all of it counts."""
    steps = [0.0] if count == 1 else [1 - 2 * place / (count - 1) for place in range(count)]
    return tuple(round(min(MOST_SCALE, max(0.0, scale + apart * step)), 3) for step in steps)


def over(asked: Asked, given: Given, strength: float) -> Composition:
    """The picture drawn over by the full model, a little or a lot."""
    ability = need(asked.card, "refine")
    fields, explicit, remarks = drawn_fields(asked, ability, (given.source.width, given.source.height))
    fields.setdefault("steps", REFINE_STEPS)
    return composed(asked, Refine(image=given.source, strength=strength, **fields), explicit, remarks)


def over_for_want_of_adapter(asked: Asked, given: Given, degree: Degree) -> Composition | None:
    """The picture drawn over, with a remark on that, where there is no image adapter; None where there is one, or no
    other way either."""
    if {"mix", "mix_flash"} & set(asked.card.kinds) or "refine" not in asked.card.kinds:
        return None
    made = over(asked, given, STRENGTHS[degree])
    return replace(made, remarks=(Remark("varied_by_refining"), *made.remarks))
