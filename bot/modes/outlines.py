"""A new picture that keeps the outlines or the relief of another, if you like in the look of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.jobs import cards
from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Action, Mode, Pressed, offered
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import ask_for_words, composed, drawn_fields, given_again, guided_line, need
from bot.prompt import GUIDED, BadValue, Method, PromptError, PromptLine, parse
from bot.prompt.said import says_something
from bot.store import Given, Person
from bot.texts.i18n import N_, _
from inference.requests import Control, Kind, WeighedSource

PARAMETERS = ("ar", *GUIDED, "scale", "start", "end", "levels", "method", "drawn", "iw")
MOST_HOLD = 2.0  # --scale of an outline; enlarging takes larger numbers
METHODS: tuple[Method, ...] = ("hed", "scribble")  # what any picture will do for; depth needs a depth map
STYLED_METHODS: tuple[Method, ...] = ("scribble",)
# What a line says of how a control holds to its picture, and the fields of the request.
CONTROLLED = {"scale": "scale", "start": "start", "end": "end", "levels": "hint_range", "drawn": "drawn"}
NAMES: dict[Kind, str] = {"hed": N_("By outlines"), "depth": N_("By depth"), "scribble": N_("By a scribble")}


class NoLook(PromptError):
    """How much of the look of other pictures was said, and there are none."""

    def told(self) -> str:
        return _(
            "With /control, --iw is how much of the look of other pictures to take, and there is only one here. "
            "Send an album: the shapes of the first picture, the look of the others."
        )


class NoDepthMap(PromptError):
    """Depth is kept from a depth map alone, and nobody said that the picture is one."""

    def told(self) -> str:
        return _(
            "--method depth takes a picture that is a depth map itself. If yours is one, add --drawn; "
            "for any other, --method outlines does."
        )


@dataclass(eq=False)
class BadScale(BadValue):
    """A --scale that no outlines can be held with: they take a number from the first to the second of `fitting`."""

    fitting: tuple[float, float]

    def fitting_values(self) -> str:
        lowest, highest = self.fitting
        return _("a number from {lowest} to {highest}").format(lowest=f"{lowest:g}", highest=f"{highest:g}")


def control(asked: Asked, given: Given, looks: Sequence[Given] = ()) -> Composition:
    """A new picture that keeps the outlines or the relief of this one; with `looks` in the style of those.

    The older net for outlines takes no style, so the one for scribbles stands in for it. --iw says how much of
    their style. Raises NoDepthMap, NoLook.
    """
    line, card = asked.line, asked.card
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
    fields, explicit, remarks = drawn_fields(asked, ability, (given.source.width, given.source.height))
    chosen = {name: getattr(line, said) for said, name in CONTROLLED.items()}
    request = Control(
        kind=kind,
        image=given.source,
        styles=tuple(WeighedSource(**look.source.model_dump(), weight=1 / len(looks)) for look in looks),
        style_scale=1.0 if line.iw is None else line.iw,
        **{name: value for name, value in chosen.items() if value is not None},
        **fields,
    )
    return composed(asked, request, explicit, remarks)


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    if not says_something(words):  # outlines alone say nothing of what they are to hold
        card = await known_card(studio.queue)
        if not offered(card, METHODS):
            need(card, METHODS[0])
        await ask_for_words(studio, origin, OUTLINES.name, given)
        return
    made = control(await asked_by(studio, origin, person, parse(words, PARAMETERS)), given)
    await order_or_ask(studio, origin, made, parents=(given.parent,))


async def press(studio: Studio, origin: Origin, press: Pressed) -> None:
    await ask_for_words(studio, origin, OUTLINES.name, press.given, press.called)


async def transfer_style(
    studio: Studio, origin: Origin, person: Person, pictures: Sequence[Given], words: str, left_out: int = 0
) -> None:
    """The shapes of the first picture in the look of the others; says so if more were sent. Raises order.REFUSALS."""
    content, *looks = pictures
    made = control(await asked_by(studio, origin, person, parse(words, PARAMETERS)), content, looks)
    if left_out:
        taken = _("I take four pictures at most: the shapes of the first, the look of the next three.")
        await studio.deliveries.say(origin, f"💬 {taken}")
    await order_or_ask(studio, origin, made, parents=tuple(given.parent for given in pictures))


def title(request: Control, words: str) -> str:
    return "🪄 " + _("Style transfer") if request.styles else "➰ " + _(NAMES[request.kind])


def settings(request: Control, name: str) -> list[str]:
    held = _("Held to the picture: × {scale}, from {start} to {end} % of the steps").format(
        scale=cards.number(request.scale), start=round(request.start * 100), end=round(request.end * 100)
    )
    rows = [*cards.guided(request, name), held]
    if request.styles:
        rows.append(_("Look of the other pictures: × {scale}").format(scale=cards.number(request.style_scale)))
    if _unusual(request, "hint_range"):
        black, white = (cards.number(level) for level in request.hint_range)
        rows.append(_("Black and white of the outlines: {black} and {white}").format(black=black, white=white))
    return rows


def line(request: Control) -> Mapping[str, Any]:
    unusual = {said: getattr(request, name) for said, name in CONTROLLED.items() if _unusual(request, name)}
    look = {"iw": request.style_scale} if _unusual(request, "style_scale") else {}
    return {**guided_line(request), "method": request.kind, **look, **unusual}


def _unusual(request: Control, name: str) -> bool:
    return bool(getattr(request, name) != Control.model_fields[name].default)


def reword(request: Control, line: PromptLine, said: PromptLine, asked: Asked) -> Composition:
    line = replace(line, method=line.method or request.kind)
    looks = [given_again(style) for style in request.styles]
    return control(replace(asked, line=line), given_again(request.image), looks)


OUTLINES: Mode[Studio] = Mode(
    name="control",
    requests=(Control,),
    names=NAMES,
    served_by=METHODS,
    commands=("control",),
    about=N_("Keep the outlines"),
    spoken=(r"по\s+контур(?:у|ам)|outlines?",),
    parameters=PARAMETERS,
    begin=begin,
    album=transfer_style,
    title=title,
    settings=settings,
    line=line,
    reword=reword,
    actions=(Action("control", "➰", N_("Outlines"), METHODS, {"photo": (2, 1), "more": (0, 1)}, press, orders=False),),
)
