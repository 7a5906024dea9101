"""Putting a mix together in one message: pictures come in, weights are set, and it is ordered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiogram.types import InlineKeyboardMarkup, Message

from bot.imaging import collage
from bot.jobs import dialogs
from bot.jobs.belonging import draft_shown
from bot.jobs.compose import missing
from bot.jobs.mode import offered
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.drawing import FROM_PICTURES, from_pictures
from bot.modes.mix import buttons
from bot.prompt.stored import Said
from bot.store import Draft, Given, Person
from bot.store.handling import decided
from bot.telegram.screen import Photo, Screen, put, put_under, send
from bot.texts.html import quote
from bot.texts.i18n import _, ngettext
from inference.requests import MAX_SOURCES, Kind

PARAMETERS = FROM_PICTURES
SERVED_BY: tuple[Kind, ...] = ("mix", "mix_flash")
STEP = 0.1


@dataclass(frozen=True)
class Mixture:
    """What is in a mix so far. `words` are those that go with it, parameters included; `album` is Telegram's id of the
    album that it began with, parts of which may come late."""

    pictures: tuple[Given, ...]
    weights: tuple[float, ...]
    words: Said
    collecting: bool = False
    album: str | None = None

    @classmethod
    def of(cls, draft: Draft) -> Mixture:
        body = draft.body
        pictures = tuple(Given.model_validate(picture) for picture in body["pictures"])
        words = Said.read(body["words"], PARAMETERS)
        return cls(pictures, tuple(body["weights"]), words, body["collecting"], body.get("album"))

    def body(self) -> dict[str, Any]:
        return {
            "pictures": [picture.model_dump(mode="json") for picture in self.pictures],
            "weights": list(self.weights),
            "words": self.words.model_dump(mode="json"),
            "collecting": self.collecting,
            "album": self.album,
        }

    def joined_by(self, given: Sequence[Given]) -> Mixture:
        return even(replace(self, pictures=(*self.pictures, *given)))

    def weighed(self, place: int, step: float) -> Mixture:
        """One picture's share moved by a step, the others' in proportion, so that they are one whole."""
        total = sum(self.weights) or 1.0
        share = min(1.0, max(0.0, self.weights[place] / total + step))
        others = total - self.weights[place]
        left = 1 - share
        rest = [left * weight / others if others else left / (len(self.weights) - 1) for weight in self.weights]
        moved = (*rest[:place], share, *rest[place + 1 :])
        return replace(self, weights=tuple(round(weight, 2) for weight in moved))

    def swapped(self) -> Mixture:
        """The weights move on by one picture; of two they change places."""
        return replace(self, weights=(self.weights[-1], *self.weights[:-1]))


def even(mixture: Mixture) -> Mixture:
    """Every picture counts the same, all together as much as one."""
    count = len(mixture.pictures)
    return replace(mixture, weights=tuple(round(1 / count, 2) for _picture in mixture.pictures))


async def open_(
    studio: Studio,
    origin: Origin,
    pictures: Sequence[Given],
    words: str,
    *,
    collecting: bool,
    left_out: int = 0,
    album: str | None = None,
) -> None:
    """Posts the message in which a mix is put together; `left_out` pictures more were sent. Raises order.REFUSALS."""
    said = Said.of(words, PARAMETERS)
    card = await known_card(studio.queue)
    if not offered(card, SERVED_BY):
        raise missing(card, SERVED_BY)
    asked = Mixture(tuple(pictures), (), said, collecting or not pictures, album)
    asked = even(asked) if pictures else asked
    draft = await studio.history.sources.add_draft(origin.owner_id, origin.chat_id, "mix", asked.body())
    await studio.history.dialogs.listen(draft)
    mixture = Mixture.of(draft)  # an earlier try may have known fewer parts of an album
    text = caption(mixture, origin.private, left_out=left_out)
    screen = Screen(text, keyboard(draft.id, mixture), await sheet(studio, mixture))
    async with studio.one_press(f"mix:{draft.id}"):  # a picture that comes meanwhile is shown after that
        message = await send(studio.bot, origin.place, screen)
        await studio.history.sources.place_draft(draft.id, message.message_id)
    known = {given.parent for given in mixture.pictures}
    more = [given for given in pictures if given.parent not in known]
    if more or studio.history.sources.was_changed(draft):
        await add(studio, origin, draft.id, more, left_out, shown_in=message.message_id)


async def collecting(studio: Studio, owner_id: int, chat_id: int, answered: Message | None = None) -> Draft | None:
    """The mix that a person is sending pictures for in a chat: the one whose message is `answered`, whatever they have
    done since, else the open dialog."""
    shown = None if answered is None else await draft_shown(studio.history.sources, answered, "mix")
    if shown is not None:
        draft = shown if shown.owner_id == owner_id and shown.closed_at is None else None
    else:
        draft = await studio.history.dialogs.listening(owner_id, chat_id)
    if draft is None or draft.kind != "mix":
        return None
    joined = studio.history.sources.was_changed(draft)  # by the picture in hand, which may have been the last
    return draft if joined or Mixture.of(draft).collecting else None


async def add(
    studio: Studio,
    origin: Origin,
    draft_id: int,
    given: Sequence[Given],
    left_out: int = 0,
    *,
    words: str = "",
    shown_in: int | None = None,
) -> None:
    """More pictures; with the fourth there is nothing left to wait for, and the message says what found no room. Words
    count where there are none. In private the message moves below the pictures, where it is not; in a group it
    stays where the next picture is to answer it. `shown_in` is one that has only just been sent."""
    async with studio.one_press(f"mix:{draft_id}"):
        draft = await studio.history.sources.draft(draft_id)
        if draft is None:
            return
        draft = draft if shown_in is None else replace(draft, message_id=shown_in)
        before = Mixture.of(draft)
        taken = given[: MAX_SOURCES - len(before.pictures)]
        said = before.words if before.words.text else Said.of(words, PARAMETERS)
        mixture = replace(before.joined_by(taken), words=said)
        mixture = replace(mixture, collecting=before.collecting and len(mixture.pictures) < MAX_SOURCES)
        left_out = await decided("left out", left_out + len(given) - len(taken))
        mixture = await _remembered(studio, draft, mixture)
        screen = Screen(caption(mixture, draft.chat_id > 0, left_out), keyboard(draft.id, mixture))
        screen = replace(screen, photo=await sheet(studio, mixture))
        below = (origin.reply_to or 0) < (draft.message_id or 0)
        if draft.message_id is not None and (below or not origin.private):
            await put(studio.bot, draft.chat_id, draft.message_id, screen)
            return
        left = draft.message_id
        if not studio.history.sources.was_moved(draft):  # what an earlier try has sent may say less than is so now
            message = await send(studio.bot, origin.place, screen)
            left = await studio.history.sources.place_draft(draft.id, message.message_id)
        if left is not None:
            await dialogs.take_back(studio, draft, left)


async def change(studio: Studio, draft: Draft, mixture: Mixture) -> None:
    """Remembers a mix as it is now and shows it in its message, the pictures being the same."""
    mixture = await _remembered(studio, draft, mixture)
    if draft.message_id is not None:
        screen = Screen(caption(mixture, draft.chat_id > 0), keyboard(draft.id, mixture))
        await put_under(studio.bot, draft.chat_id, draft.message_id, screen)


async def _remembered(studio: Studio, draft: Draft, mixture: Mixture) -> Mixture:
    """The mix as an earlier try of the update in hand has made it, else as it is now."""
    if studio.history.sources.was_changed(draft):
        mixture = Mixture.of(draft)
    await studio.history.sources.change_draft(draft.id, body=mixture.body())
    await studio.history.dialogs.listen(draft)
    return mixture


async def order(studio: Studio, origin: Origin, person: Person, draft: Draft) -> None:
    """Orders a mix as it stands and closes it. Raises one of REFUSALS, and it stays open."""
    mixture = Mixture.of(draft)
    asked = await asked_by(studio, origin, person, mixture.words.line)
    made = from_pictures(asked, list(zip(mixture.pictures, mixture.weights, strict=True)))
    parents = tuple(picture.parent for picture in mixture.pictures)
    await order_or_ask(studio, origin, made, parents=parents, key=f"mix:{draft.id}")
    await studio.history.sources.change_draft(draft.id, closed=True)
    if draft.message_id is not None:
        await dialogs.take_buttons(studio, draft, draft.message_id)


def caption(mixture: Mixture, private: bool, left_out: int = 0) -> str:
    """HTML under the sheet of pictures. In a group the bot sees only what answers it."""
    count = len(mixture.pictures)
    if mixture.collecting:
        head = ngettext("{n} picture so far", "{n} pictures so far", count).format(n=count)
        ask = _wanted(count, private)
        lines = [f"🧬 <b>{head}</b>", ask]
    else:
        head = _("How much of each?")
        lines = [f"🧬 <b>{head}</b>", _("➖ and ➕ change a share, Swap moves them along, Start mixes.")]
    if mixture.words.text:
        lines.append(quote(mixture.words.text))
    if left_out:
        lines.append("💬 " + _("I can mix four at most, so I took the first four."))
    return "\n".join(lines)


def _wanted(count: int, private: bool) -> str:
    """How many more pictures may come."""
    if not count:
        if private:
            return _("Send me 2 to 4 pictures one by one, then press Done.")
        return _("Send 2 to 4 pictures in reply to this message, then press Done.")
    if count == 1:
        if private:
            return _("Send me 1 to 3 more one by one, then press Done.")
        return _("Send 1 to 3 more in reply to this message, then press Done.")
    left = MAX_SOURCES - count
    text = ngettext("Press Done, or send {n} more.", "Press Done, or send up to {n} more.", left)
    return text.format(n=left)


def keyboard(draft_id: int, mixture: Mixture) -> InlineKeyboardMarkup:
    if mixture.collecting:
        return buttons.collecting(draft_id, len(mixture.pictures))
    return buttons.weighing(draft_id, mixture.weights)


async def sheet(studio: Studio, mixture: Mixture) -> Photo | None:
    """The pictures side by side with their numbers; None while there is none."""
    if not mixture.pictures:
        return None
    shown = await studio.decoder.thumbnails([picture.source.blob for picture in mixture.pictures])
    return Photo(await asyncio.to_thread(collage.contact_sheet, shown), "mix.jpg")
