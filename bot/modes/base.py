"""What modes have in common: the fields that most requests share, missing weights, words that are asked for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from bot.jobs.compose import (
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
from bot.jobs.mode import Begin, Pressed, Run
from bot.jobs.origin import Origin
from bot.jobs.picture_keys import lacks_something, menu
from bot.jobs.questions import Question, ask
from bot.jobs.studio import Studio
from bot.prompt import NOT_FOR_FLASH, PromptLine
from bot.prompt.styles import language_of
from bot.store import Given, StoredPicture
from bot.texts.i18n import _
from inference.requests import Ability, AnyRequest, Guided, Kind, ModelCard, Source

MOST_STEPS_BACK = 100  # that the words of a picture are looked for


def need(card: ModelCard, kind: Kind) -> Ability:
    """What a kind may be asked for here. Raises ModeMissing where it has no weights."""
    if kind not in card.kinds:
        raise missing(card, [kind])
    return card.of(kind)


def composed(asked: Asked, request: AnyRequest, line: PromptLine, remarks: tuple[Remark, ...]) -> Composition:
    """With the words of the line that the model at hand does not know."""
    return Composition(request, line, remarks, asked.card.unknown_words(line.prompt))


def drawn_fields(
    asked: Asked, ability: Ability, like: tuple[int, int], *, guided: bool = True
) -> tuple[dict[str, Any], PromptLine, tuple[Remark, ...]]:
    """Words, canvas and seeds of a request, the line with every choice made explicit, and remarks."""
    line = asked.line
    style, remarks = chosen_style(line, asked.preferences, asked.card)
    language = language_of(line.prompt)
    width, height = ability.size_for(*(line.ar or like))
    seed = asked.draw_seed() if line.seed is None else line.seed
    count, count_remarks = pictures_asked(asked, ability)
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
    line = replace(line, seed=seed, n=len(seeds), style=style_slug(line, style))
    return fields, line, (*count_remarks, *remarks)


def fields_in_place(
    asked: Asked, ability: Ability, given: Given
) -> tuple[dict[str, Any], PromptLine, tuple[Remark, ...]]:
    """The same for what is painted into a picture: it has that picture's size, or one of its own, and windows of the
    model's."""
    size = (given.source.width, given.source.height)
    fields, line, remarks = drawn_fields(replace(asked, line=replace(asked.line, ar=None)), ability, size)
    del fields["width"], fields["height"]
    fields["native_side"] = min(ability.native_size)
    return fields, line, remarks


def said_again(line: PromptLine, said: PromptLine) -> PromptLine:
    """The line with what is said now; of Flash and what Flash has no use for, what was said last stays."""
    now = {one.name: getattr(said, one.name) for one in fields(said) if getattr(said, one.name) is not None}
    if said.quality == "flash":
        dropped: dict[str, Any] = dict.fromkeys(NOT_FOR_FLASH)
        line = replace(line, **dropped)
    elif line.quality == "flash" and now.keys() & set(NOT_FOR_FLASH):
        line = replace(line, quality=None)
    return replace(line, **{**now, "prompt": said.prompt or line.prompt, "seed": said.seed})


def guided_line(request: Guided) -> dict[str, Any]:
    """The parameters that a request drawn with guidance was drawn with."""
    return {"no": request.negative_prompt or None, "steps": request.steps, "cfg": request.guidance_scale}


def given_again(source: Source) -> Given:
    """A picture to compose from once more; what it is in the history is told with the order."""
    return Given(source=Source(blob=source.blob, width=source.width, height=source.height))


async def own_picture(studio: Studio, given: Given) -> StoredPicture | None:
    """The picture of ours that this is; None of a given one."""
    return await studio.history.picture(given.picture_id) if given.picture_id is not None else None


async def own_words(studio: Studio, given: Given) -> str:
    """What a picture of ours was drawn from, be it a part of it; "" of a given one."""
    picture = await own_picture(studio, given)
    return "" if picture is None else (await studio.deliveries.gallery.line(picture)).prompt


async def own_wish(studio: Studio, given: Given) -> PromptLine:
    """The words and the style of all that a picture of ours shows, for another one like it; none of a given one.

    Where they were of a part alone, or there were none, those of the picture that it was made from hold.
    """
    picture = await own_picture(studio, given)
    for _older in range(MOST_STEPS_BACK):
        if picture is None or studio.modes.of(picture.recipe.request).tells_all:
            break
        picture = await _made_from(studio, picture)
    else:
        picture = None
    return PromptLine("") if picture is None else wish_of(await studio.deliveries.gallery.line(picture))


async def _made_from(studio: Studio, picture: StoredPicture) -> StoredPicture | None:
    """The picture of ours that one was made from."""
    for parent_id, _upload in await studio.history.sources.parents(picture.id):
        if parent_id is not None:
            return await studio.history.picture(parent_id)
    return None


def wish_of(line: PromptLine) -> PromptLine:
    """The words and the style of a line that something was drawn with."""
    return PromptLine(line.prompt, no=line.no if line.quality == "full" else None, style=line.style)


def begun_by(begin: Begin[Studio]) -> Run[Studio]:
    """What a press does where it begins as a command without words does."""

    async def run(studio: Studio, origin: Origin, press: Pressed) -> None:
        await begin(studio, origin, press.person, press.given, "")

    return run


async def show_menu(studio: Studio, origin: Origin, given: Given, said: str = "") -> None:
    """All that can be done with a photo; `said` of it, in HTML, stands above. What was being asked is over."""
    await studio.history.dialogs.hush(origin.owner_id, origin.chat_id)
    card, modes = studio.queue.card, studio.modes
    text = "🖼 " + _("What shall I do with it? Or send it again with words, and I will draw it anew.")
    if lacks_something(modes, card):
        text += "\n" + _("🔒 is not installed here; tap it to see what is missing.")
    await studio.deliveries.say(origin, f"{said}\n\n{text}" if said else text, menu(modes, given.parent, card))


async def ask_for_words(studio: Studio, origin: Origin, mode: str, given: Given, called: str = "") -> None:
    """Asks what the picture shall become; the answer to this message begins the work of the mode."""
    asked = _("What shall it become? Reply in a few words.")
    placeholder = _("for example: a watercolour, at night")
    question = Question(f"{called}💬 {asked}", placeholder, quiet=not origin.private)
    await ask(studio, origin, question, "words", {"command": mode, "given": given.model_dump(mode="json")})
