"""What a program wishes, composed by the modes as if its person had said so; but for the person's own habits, which a
program knows nothing of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.door.means import Means
from bot.imaging.decoder import NoCutOut
from bot.jobs.compose import Asked, Composition
from bot.modes.drawing import from_pictures, from_words, restyle
from bot.modes.enlarge import upscale
from bot.modes.repaint.composing import inpaint
from bot.modes.vary import vary
from bot.prompt import NOT_FOR_FLASH, PromptLine
from bot.prompt.said import says_something, seen
from bot.prompt.styles import find_style
from bot.store import Given, Parent, Preferences
from inference.api import ApiError, File, Wish
from inference.api.errors import wrong
from inference.requests import ModelCard

_OURS = {"steps": "steps", "cfg": "guidance_scale", "no": "negative_prompt"}
_NO_CUT_OUT = {
    "size": "The mask must be as large as the picture; it is {detail}.",
    "nothing": "Nothing in the mask is transparent, so nothing would be painted anew.",
    "all": "All of the mask is transparent, so nothing of the picture would be left.",
}


async def composed(means: Means, person_id: int, wish: Wish, card: ModelCard) -> tuple[Composition, tuple[Parent, ...]]:
    """The request for a wish, and what its pictures are made from, which is stored then. Raises ApiError, ToldError,
    LineFull, BlobMissing."""
    asked = Asked(line_of(wish), Preferences(), card)
    given = [await _kept(means, person_id, image) for image in wish.images]
    parents = tuple(one.parent for one in given)
    match wish.task:
        case "draw":
            return from_words(asked), parents
        case "vary":
            return vary(asked, given[0]), parents
        case "enlarge":
            return upscale(asked, given[0], "x4" if wish.factor == 4 else "x2"), parents
        case "edit" if wish.mask is not None:
            return inpaint(asked, given[0], await _mask(means, person_id, wish.mask, given[0])), parents
        case "edit" if len(given) == 1:
            return restyle(asked, given[0]), parents
    return _mixed(asked, given), parents


def line_of(wish: Wish) -> PromptLine:
    """What the person would have written. Raises ApiError."""
    words = seen(wish.prompt)
    if wish.task in ("draw", "edit") and not says_something(words):
        raise wrong("prompt", "The prompt says nothing that could be drawn.")
    style = find_style(wish.style) if wish.style is not None else None
    if wish.style is not None and style is None:
        raise wrong("style", "There is no such style here.")
    line = PromptLine(
        prompt=words,
        ar=wish.size,
        no=seen(wish.negative_prompt or "") or None,
        seed=wish.seed,
        style=style.slug if style is not None else None,
        n=wish.count,
        quality=wish.quality,
        steps=wish.steps,
        cfg=wish.guidance_scale,
        strength=wish.strength,
    )
    for name in NOT_FOR_FLASH:
        if line.quality == "flash" and getattr(line, name) is not None:
            raise wrong(_OURS[name], f"The Flash model takes no {_OURS[name]}: ask for quality high.")
    return line


def _mixed(asked: Asked, given: Sequence[Given]) -> Composition:
    """Several pictures, all of the same weight."""
    return from_pictures(asked, [(one, round(1 / len(given), 2)) for one in given])


async def _kept(means: Means, person_id: int, file: File) -> Given:
    """A picture that came with a request, checked and stored among what its person gave."""
    async with means.looks.turn(person_id):
        kept = await means.decoder.kept(file.path)
    size = await asyncio.to_thread(means.blobs.size, kept.source.blob)
    return await means.history.sources.add_upload(person_id, person_id, None, kept.source, None, size=size)


async def _mask(means: Means, person_id: int, file: File, given: Given) -> str:
    """The digest of a mask, white where the file is transparent."""
    try:
        async with means.looks.turn(person_id):
            png = await means.decoder.cut_out(file.path, (given.source.width, given.source.height))
    except NoCutOut as none:
        raise ApiError(400, "invalid_mask", _NO_CUT_OUT[none.why].format(detail=none.detail), param="mask") from none
    return await asyncio.to_thread(means.blobs.put, png)
