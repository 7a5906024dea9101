"""🎭: the same words and the same seeds in another style, or in four of them side by side; for a photo, the picture
and a style."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

from bot.jobs.compose import Composition, painted_styles
from bot.jobs.mode import Action, Mode, Pressed, Routers, View
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone, in_line_already, ordered_just_now
from bot.jobs.picture_keys import menu
from bot.jobs.shown import keys_of, keys_of_job, with_ticks
from bot.jobs.studio import Studio
from bot.modes.drawing import RESTYLED_BY, restyle
from bot.modes.style.buttons import (
    StyleOfJob,
    StyleOfPicture,
    This,
    on_page,
    opening,
    page_of,
    page_with,
    seen_together,
)
from bot.modes.style.redrawing import Drawn, drawn_of, in_style, offered_styles, side_by_side
from bot.modes.style.samples import bring, samples_of, show
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE
from bot.store import Given, Parent, Person, StoredPicture
from bot.texts.i18n import N_, _
from inference.queue.jobs import Job
from inference.requests import AnyRequest, ModelCard, Rewrite, Sheet


async def unfold(
    callback: CallbackQuery,
    callback_data: StyleOfJob | StyleOfPicture,
    studio: Studio,
    origin: Origin,
    job: Job | None = None,
    picture: StoredPicture | None = None,
) -> None:
    """A page of styles in place of the buttons under a result or a photo: that of its own style, or the one turned
    to."""
    await callback.answer()
    page = callback_data.page if callback_data.action == "turn" else None
    await _show(studio, origin, This.of(callback_data), await drawn_of(studio, job, picture), page)


async def of_photo(studio: Studio, origin: Origin, press: Pressed) -> None:
    await _show(studio, origin, This(upload=press.given.upload_id or 0), None)


async def _show(studio: Studio, origin: Origin, this: This, drawn: Drawn | None, page: int | None = None) -> None:
    card = await known_card(studio.queue)
    offered = offered_styles(card, plain=drawn is not None)
    now = "" if drawn is None else drawn.style
    page = page_with(offered, now) if page is None else page
    sampled = samples_of(card, on_page(offered, page), origin.language) is not None
    await _put(studio, origin, page_of(this, offered, now, page, samples=sampled))


async def fold(
    callback: CallbackQuery,
    callback_data: StyleOfJob | StyleOfPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
    job: Job | None = None,
    picture: StoredPicture | None = None,
) -> None:
    """The buttons that stood there before."""
    await callback.answer()
    if job is not None:
        pictures = await studio.history.pictures_of_job(job.id)
        if pictures:
            await _put(studio, origin, await keys_of_job(studio, pictures, origin.chat_id))
    elif picture is not None:
        await _put(studio, origin, await keys_of(studio, picture))
    else:
        photo = menu(studio.modes, Parent(upload_id=This.of(callback_data).upload), studio.queue.card)
        await _put(studio, origin, await with_ticks(studio.history, photo, person.id))


async def draw(
    callback: CallbackQuery,
    callback_data: StyleOfJob | StyleOfPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
    job: Job | None = None,
    picture: StoredPicture | None = None,
    given: Given | None = None,
) -> None:
    """Draws this in the style, once: later presses point to it. Raises order.REFUSALS."""
    card, drawn, slug = await known_card(studio.queue), await drawn_of(studio, job, picture), callback_data.style
    if slug not in {style.slug for style in offered_styles(card, plain=drawn is not None)}:
        await gone(callback)
        return
    if drawn is not None and slug == drawn.style:
        await callback.answer(_("It is in this style already."))
        return
    if await _ordered_already(callback, studio, origin, person, callback_data, _("It is drawn in this style already.")):
        return
    key = callback_data.pack()
    if drawn is not None and (made := in_style(studio.modes, drawn, slug, card, origin)) is not None:
        await order_or_ask(studio, origin, made, parents=drawn.parents, key=key)
        return
    given = given or await _first(studio, job)
    if given is None:
        return
    asked = await asked_by(studio, origin, person, PromptLine("", style=slug))
    await order_or_ask(studio, origin, restyle(asked, given), parents=(given.parent,), key=key)


async def compare(
    callback: CallbackQuery,
    callback_data: StyleOfJob | StyleOfPicture,
    person: Person,
    studio: Studio,
    origin: Origin,
    job: Job | None = None,
    picture: StoredPicture | None = None,
    given: Given | None = None,
) -> None:
    """Draws this in several styles side by side, with one seed, once: later presses point to it. Raises
    order.REFUSALS."""
    card, drawn = await known_card(studio.queue), await drawn_of(studio, job, picture)
    offered = offered_styles(card, plain=drawn is not None)
    wanted = seen_together(offered, callback_data.style)
    if len(offered) > 1 and not wanted:
        await gone(callback)
        return
    if len(wanted) < 2:
        await callback.answer(_("The model at work knows too few styles to compare them."), show_alert=True)
        return
    if await _ordered_already(callback, studio, origin, person, callback_data, _("These are drawn already.")):
        return
    plain = await _without_style(studio, origin, person, card, drawn, given or await _first(studio, job))
    if plain is not None:
        made, parents = plain
        sheet = side_by_side(made, wanted, card)
        await order_or_ask(studio, origin, sheet, parents=parents, key=callback_data.pack())


async def _without_style(
    studio: Studio, origin: Origin, person: Person, card: ModelCard, drawn: Drawn | None, given: Given | None
) -> tuple[Composition, tuple[Parent, ...]] | None:
    """One picture of what was drawn, or of a photo, as it is composed without a style, and what it descends from."""
    if drawn is not None:
        made = in_style(studio.modes, drawn.first(studio.modes), PLAIN_STYLE, card, origin)
        if made is not None:
            return made, drawn.parents
    if given is None:
        return None
    asked = await asked_by(studio, origin, person, PromptLine("", style=PLAIN_STYLE, n=1))
    return restyle(asked, given), (given.parent,)


async def _first(studio: Studio, job: Job | None) -> Given | None:
    pictures = await studio.history.pictures_of_job(job.id) if job is not None else []
    return Given.of_picture(pictures[0]) if pictures else None


async def _ordered_already(
    callback: CallbackQuery,
    studio: Studio,
    origin: Origin,
    person: Person,
    pressed: StyleOfJob | StyleOfPicture,
    words: str,
) -> bool:
    """Whether the same button has ordered before: the presser is told that it waits, or pointed to it with these
    words."""
    key = pressed.pack()
    if await in_line_already(callback, studio, person, key):
        return True
    if await ordered_just_now(studio, person.id, key):
        return False
    job_id = await studio.history.job_ordered_with(person.id, key)
    post = await studio.history.find_post(job_id=job_id, chat_id=origin.chat_id) if job_id is not None else None
    if post is None or post.kind not in ("grid", "single"):
        return False
    return await studio.deliveries.gallery.point_to(post, words)


async def _put(studio: Studio, origin: Origin, markup: InlineKeyboardMarkup) -> None:
    await studio.bot.edit_message_reply_markup(chat_id=origin.chat_id, message_id=origin.reply_to, reply_markup=markup)


def keys(view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
    if view not in ("grid", "picture") or isinstance(request, Rewrite | Sheet) or len(painted_styles(card)) < 2:
        return []
    return [opening(This(job=target) if view == "grid" else This(picture=target))]


def build() -> Router:
    router = Router(name="style")
    for kind in (StyleOfJob, StyleOfPicture):
        router.callback_query.register(unfold, kind.filter(F.action.in_({"open", "turn"})))
        router.callback_query.register(fold, kind.filter(F.action == "close"))
        router.callback_query.register(draw, kind.filter(F.action == "draw"))
        router.callback_query.register(compare, kind.filter(F.action == "compare"))
        router.callback_query.register(show, kind.filter(F.action == "samples"))
    return router


STYLE: Mode[Studio] = Mode(
    name="style",
    requests=(Sheet,),
    names={"sheet": N_("Styles side by side")},
    title=lambda request, words: "🆎 " + _("Styles side by side"),
    of_house=bring,
    actions=(Action("style", "🎭", N_("Style"), RESTYLED_BY, {"photo": (0, 1)}, of_photo, orders=False),),
    keys=keys,
    buttons=(StyleOfJob, StyleOfPicture),
    routers=lambda: Routers(among=build()),
)
