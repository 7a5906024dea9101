"""One's own defaults, in one message that is edited in place."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import BotCommandScopeChat, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot.conversation.commands import commands_for, served_now
from bot.jobs import keyboards
from bot.jobs.compose import DEFAULT_SIZE, PICTURES_IN_PRIVATE
from bot.jobs.origin import Origin
from bot.jobs.ownership import gone
from bot.jobs.studio import Studio
from bot.prompt.styles import PLAIN_STYLE, style_name, styles
from bot.store import Person
from bot.telegram.callbacks import SettingButton, SettingField
from bot.telegram.screen import Screen, edit, send
from bot.texts.i18n import _, speaking
from bot.texts.languages import LANGUAGES
from inference.requests import ModelCard

LANGUAGE_NAMES = {"ru": "🇷🇺 Русский", "en": "🇬🇧 English"}
COUNTS = (1, 2, 3, 4, 6, 8)
USUAL_SIZES = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9")
AS_CLIENT = "auto"
EVERYBODY, OWNER_ALONE = "all", "mine"


async def open_(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    await send(studio.bot, origin.beside, _settings(studio, person, private=origin.private))


async def press(
    callback: CallbackQuery, callback_data: SettingButton, person: Person, studio: Studio, origin: Origin
) -> None:
    field, value = callback_data.field, callback_data.value
    if field == "close":
        await callback.answer()
        if callback.message is not None:
            await studio.bot.delete_message(callback.message.chat.id, callback.message.message_id)
        return
    if field != "menu" and not value:
        await callback.answer()
        screen = _settings(studio, person, private=origin.private)
        await _show(callback, studio, replace(screen, keys=choices(studio, person, field)))
        return
    if field != "menu":
        chosen = read(field, value)
        if chosen is REFUSED:
            await gone(callback)
            return
        person = await studio.history.set_preference(person.id, **{field: chosen})
    with speaking(person.language):
        await callback.answer(None if field == "menu" else _("Remembered."))
        if field == "language":
            await _translate_menu(studio, callback, person)
        await _show(callback, studio, _settings(studio, person, private=origin.private))


REFUSED = object()


def read(field: SettingField, value: str) -> object:
    """The value behind a button, None for the house's choice, REFUSED for what no button of ours says."""
    match field:
        case "language":
            return None if value == AS_CLIENT else value if value in LANGUAGES else REFUSED
        case "mode":
            return value if value in ("flash", "full") else REFUSED
        case "size":
            return value.replace("x", ":") if value.replace("x", ":") in USUAL_SIZES else REFUSED
        case "count":
            return next((count for count in COUNTS if str(count) == value), REFUSED)
        case "style":
            return (None if value == PLAIN_STYLE else value) if value in styles() else REFUSED
        case "shared":
            return {EVERYBODY: True, OWNER_ALONE: False}.get(value, REFUSED)
    return REFUSED


def _settings(studio: Studio, person: Person, *, private: bool) -> Screen:
    """What a person has chosen, as far as it holds in this kind of chat."""
    return Screen(summary(studio, person, private=private), menu(person, private=private))


def summary(studio: Studio, person: Person, *, private: bool) -> str:
    chosen = person.preferences
    number = _("Pictures at a time: {value} (in groups one)").format(value=chosen.count or PICTURES_IN_PRIVATE)
    if chosen.shared is not False:
        groups = _("In groups, recipe, file and “Again”: for everybody")
    else:
        groups = _("In groups, recipe, file and “Again”: only for you")
    return "\n".join(
        [
            "⚙️ <b>" + _("Your settings") + "</b>",
            _("They apply unless your message says otherwise."),
            "",
            _("Language: {value}").format(value=LANGUAGE_NAMES[person.language]),
            _("Quality: {value}").format(value=studio.modes.kind_name(chosen.mode or "flash")),
            _("Format: {value}").format(value=chosen.size or DEFAULT_SIZE),
            *([number] if private else []),
            _("Style: {style}").format(style=style_name(chosen.style)),
            groups,
        ]
    )


def menu(person: Person, *, private: bool) -> InlineKeyboardMarkup:
    def item(text: str, field: SettingField) -> InlineKeyboardButton:
        return keyboards.button(text, SettingButton(owner=person.id, field=field))

    return keyboards.markup(
        [item("🌐 " + _("Language"), "language"), item("💎 " + _("Quality"), "mode")],
        [item("📐 " + _("Format"), "size"), *([item("🔢 " + _("Number"), "count")] if private else [])],
        [item("🎭 " + _("Style"), "style"), item("👥 " + _("In groups"), "shared")],
        [item("✅ " + _("Done"), "close")],
    )


def choices(studio: Studio, person: Person, field: SettingField) -> InlineKeyboardMarkup:
    """The values of one setting, the present one ticked, two or three in a row."""
    options, width = _options(studio, person, field)
    buttons = [
        keyboards.chosen(
            keyboards.button(text, SettingButton(owner=person.id, field=field, value=value.replace(":", "x"))), now
        )
        for text, value, now in options
    ]
    back = keyboards.button("↩️ " + _("Back"), SettingButton(owner=person.id, field="menu"))
    return keyboards.markup(*keyboards.rows_of(buttons, width), [back])


def _options(studio: Studio, person: Person, field: SettingField) -> tuple[list[tuple[str, str, bool]], int]:
    chosen, card = person.preferences, studio.queue.card
    match field:
        case "language":
            own = person.chosen_language
            named = [(LANGUAGE_NAMES[language], language, own == language) for language in LANGUAGES]
            return [*named, (_("As in Telegram"), AS_CLIENT, own is None)], 2
        case "mode":
            kinds = [kind for kind in ("flash", "full") if card is None or kind in card.kinds]
            return [(studio.modes.kind_name(kind), kind, kind == (chosen.mode or "flash")) for kind in kinds], 2
        case "size":
            offered = [ratio for ratio in USUAL_SIZES if card is None or _drawn_in(ratio, card)]
            return [(ratio, ratio, ratio == (chosen.size or DEFAULT_SIZE)) for ratio in offered], 3
        case "count":
            now = chosen.count or PICTURES_IN_PRIVATE
            return [(str(count), str(count), count == now) for count in COUNTS], 3
        case "shared":
            shared = chosen.shared is not False
            return [(_("Everybody"), EVERYBODY, shared), (_("Only me"), OWNER_ALONE, not shared)], 2
        case _:
            slug = chosen.style or PLAIN_STYLE
            return [(f"{style.emoji} {style_name(name)}", name, name == slug) for name, style in styles().items()], 2


def _drawn_in(ratio: str, card: ModelCard) -> bool:
    """Whether pictures from words can have this shape, in one of the two ways of drawing them."""
    return any(ratio in card.of(kind).sizes for kind in ("flash", "full"))


async def _show(callback: CallbackQuery, studio: Studio, screen: Screen) -> None:
    message = callback.message
    if message is not None:
        await studio.bot(edit(message.chat.id, message.message_id, screen))


async def _translate_menu(studio: Studio, callback: CallbackQuery, person: Person) -> None:
    """The list of commands follows the chosen language, where the chat is one person's own."""
    message = callback.message
    if message is None or message.chat.type != "private":
        return
    scope = BotCommandScopeChat(chat_id=message.chat.id)
    if person.chosen_language is None:
        await studio.bot.delete_my_commands(scope=scope)
    else:
        commands = commands_for(served_now(studio), person.chosen_language, private=True)
        await studio.bot.set_my_commands(commands, scope=scope)


def build() -> Router:
    router = Router(name="settings")
    router.message.register(open_, Command("settings"))
    router.callback_query.register(press, SettingButton.filter(F.field))
    return router
