"""From a picture and what a person wants of it to a request, or to the word that the weights for it are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.jobs.compose import (
    CONTROLLED,
    Composition,
    Remark,
    chosen_style,
    joined,
    missing,
    new_seed,
    pictures_asked,
    style_slug,
    tile_seeds,
)
from bot.prompt import BadValue, Method, PromptError, PromptLine
from bot.prompt.styles import language_of
from bot.store import Given, Preferences
from inference.requests import (
    MAX_PICTURE_SIDE,
    MAX_PIXELS,
    Ability,
    AnyRequest,
    Control,
    FlashMix,
    Kind,
    Mix,
    ModelCard,
    Refine,
    Upscale,
    WeighedSource,
)

Degree = Literal["subtle", "strong"]

# How much of the picture a variation keeps: the scale of its image tokens and the guidance towards them.
VARIATIONS: dict[Degree, tuple[float, float]] = {"subtle": (1.0, 7.5), "strong": (0.6, 4.0)}
STRENGTHS: dict[Degree, float] = {"subtle": 0.3, "strong": 0.6}
REFINE_STEPS = 25
FOUR_K = 3840
MOST_HOLD = 2.0  # --scale of an outline; enlarging takes larger numbers
METHODS: tuple[Method, ...] = ("hed", "scribble")  # what any picture will do for; depth needs a depth map
STYLED_METHODS: tuple[Method, ...] = ("scribble",)

# The kinds that serve a wish, the best one first; what the model card lacks of the first is what an owner would fetch.
SERVED_BY: dict[str, tuple[Kind, ...]] = {
    "vary": ("mix", "mix_flash", "refine"),
    "mix": ("mix", "mix_flash"),
    "restyle": ("mix", "mix_flash", "refine"),
    "control": METHODS,
    "x2": ("flash_x2", "x2"),
    "x4": ("x4",),
    "big": ("x4",),
    "upscale": ("flash_x2", "x2", "x4"),
    "refine": ("refine",),
    "inpaint": ("inpaint",),
    "outpaint": ("outpaint",),
}


class NoLook(PromptError):
    """How much of the look of other pictures was said, and there are none."""


class NoDepthMap(PromptError):
    """Depth is kept from a depth map alone, and nobody said that the picture is one."""


@dataclass(eq=False)
class BadScale(BadValue):
    """A --scale that no outlines can be held with: they take a number from the first to the second of `fitting`."""

    fitting: tuple[float, float]


class BadFactor(PromptError):
    """A picture cannot be enlarged to this; `value` is how it was said."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class TooLarge(PromptError):
    """Enlarged so, the picture would have more pixels than the studio makes."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width}x{height}")
        self.width = width
        self.height = height


@dataclass(frozen=True)
class Wish:
    """What every mode starts from: the line, its author's habits, and what can be done here."""

    line: PromptLine
    preferences: Preferences
    card: ModelCard
    private: bool = True
    draw_seed: Callable[[], int] = new_seed


def offered(card: ModelCard | None, wish: str) -> bool:
    """Whether one of the kinds that serve a wish has its weights; everything is while nobody knows."""
    return card is None or any(kind in card.kinds for kind in SERVED_BY[wish])


def vary(wish: Wish, given: Given, degree: Degree = "subtle") -> Composition:
    """Pictures like this one. Where no image adapter is at hand it is drawn over, and the remark says so."""
    if wish.line.strength is not None:
        return refine(wish, given, wish.line.strength)
    if wish.line.mode != "flash" and not {"mix", "mix_flash"} & set(wish.card.kinds) and "refine" in wish.card.kinds:
        made = refine(wish, given, STRENGTHS[degree])
        return replace(made, remarks=(Remark("varied_by_refining"), *made.remarks))
    scale, guidance = VARIATIONS[degree]
    return mix(wish, [(given, 1.0)], scale=scale, guidance=guidance)


def mix(
    wish: Wish, pictures: Sequence[tuple[Given, float]], *, scale: float = 1.0, guidance: float = 7.5
) -> Composition:
    """A picture out of several with weights, or of one and words. --iw and --cfg outweigh scale and guidance."""
    line, card = wish.line, wish.card
    quick = line.mode == "flash" or (line.mode is None and "mix" not in card.kinds and "mix_flash" in card.kinds)
    ability = need(card, "mix_flash" if quick else "mix")
    first = pictures[0][0].source
    fields, explicit, remarks = drawn_fields(wish, ability, (first.width, first.height), guided=not quick)
    images = tuple(WeighedSource(**given.source.model_dump(), weight=weight) for given, weight in pictures)
    image_scale = scale if line.iw is None else line.iw
    if quick:
        said = (Remark("quick_mix"),) if line.mode is None else ()
        request: AnyRequest = FlashMix(images=images, image_scale=image_scale, **fields)
        return composed(wish, request, explicit, (*said, *remarks))
    fields.setdefault("guidance_scale", guidance)
    return composed(wish, Mix(images=images, image_scale=image_scale, **fields), explicit, remarks)


def restyle(wish: Wish, given: Given) -> Composition:
    """A picture and words: the adapter takes the look from one and the content from both; --strength draws it over."""
    if wish.line.strength is not None:
        return refine(wish, given, wish.line.strength)
    if not {"mix", "mix_flash"} & set(wish.card.kinds) and "refine" in wish.card.kinds:
        made = refine(wish, given, STRENGTHS["strong"])
        return replace(made, remarks=(Remark("varied_by_refining"), *made.remarks))
    return mix(wish, [(given, 1.0)], scale=0.7 if wish.line.prompt else 1.0)


def control(wish: Wish, given: Given, looks: Sequence[Given] = ()) -> Composition:
    """A new picture that keeps the outlines or the relief of this one; with `looks` in the style of those.

    The older net for outlines takes no style, so the one for scribbles stands in for it. --iw says how much of
    their style. Raises NoDepthMap, NoLook.
    """
    line, card = wish.line, wish.card
    methods = STYLED_METHODS if looks else METHODS
    here: list[Method] = [method for method in methods if method in card.kinds]
    if line.iw is not None and not looks:
        raise NoLook
    kind = line.method or (here[0] if here else methods[0])
    if looks:
        kind = "scribble" if kind == "hed" else kind
        need(card, "mix")
    if kind == "depth" and not line.drawn:
        raise NoDepthMap
    if line.scale is not None and line.scale > MOST_HOLD:
        raise BadScale("scale", f"{line.scale:g}", (0, MOST_HOLD))
    ability = need(card, kind)
    fields, explicit, remarks = drawn_fields(wish, ability, (given.source.width, given.source.height))
    chosen = {field: getattr(line, said) for said, field in CONTROLLED.items()}
    request = Control(
        kind=kind,
        image=given.source,
        styles=tuple(WeighedSource(**look.source.model_dump(), weight=1 / len(looks)) for look in looks),
        style_scale=1.0 if line.iw is None else line.iw,
        **{name: value for name, value in chosen.items() if value is not None},
        **fields,
    )
    return composed(wish, request, explicit, remarks)


def refine(wish: Wish, given: Given, strength: float) -> Composition:
    """The picture drawn over by the full model, a little or a lot."""
    ability = need(wish.card, "refine")
    fields, explicit, remarks = drawn_fields(wish, ability, (given.source.width, given.source.height))
    fields.setdefault("steps", REFINE_STEPS)
    return composed(wish, Refine(image=given.source, strength=strength, **fields), explicit, remarks)


def upscale(wish: Wish, given: Given, size: Literal["x2", "x4", "big"]) -> Composition:
    """Two or four times the size, or as near to 4K as one of these comes. --full has twice the size computed in all its
    steps also where Flash would do it. Raises TooLarge."""
    width, height = given.source.width, given.source.height
    if size == "big":
        size = "x2" if max(width, height) * 2 >= FOUR_K and offered(wish.card, "x2") else "x4"
    factor = 4 if size == "x4" else 2
    if width * height * factor**2 > MAX_PIXELS or max(width, height) * factor > MAX_PICTURE_SIDE:
        raise TooLarge(width * factor, height * factor)
    full = wish.line.mode == "full"
    kinds: tuple[Kind, ...] = ("x2",) if full and size == "x2" else SERVED_BY[size]
    kind = next((kind for kind in kinds if kind in wish.card.kinds), kinds[0])
    need(wish.card, kind)
    seed = wish.draw_seed() if wish.line.seed is None else wish.line.seed
    request = Upscale.model_validate({"kind": kind, "image": given.source, "seeds": (seed,)})
    return Composition(request, PromptLine("", seed=seed, n=1, mode=wish.line.mode, scale=float(factor)))


_FOUR_TIMES = re.compile(r"вчетверо|четыре|four|quadruple", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])[xх×]?\s?([0-9]{1,5}(?:[.,][0-9]{1,2})?)\s?([kк](?!\w))?", re.IGNORECASE)


def size_asked(line: PromptLine) -> Literal["x2", "x4", "big"]:
    """What /upscale means: a factor, "4k", or twice the size where no number is said. Raises BadFactor for others."""
    said = _NUMBER.search(line.prompt)
    if said is None:
        factor = 4.0 if _FOUR_TIMES.search(line.prompt) else 2.0 if line.scale is None else line.scale
    elif said[2]:
        if said[1] == "4":
            return "big"
        factor = 0.0
    else:
        factor = float(said[1].replace(",", "."))
    if factor not in (2, 4):
        raise BadFactor(said[0].strip() if said else f"{factor:g}")
    return "x4" if factor == 4 else "x2"


def composed(wish: Wish, request: AnyRequest, line: PromptLine, remarks: tuple[Remark, ...]) -> Composition:
    """With the words of the line that the model at hand does not know."""
    return Composition(request, line, remarks, wish.card.unknown_words(line.prompt))


def need(card: ModelCard, kind: Kind) -> Ability:
    """What a kind may be asked for here. Raises ModeMissing."""
    if kind not in card.kinds:
        raise missing(card, [kind])
    return card.of(kind)


def drawn_fields(
    wish: Wish, ability: Ability, like: tuple[int, int], *, guided: bool = True
) -> tuple[dict[str, Any], PromptLine, tuple[Remark, ...]]:
    """Words, canvas and seeds of a request, the line with every choice made explicit, and remarks."""
    line = wish.line
    style, remarks = chosen_style(line, wish.preferences, wish.card)
    language = language_of(line.prompt)
    width, height = ability.size_for(*(line.ar or like))
    seed = wish.draw_seed() if line.seed is None else line.seed
    count, count_remarks = pictures_asked(line, wish.preferences, ability, wish.private)
    seeds = tile_seeds(seed, count)
    fields: dict[str, Any] = {
        "prompt": joined("prompt", line.prompt, style.suffix[language] if style else ""),
        "width": width,
        "height": height,
        "seeds": seeds,
    }
    if guided:
        chosen = {"steps": line.steps, "guidance_scale": line.cfg}
        fields |= {name: value for name, value in chosen.items() if value is not None}
        fields["negative_prompt"] = joined("no", line.no or "", style.negative[language] if style else "")
    return fields, replace(line, seed=seed, n=len(seeds), style=style_slug(line, style)), (*count_remarks, *remarks)
