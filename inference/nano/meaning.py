"""What a sentence means to the nets: the plain caption that they learnt to draw, with a ground for what names none."""

from __future__ import annotations

from inference.nano.captions import Named
from inference.nano.world import goes_with

PLAIN, FOR_PALE = ("white", "light blue", "yellow", "pink"), ("blue", "black", "green", "violet", "red")
PALE = frozenset(("white", "yellow"))
GROUND = {"night": "in space", "sea": "at sea", "meadow": "in a meadow", "sunset": "at sunset"}
PLACE = {
    "centre": "in the centre",
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}
PLURAL = {"fish": "fish", "cross": "crosses"}
UNKNOWN = "an abstract painting"


def contrasting(colours: list[str]) -> str:
    """A ground on which things of these colours are seen well."""
    pale = bool(PALE & set(colours))
    offered: tuple[str, ...] = (*FOR_PALE, *PLAIN) if pale else (*PLAIN, *FOR_PALE)
    return next(ground for ground in offered if all(goes_with(colour, ground) for colour in colours))


def settled(named: Named) -> Named:
    """The attributes of a caption with a ground, if none was named: one that what is coloured stands out from."""
    if "background" in named or "shape1" not in named:
        return named
    return {**named, "background": contrasting([named[key] for key in ("colour1", "colour2") if key in named])}


def plain_caption(named: Named) -> str:
    """The caption, in English, that says what the attributes say and no more; UNKNOWN for none that name a thing."""
    if "shape1" not in named:
        return UNKNOWN
    thing = " ".join(named[key] for key in ("size", "colour1", "shape1") if key in named)
    if named["kind"] == "count":
        shape = named["shape1"]
        thing = (
            f"{ {'2': 'two', '3': 'three'}[named['count']] } "
            + thing.removesuffix(shape)
            + PLURAL.get(shape, shape + "s")
        )
    else:
        thing = _article(thing)
    if named["kind"] == "pair":
        second = _article(" ".join(named[key] for key in ("colour2", "shape2") if key in named))
        thing = f"{thing} {'above' if named['pairing'] == 'above' else 'and'} {second}"
    ground = named.get("background", "")
    if ground:
        thing += f" {GROUND.get(ground) or f'on {_article(ground)} background'}"
    if "position" in named:
        thing += f" {PLACE[named['position']]}"
    return thing + {"watercolour": ", watercolour", "lines": ", line drawing"}.get(named.get("style", ""), "")


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase
