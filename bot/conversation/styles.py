"""The list of styles, with a button for each to make it one's own default."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.jobs import keyboards
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.prompt.styles import PLAIN_STYLE, style_name, styles
from bot.store import Person
from bot.telegram.callbacks import StyleButton
from bot.telegram.screen import Screen, edit, send
from bot.texts.i18n import _
from bot.texts.languages import Language


async def list_(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    await send(studio.bot, origin.beside, _screen(person, studio))


async def choose(callback: CallbackQuery, callback_data: StyleButton, person: Person, studio: Studio) -> None:
    """In a group everybody may press: it changes nobody's settings but the presser's, and the list stays as it is."""
    slug = callback_data.slug
    if slug not in styles():
        await callback.answer(_("This is no longer there."), show_alert=True)
        return
    await callback.answer(_("Your style from now on: {style}").format(style=style_name(slug)))
    person = await studio.history.set_preference(person.id, style=None if slug == PLAIN_STYLE else slug)
    message = callback.message
    if message is not None and message.chat.type == "private":
        await studio.bot(edit(message.chat.id, message.message_id, _screen(person, studio)))


def _screen(person: Person, studio: Studio) -> Screen:
    small = studio.queue.card is not None and studio.queue.card.small_world
    return Screen(text(person, small_model=small), choices(person.language, person.preferences.style))


def text(person: Person, *, small_model: bool) -> str:
    lines = [
        "🎭 "
        + _("<b>Styles</b>: tap one to make it your usual style, or add it after the words for just one picture:"),
        "<code>" + _("a fox in a snowy forest") + " --style khokhloma</code>",
        _("Your usual style: {style}").format(style=style_name(person.preferences.style)),
    ]
    if small_model:
        lines.append("🌱 " + _("The small model at work here paints no styles yet; they wait for the big one."))
    return "\n".join(lines)


def choices(language: Language, chosen: str | None) -> InlineKeyboardMarkup:
    buttons = [
        keyboards.chosen(
            keyboards.button(f"{style.emoji} {style.name(language)}", StyleButton(slug=slug)),
            slug == (chosen or PLAIN_STYLE),
        )
        for slug, style in styles().items()
    ]
    return keyboards.markup(*keyboards.rows_of(buttons, 2))


def build() -> Router:
    router = Router(name="styles")
    router.message.register(list_, Command("styles"))
    router.callback_query.register(choose, StyleButton.filter())
    return router
