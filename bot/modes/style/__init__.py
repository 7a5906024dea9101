"""🎭: the same words and the same seeds in another style; for a photo, the picture and a style."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.compose import Asked, Composition, painted_styles
from bot.jobs.context import context_of, made_by
from bot.jobs.mode import Action, Mode, Modes, Pressed, Routers, View
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone, in_line_already
from bot.jobs.picture_keys import menu
from bot.jobs.shown import keys_of, keys_of_job, with_ticks
from bot.jobs.studio import Studio
from bot.modes.drawing import RESTYLED_BY, from_words, restyle
from bot.modes.style.buttons import StyleOfJob, StyleOfPicture, This, opening, page_of, page_with
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE, Style
from bot.store import Given, Parent, Person, Preferences, StoredPicture
from bot.texts.i18n import N_, _
from inference.queue.jobs import Job
from inference.requests import AnyRequest, ModelCard, Rewrite

StyleButton = StyleOfJob | StyleOfPicture


@dataclass(frozen=True)
class Under:
    """What a button of styles stands under: all that a job has drawn, one picture of ours, or a photo."""

    job: Job | None = None
    picture: StoredPicture | None = None
    given: Given | None = None


async def under(
    callback: CallbackQuery,
    job: Job | None = None,
    picture: StoredPicture | None = None,
    given: Given | None = None,
) -> dict[str, Under]:
    """A filter that all presses pass. Gives `under`."""
    return {"under": Under(job, picture, given)}


async def unfold(
    callback: CallbackQuery, callback_data: StyleButton, studio: Studio, origin: Origin, under: Under
) -> None:
    """A page of styles in place of the buttons under a result or a photo: that of its own style, or the one turned
    to."""
    await callback.answer()
    page = callback_data.page if callback_data.action == "turn" else None
    await _show(studio, origin, This.of(callback_data), await _drawn(studio, under), page)


async def of_photo(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _show(studio, origin, This(upload=press.given.upload_id or 0), None)


async def _show(studio: Studio, origin: Origin, this: This, drawn: Drawn | None, page: int | None = None) -> None:
    offered = _offered(await known_card(studio.queue), plain=drawn is not None)
    now = "" if drawn is None else drawn.line.style or PLAIN_STYLE
    markup = page_of(this, offered, now, page_with(offered, now) if page is None else page)
    await _put(studio, origin, markup)


async def fold(
    callback: CallbackQuery, callback_data: StyleButton, person: Person, studio: Studio, origin: Origin, under: Under
) -> None:
    """The buttons that stood there before."""
    await callback.answer()
    if under.job is not None:
        pictures = await studio.history.pictures_of_job(under.job.id)
        if pictures:
            await _put(studio, origin, await keys_of_job(studio, pictures, origin.chat_id))
    elif under.picture is not None:
        await _put(studio, origin, await keys_of(studio, under.picture))
    else:
        photo = menu(studio.modes, Parent(upload_id=This.of(callback_data).upload), studio.queue.card)
        await _put(studio, origin, await with_ticks(studio.history, photo, person.id))


async def draw(
    callback: CallbackQuery, callback_data: StyleButton, person: Person, studio: Studio, origin: Origin, under: Under
) -> None:
    """Draws this in the style, once: later presses point to it. Raises order.REFUSALS."""
    card, drawn, slug = await known_card(studio.queue), await _drawn(studio, under), callback_data.style
    if slug not in {style.slug for style in _offered(card, plain=drawn is not None)}:
        await gone(callback)
        return
    if drawn is not None and slug == (drawn.line.style or PLAIN_STYLE):
        await callback.answer(_("It is in this style already."))
        return
    key = callback_data.pack()
    if await in_line_already(callback, studio, person, key) or await _point_to_it(studio, origin, person, key):
        return
    if drawn is not None and (made := in_style(studio.modes, drawn, slug, card, origin)) is not None:
        await order_or_ask(studio, origin, made, parents=drawn.parents, key=key)
        return
    given = under.given or await _first(studio, under.job)
    if given is None:
        return
    asked = await asked_by(studio, origin, person, PromptLine("", style=slug))
    await order_or_ask(studio, origin, restyle(asked, given), parents=(given.parent,), key=key)


@dataclass(frozen=True)
class Drawn:
    """What was drawn: its request, the line that it stands for, and what anything made of it descends from."""

    request: AnyRequest
    line: PromptLine
    parents: tuple[Parent, ...]


async def _drawn(studio: Studio, under: Under) -> Drawn | None:
    """What a job has made, or one picture of ours alone; None of a photo."""
    job, picture = under.job, under.picture
    if picture is not None:
        line = await studio.deliveries.gallery.line(picture)
        return Drawn(picture.recipe.alone, line, (Parent(picture_id=picture.id),))
    if job is None:
        return None
    first = (await studio.history.pictures_of_job(job.id))[:1]
    parents = context_of(job).parents or tuple(Parent(picture_id=one.id) for one in first)
    request, line = made_by(studio.modes, job)
    return Drawn(request, line, parents)


def in_style(modes: Modes[Studio], drawn: Drawn, slug: str, card: ModelCard, origin: Origin) -> Composition | None:
    """The same words and seeds in a style; None where there is nothing but the picture to go by."""
    mode, line = modes.of(drawn.request), replace(drawn.line, style=slug)
    asked = Asked(line, Preferences(), card, origin.private)
    if mode.of_words_alone:
        return from_words(asked)
    said = PromptLine("", style=slug)
    return None if mode.reword is None else mode.reword(drawn.request, line, said, asked)


async def _first(studio: Studio, job: Job | None) -> Given | None:
    pictures = await studio.history.pictures_of_job(job.id) if job is not None else []
    return Given.of_picture(pictures[0]) if pictures else None


async def _point_to_it(studio: Studio, origin: Origin, person: Person, key: str) -> bool:
    """Points to what the same button has ordered before, where that is still here."""
    job_id = await studio.history.job_ordered_with(person.id, key)
    post = await studio.history.find_post(job_id=job_id, chat_id=origin.chat_id) if job_id is not None else None
    if post is None or post.kind not in ("grid", "single"):
        return False
    return await studio.deliveries.gallery.point_to(post, _("It is drawn in this style already."))


def _offered(card: ModelCard | None, *, plain: bool) -> list[Style]:
    """The styles that the model at hand paints; having none is one of them where there are words to go by."""
    return [style for style in painted_styles(card) if plain or style.slug != PLAIN_STYLE]


async def _put(studio: Studio, origin: Origin, markup: InlineKeyboardMarkup) -> None:
    await studio.bot.edit_message_reply_markup(chat_id=origin.chat_id, message_id=origin.reply_to, reply_markup=markup)


def keys(view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
    if view not in ("grid", "picture") or isinstance(request, Rewrite) or len(painted_styles(card)) < 2:
        return []
    return [opening(This(job=target) if view == "grid" else This(picture=target))]


def build() -> Router:
    router = Router(name="style")
    for kind in (StyleOfJob, StyleOfPicture):
        router.callback_query.register(unfold, kind.filter(F.action.in_({"open", "turn"})), under)
        router.callback_query.register(fold, kind.filter(F.action == "close"), under)
        router.callback_query.register(draw, kind.filter(F.action == "draw"), under)
    return router


STYLE: Mode[Studio] = Mode(
    name="style",
    actions=(Action("style", "🎭", N_("Style"), RESTYLED_BY, {"photo": (0, 1)}, of_photo, orders=False),),
    keys=keys,
    buttons=(StyleOfJob, StyleOfPicture),
    routers=lambda: Routers(among=build()),
)
