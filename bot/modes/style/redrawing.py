"""What has been drawn, composed once more in another style, or in several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.jobs.compose import Asked, Composition, joined, painted_styles
from bot.jobs.context import context_of, made_by
from bot.jobs.mode import Modes
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.drawing import from_words
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE, Style, language_of
from bot.store import Parent, Preferences, StoredPicture
from inference.queue.jobs import Job
from inference.requests import AnyRequest, Look, ModelCard, Sheet


@dataclass(frozen=True)
class Drawn:
    """What was drawn: its request, the line that it stands for, and what anything made of it descends from."""

    request: AnyRequest
    line: PromptLine
    parents: tuple[Parent, ...]

    @property
    def style(self) -> str:
        return self.line.style or PLAIN_STYLE

    def first(self, modes: Modes[Studio]) -> Drawn:
        """The first of its pictures alone."""
        return replace(self, request=self.request.alone(0), line=modes.line_alone(self.line, self.request, 0))


async def drawn_of(studio: Studio, job: Job | None, picture: StoredPicture | None) -> Drawn | None:
    """What a job has made, or one picture of ours alone; None of a photo."""
    if picture is not None:
        line = await studio.deliveries.gallery.line(picture)
        return Drawn(picture.recipe.alone, line, (Parent(picture_id=picture.id),))
    if job is None:
        return None
    first = (await studio.history.pictures_of_job(job.id))[:1]
    parents = context_of(job).parents or tuple(Parent(picture_id=one.id) for one in first)
    request, line = made_by(studio.modes, job)
    return Drawn(request, line, parents)


def offered_styles(card: ModelCard | None, *, plain: bool) -> list[Style]:
    """The styles that the model at hand paints; having none is one of them where there are words to go by."""
    return [style for style in painted_styles(card) if plain or style.slug != PLAIN_STYLE]


def in_style(modes: Modes[Studio], drawn: Drawn, slug: str, card: ModelCard, origin: Origin) -> Composition | None:
    """The same words and seeds in a style; None where there is nothing but the picture to go by."""
    mode, line = modes.of(drawn.request), replace(drawn.line, style=slug)
    asked = Asked(line, Preferences(), card, origin.private)
    if mode.of_words_alone:
        return from_words(asked)
    said = PromptLine("", style=slug)
    return None if mode.reword is None else mode.reword(drawn.request, line, said, asked)


def side_by_side(made: Composition, wanted: Sequence[Style], card: ModelCard) -> Composition:
    """What has been composed for one picture without a style, in each of these. Raises TooLong."""
    request = made.request
    reads_russian = "ru" in card.of(request.needs[0]).languages
    language = language_of(request.words) if reads_russian else "en"
    looks = []
    for style in wanted:
        look = Look(suffix=style.suffix[language])
        joined("prompt", request.words, look.suffix)
        if (avoided := request.said("negative_prompt")) is not None:
            look = Look(suffix=look.suffix, negative=style.negative[language])
            joined("no", avoided, look.negative)
        looks.append(look)
    line, slugs = replace(made.line, style=None, n=len(looks)), tuple(style.slug for style in wanted)
    return replace(made, request=Sheet(of=request, looks=tuple(looks)), line=line, styles=slugs)
