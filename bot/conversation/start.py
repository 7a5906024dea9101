"""The welcome, the help in two layers, and what a group is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiogram import Bot, F, Router
from aiogram.filters import JOIN_TRANSITION, BaseFilter, ChatMemberUpdatedFilter, Command, CommandObject, CommandStart
from aiogram.types import (
    CallbackQuery,
    ChatMemberUpdated,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
)

from bot.conversation import guide
from bot.jobs import cards, keyboards
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.telegram.callbacks import GuideButton
from bot.telegram.screen import Place, Screen, edit, send
from bot.texts.i18n import _
from inference.queue.recent import Recent
from inference.requests import ModelCard

TO_HELP = "help"  # what `t.me/bot?start=` brings along
AT_ONCE = timedelta(seconds=60)
GROUPS_AT_HAND = 256


class IntoGroup(BaseFilter):
    """The bot has come into a group, however it got there."""

    _joined = ChatMemberUpdatedFilter(JOIN_TRANSITION)

    async def __call__(self, change: ChatMemberUpdated) -> bool:
        return change.chat.type in ("group", "supergroup") and bool(await self._joined(change))


class Greeting:
    """State: when the groups that the bot has come into lately were greeted (Telegram's time). A link that adds it has
    Telegram say /start right after that, which asks for nothing more."""

    def __init__(self) -> None:
        self._greeted: Recent[int, datetime] = Recent(GROUPS_AT_HAND)

    async def come_in(self, change: ChatMemberUpdated, studio: Studio) -> None:
        """The bot was added: it says hello, once, to whom it will serve there."""
        self._greeted[change.chat.id] = change.date
        screen = await _of_groups(studio.bot)
        hello = "👋 " + _("Hello! I draw pictures from words and from other pictures.")
        await send(studio.bot, Place(change.chat.id), Screen(f"{hello}\n{screen.text}", screen.keys))

    async def start(self, message: Message, studio: Studio, origin: Origin, command: CommandObject) -> None:
        greeted = self._greeted.pop(message.chat.id, None)
        if greeted is None or message.date - greeted > AT_ONCE:
            await start(message, studio, origin, command)


async def start(message: Message, studio: Studio, origin: Origin, command: CommandObject | None = None) -> None:
    if not origin.private or (command is not None and command.args == TO_HELP):
        await help_(message, studio, origin)
        return
    card = studio.queue.card
    await send(studio.bot, origin.beside, Screen(guide.welcome(card), keyboards.examples(cards.examples(card))))


async def help_(message: Message, studio: Studio, origin: Origin) -> None:
    """The first layer; in a group what holds there, and the way to the rest."""
    screen = _first_layer(studio) if origin.private else await _of_groups(studio.bot)
    await send(studio.bot, origin.beside, screen)


async def leaf(callback: CallbackQuery, callback_data: GuideButton, studio: Studio) -> None:
    """A chapter of the help, in the message that the help stands in; or its first layer again."""
    await callback.answer()
    card, name = studio.queue.card, callback_data.chapter
    screen = _first_layer(studio) if name == "all" else Screen(guide.chapter(name, card), chapters(card, name))
    if callback.message is not None:
        await studio.bot(edit(callback.message.chat.id, callback.message.message_id, screen))


def _first_layer(studio: Studio) -> Screen:
    card = studio.queue.card
    return Screen(guide.overview(card, programs=studio.api_address is not None), chapters(card))


def chapters(card: ModelCard | None, open_: str = "all") -> InlineKeyboardMarkup:
    """Under the help: its chapters, but for the open one."""
    named = {"photos": _("Photos"), "words": _("Parameters"), "finer": _("Parameters for pictures")}
    if card is not None and card.small_world:
        named["known"] = _("Known words")
    keys = [
        keyboards.button(text, GuideButton.model_validate({"chapter": name}))
        for name, text in named.items()
        if name != open_
    ]
    back = [] if open_ == "all" else [keyboards.button("↩️ " + _("Back"), GuideButton(chapter="all"))]
    return keyboards.markup(*keyboards.rows_of(keys, 2), back)


async def _of_groups(bot: Bot) -> Screen:
    name = (await bot.me()).username or ""
    door = InlineKeyboardButton(text=_("More, in private"), url=f"https://t.me/{name}?start={TO_HELP}")
    return Screen(guide.in_group(name), keyboards.markup([door]))


def build() -> Router:
    router, greeting = Router(name="start"), Greeting()
    router.message.register(greeting.start, CommandStart())
    router.message.register(help_, Command("help"))
    router.callback_query.register(leaf, GuideButton.filter(F.chapter))
    router.my_chat_member.register(greeting.come_in, IntoGroup())
    return router
