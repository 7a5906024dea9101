"""Requests that found no room: kept in the order in which they came, and taken at one tap when there is some.

Whatever a burst brings has one card: a draft of its own, whose message is edited as more comes. What is taken goes in
under the update that has asked for it, so that nothing goes in twice.
"""

from __future__ import annotations

import time
from typing import Any, Self

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup
from pydantic import BaseModel, ConfigDict

from bot.jobs import keyboards
from bot.jobs.dialogs import drop, take_back
from bot.jobs.origin import Origin
from bot.jobs.refusals import told
from bot.jobs.studio import Studio
from bot.store import Draft
from bot.telegram.callbacks import KeptButton
from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Screen, edit, send
from bot.texts.i18n import _, ngettext, speaking
from bot.texts.languages import Language
from inference.queue.jobs import Job, Refused

MOST_KEPT = 30  # requests of one person in a chat
CALM_SECONDS = 60.0  # without a refusal, and a burst is over: the next one has its card at the bottom of the chat
KEPT_SECONDS = 24 * 3600.0


class Ask(BaseModel):
    """A request as it was composed (`order` is what `bot.jobs.order.order` is told), and which message has asked."""

    model_config = ConfigDict(frozen=True)

    update_id: int
    reply_to: int | None
    thread: int | None
    private: bool
    language: Language
    order: dict[str, Any]

    @classmethod
    def of(cls, origin: Origin, order: dict[str, Any]) -> Self:
        return cls(
            update_id=origin.update_id,
            reply_to=origin.reply_to,
            thread=origin.thread,
            private=origin.private,
            language=origin.language,
            order=order,
        )

    def origin(self, draft: Draft) -> Origin:
        """As if it were asked for now; what has no room is told to whoever has pressed."""
        return Origin(
            update_id=self.update_id,
            owner_id=draft.owner_id,
            chat_id=draft.chat_id,
            language=self.language,
            private=self.private,
            reply_to=self.reply_to,
            thread=self.thread,
            pressed=True,
        )


class Kept(BaseModel):
    """What a card stands for: `more` is how many requests were too many to be kept, `why` what it says of the reason,
    empty once that is over, `latest` when the last one came (Unix time)."""

    model_config = ConfigDict(frozen=True)

    asks: tuple[Ask, ...] = ()
    more: int = 0
    why: str = ""
    latest: float = 0.0

    def joined_by(self, ask: Ask) -> Kept:
        """A message that asks once more, changed or handled again, asks for one thing."""
        others = tuple(one for one in self.asks if one.reply_to != ask.reply_to and one.update_id != ask.update_id)
        if len(others) >= MOST_KEPT:
            return self.model_copy(update={"more": self.more + 1})
        return self.model_copy(update={"asks": (*others, ask)})


def lock_of(owner_id: int, chat_id: int) -> str:
    """Held while a card is changed (`Studio.one_press`)."""
    return f"kept:{owner_id}:{chat_id}"


async def keep(studio: Studio, origin: Origin, order: dict[str, Any], refusal: Refused) -> None:
    """Keeps what found no room and says so, for all of a burst in one message."""
    sources = studio.history.sources
    async with studio.one_press(lock_of(origin.owner_id, origin.chat_id)):
        draft = await open_card(studio, origin.owner_id, origin.chat_id)
        before = Kept() if draft is None else Kept.model_validate(draft.body)
        fresh = {"why": told(studio.modes, refusal), "latest": time.time()}
        kept = before.joined_by(Ask.of(origin, order)).model_copy(update=fresh)
        body = kept.model_dump(mode="json")
        if draft is None:
            draft = await sources.add_draft(origin.owner_id, origin.chat_id, KeptButton.draft_kind, body)
        else:
            await sources.change_draft(draft.id, body=body)
        if draft.message_id is not None and kept.latest - before.latest < CALM_SECONDS:
            show(studio, draft, kept)
            return
        message = await send(studio.bot, origin.place, screen(draft.id, kept))
        left = await sources.place_draft(draft.id, message.message_id)
        if left is not None:
            await take_back(studio, draft, left)


async def room_again(studio: Studio, ended: Job) -> None:
    """When nothing of a person is in line any more and they have seen all of it, the card of what they have put aside
    asks at the bottom of the chat whether to go on."""
    if await open_card(studio, ended.owner_id, ended.chat_id) is None:
        return  # as nearly always: what everybody has not seen yet need not be read for that
    unseen = [job for job in await studio.ledger.unshown() if job.owner_id == ended.owner_id]
    if unseen or any(not job.stopping for job in await studio.ledger.active(ended.owner_id)):
        return
    sources = studio.history.sources
    async with studio.one_press(lock_of(ended.owner_id, ended.chat_id)):
        draft = await open_card(studio, ended.owner_id, ended.chat_id)
        before = Kept() if draft is None else Kept.model_validate(draft.body)
        if draft is None or not before.asks or not before.why:
            return
        await sources.note_in_draft(draft.id, why="")
        latest = before.asks[-1]
        with speaking(latest.language):
            looks = screen(draft.id, before.model_copy(update={"why": ""}))
        message = await send(studio.bot, latest.origin(draft).place, looks)
        left = await sources.place_draft(draft.id, message.message_id)
        if left is not None:
            await take_back(studio, draft, left)


async def drop_ask(studio: Studio, origin: Origin) -> None:
    """Keeps no longer what the message to be answered had asked for before the update in hand; the card says what is
    left, and goes where nothing is."""
    async with studio.one_press(lock_of(origin.owner_id, origin.chat_id)):
        draft = await open_card(studio, origin.owner_id, origin.chat_id)
        if draft is None:
            return
        kept = Kept.model_validate(draft.body)
        asks = tuple(one for one in kept.asks if one.reply_to != origin.reply_to or one.update_id == origin.update_id)
        left = kept.model_copy(update={"asks": asks})
        await studio.history.sources.note_in_draft(draft.id, asks=left.model_dump(mode="json")["asks"])
        if not asks:
            await drop(studio, draft)
        elif draft.message_id is not None:
            show(studio, draft, left)


async def open_card(studio: Studio, owner_id: int, chat_id: int) -> Draft | None:
    """The card that stands for what is kept of a person in a chat."""
    return await studio.history.sources.open_draft(owner_id, chat_id, KeptButton.draft_kind, KEPT_SECONDS)


async def forget(studio: Studio, draft: Draft, said: str) -> None:
    """Nothing of it is kept any more; the card says why."""
    await studio.history.sources.change_draft(draft.id, closed=True)
    if draft.message_id is None:
        return
    try:
        await studio.bot(edit(draft.chat_id, draft.message_id, Screen(said)))
    except TelegramBadRequest as gone:
        if classify(gone) is not Refusal.MESSAGE_GONE:
            raise


def show(studio: Studio, draft: Draft, kept: Kept) -> None:
    """Has the card say what is kept now, when nothing of more weight is to be said."""
    message_id = draft.message_id
    assert message_id is not None
    looks = edit(draft.chat_id, message_id, screen(draft.id, kept))
    studio.deliveries.show(draft.chat_id, message_id, looks)


def screen(draft_id: int, kept: Kept) -> Screen:
    count = len(kept.asks)
    if kept.why:
        aside = ngettext(
            "Put aside: {n} request. Tap Take when there is room.",
            "Put aside: {n} requests. Tap Take when there is room.",
            count,
        )
        lines = ["✋ " + kept.why, aside.format(n=count)]
    else:
        aside = ngettext(
            "There is room again. Shall I take the {n} request that I had put aside?",
            "There is room again. Shall I take the {n} requests that I had put aside?",
            count,
        )
        lines = ["👌 " + aside.format(n=count)]
    if kept.more:
        more = ngettext(
            "{n} more I could not even keep. Please send it again later.",
            "{n} more I could not even keep. Please send them again later.",
            kept.more,
        )
        lines.append(more.format(n=kept.more))
    return Screen("\n".join(lines), keys(draft_id, count))


def keys(draft_id: int, count: int) -> InlineKeyboardMarkup:
    return keyboards.markup(
        [
            keyboards.button(
                "▶️ " + _("Take ({n})").format(n=count), KeptButton(action="take", draft=draft_id), "success"
            ),
            keyboards.button("✖️ " + _("Never mind"), KeptButton(action="drop", draft=draft_id)),
        ]
    )
