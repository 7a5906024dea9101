"""Keys with which programs draw in a person's name: made, shown once, listed, taken back. In private only."""

from __future__ import annotations

import time

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message
from babel.dates import format_timedelta

from bot.jobs import keyboards
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone
from bot.jobs.studio import Studio
from bot.store import Person
from bot.store.handling import has_sent
from bot.store.keys import MOST_KEYS, ApiKey, TooManyKeys, new_key
from bot.telegram.callbacks import KeyButton
from bot.telegram.screen import Place, Screen, edit, send
from bot.texts.html import escape
from bot.texts.i18n import _


async def open_(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """The keys of whoever asks, where programs are let in at all."""
    if not origin.private:
        text = "🔑 " + _("A key is a secret, so I show keys in private only: write /apikey to me there.")
        await studio.deliveries.say(origin, text)
    elif studio.api_address is None:
        text = "🔌 " + _("Programs are not let in here. The owner of this studio can change that.")
        await studio.deliveries.say(origin, text)
    else:
        await send(studio.bot, origin.beside, await _list(studio, person))


async def press(
    callback: CallbackQuery, callback_data: KeyButton, person: Person, studio: Studio, origin: Origin
) -> None:
    match callback_data.action:
        case "new":
            await _make(callback, person, studio, origin)
            return
        case "hide":
            await callback.answer()
            if callback.message is not None:
                await studio.bot.delete_message(callback.message.chat.id, callback.message.message_id)
            return
        case "revoke":
            keys = await studio.history.keys.of(person.id)
            key = next((one for one in keys if one.id == callback_data.number), None)
            if key is None:
                await gone(callback)
            else:
                await callback.answer()
                await _show(callback, studio, _really(person, key))
            return
        case "really":
            await studio.history.keys.revoke(person.id, callback_data.number)
            await callback.answer(_("Taken back. Whoever has it draws no more."))
        case "menu":
            await callback.answer()
    await _show(callback, studio, await _list(studio, person))


async def _make(callback: CallbackQuery, person: Person, studio: Studio, origin: Origin) -> None:
    """Shows a new key, once. Where an earlier try has shown one, that one holds."""
    if not has_sent():
        key = new_key()
        try:
            await studio.history.keys.add(person.id, key.name, key.digest, origin.update_id)
        except TooManyKeys:
            text = _("You have {n} keys, and more you cannot have. Take one back first.").format(n=MOST_KEYS)
            await callback.answer(text, show_alert=True)
            return
        await callback.answer()
        text = "\n\n".join(
            [
                "🔑 <b>" + _("A new key") + "</b>",
                f"<code>{escape(key.text)}</code>",
                _(
                    "I show it this once and keep no copy. Whoever has it draws in your name: put it where only your "
                    "program reads it, then hide this message."
                ),
            ]
        )
        hide = keyboards.button("🙈 " + _("Hide it"), KeyButton(owner=person.id, action="hide"))
        await send(studio.bot, Place(origin.chat_id, thread=origin.thread), Screen(text, keyboards.markup([hide])))
    await _show(callback, studio, await _list(studio, person))


async def _list(studio: Studio, person: Person) -> Screen:
    keys = await studio.history.keys.of(person.id)
    parts = [
        "🔑 <b>" + _("Keys for programs") + "</b>",
        _(
            "A program with a key of yours draws as if you had asked: the same line and limits, and its pictures are "
            "in /history. OpenAI’s clients work with this address: {address}"
        ).format(address=f"<code>{escape(studio.api_address or '')}/v1</code>"),
    ]
    if keys:
        parts.append("\n".join(f"• <code>{key.name}…</code> · {_used(person, key)}" for key in keys))
    return Screen("\n\n".join(parts), _menu(person, keys))


def _menu(person: Person, keys: list[ApiKey]) -> InlineKeyboardMarkup:
    new = keyboards.button("➕ " + _("New key"), KeyButton(owner=person.id, action="new"))
    rows = [
        [keyboards.button(f"🗑 {key.name}…", KeyButton(owner=person.id, action="revoke", number=key.id))] for key in keys
    ]
    return keyboards.markup([new], *rows)


def _really(person: Person, key: ApiKey) -> Screen:
    text = "🗑 " + _("Take back {key}? Whatever draws with it stops at once.").format(key=f"<code>{key.name}…</code>")
    yes = keyboards.button("🗑 " + _("Take it back"), KeyButton(owner=person.id, action="really", number=key.id))
    no = keyboards.button("↩️ " + _("Keep it"), KeyButton(owner=person.id, action="menu"))
    return Screen(text, keyboards.markup([yes, no]))


def _used(person: Person, key: ApiKey) -> str:
    if key.used_at is None:
        return _("not used yet")
    ago = format_timedelta(key.used_at - time.time(), add_direction=True, locale=person.language)
    return _("last used {ago}").format(ago=ago)


async def _show(callback: CallbackQuery, studio: Studio, screen: Screen) -> None:
    message = callback.message
    if message is not None:
        await studio.bot(edit(message.chat.id, message.message_id, screen))


def build() -> Router:
    router = Router(name="programs")
    router.message.register(open_, Command("apikey"))
    router.callback_query.register(press, KeyButton.filter(F.action))
    return router
