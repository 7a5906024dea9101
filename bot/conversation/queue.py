"""The waiting line: where am I, and never mind."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.jobs import cards, keyboards
from bot.jobs.belonging import post_of
from bot.jobs.context import plain_wish_of
from bot.jobs.dialogs import drop
from bot.jobs.kept import forget, open_card
from bot.jobs.origin import Origin
from bot.jobs.orphans import at_home
from bot.jobs.studio import Studio
from bot.store import Draft, Person
from bot.store.handling import decided
from bot.telegram.callbacks import CancelAllButton, JobButton
from bot.texts import troubles
from bot.texts.html import escape
from bot.texts.i18n import _, ngettext
from bot.troubles import cause_of_trouble
from inference.queue.jobs import Job


async def queue_(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """One's own jobs with place and time, in a group those asked for there; of others only how many there are."""
    jobs = await studio.ledger.active()
    own = [job for job in jobs if job.owner_id == person.id]
    mine = [job for job in own if origin.within in (None, job.chat_id)]
    outlooks = await studio.ledger.outlooks()
    rows, labels = [], []
    for job in mine:
        if job.stopping:
            rows.append(cards.stopping(f"<i>{escape(plain_wish_of(studio.modes, job))}</i>"))
            continue
        outlook = outlooks.get(job.id)
        labels.append((job.id, f"{outlook.place if outlook else '🎨'} · {plain_wish_of(studio.modes, job)}"))
        where = cards.place_in_line(outlook.place, outlook.eta_seconds) if outlook else "🎨 " + _("Being drawn now")
        rows.append(f"{where}\n<i>{escape(plain_wish_of(studio.modes, job))}</i>")
    elsewhere = sum(not job.stopping for job in own) - sum(not job.stopping for job in mine)
    others = sum(job.owner_id != person.id and not job.stopping for job in jobs)
    if not rows and not elsewhere:
        rows.append(_("You have nothing in line.") if others else _("The line is empty. What shall I draw?"))
    if elsewhere:
        rows.append(
            ngettext(
                "{n} request of yours from another chat is in line.",
                "{n} requests of yours from other chats are in line.",
                elsewhere,
            ).format(n=elsewhere)
        )
    if others:
        rows.append(
            ngettext(
                "{n} request from other people is in line.", "{n} requests from other people are in line.", others
            ).format(n=others)
        )
    buttons = keyboards.queue(person.id, labels)
    await studio.deliveries.say(origin, "\n\n".join(rows), buttons)


async def place(callback: CallbackQuery, job: Job, studio: Studio) -> None:
    """The place of one job, as a private line on the screen."""
    if not await at_home(callback, job, studio):
        return
    outlooks = await studio.ledger.outlooks()
    outlook = outlooks.get(job.id)
    if outlook is not None and studio.queue.trouble is not None:
        text = troubles.why_it_waits(cause_of_trouble(studio.queue.trouble))
    elif outlook is not None:
        text = cards.place_in_line(outlook.place, outlook.eta_seconds)
        text += "\n" + ngettext("{n} request in line in all", "{n} requests in line in all", len(outlooks)).format(
            n=len(outlooks)
        )
    elif job.settled:
        text = _("It has ended already.")
    elif job.stopping:
        text = "⏹ " + _("Stopping. What is ready stays.")
    else:
        text = "🎨 " + _("Being drawn now")
    await callback.answer(text, show_alert=True)


async def cancel(
    message: Message, person: Person, studio: Studio, origin: Origin, interrupted: Draft | None = None
) -> None:
    """All that this person has asked for, and what they were being asked; or just what the answered message shows."""
    if interrupted is not None and message.reply_to_message is None:
        await drop(studio, interrupted)
    asked = await studio.ledger.active(person.id)
    if message.reply_to_message is not None:
        post = await post_of(studio.history, message.reply_to_message)
        asked = [job for job in await studio.ledger.active() if post is not None and job.id == post.job_id]
        if asked and asked[0].owner_id != person.id:
            await studio.deliveries.say(origin, _("That request belongs to somebody else."))
            return
    wanted = await decided("cancelled", [job.id for job in asked if not job.stopping])
    for job_id in wanted:
        await studio.queue.cancel(job_id)
    ended = [await studio.ledger.job(job_id) for job_id in wanted]
    stopped = sum(job is not None and (job.stopping or job.state == "cancelled") for job in ended)
    card = await open_card(studio, person.id, message.chat.id) if message.reply_to_message is None else None
    if card is not None:
        await forget(studio, card, "✖️ " + _("Never mind, then."))
    if stopped:
        text = ngettext("Cancelled {n} request.", "Cancelled {n} requests.", stopped).format(n=stopped)
    elif interrupted is not None:
        text = "✖️ " + _("Never mind, then.")
    elif card is not None:
        text = _("The requests I had put aside are cancelled.")
    elif any(job.stopping for job in asked):
        text = "⏹ " + _("Stopping. What is ready stays.")
    else:
        text = _("There is nothing to cancel.")
    await studio.deliveries.say(origin, text)


async def cancel_one(callback: CallbackQuery, job: Job, studio: Studio) -> None:
    """The status message of the job says what became of it."""
    if not await at_home(callback, job, studio):
        return
    await callback.answer(_("Too late, it has ended already.") if job.settled else _("Cancelling…"))
    await studio.queue.cancel(job.id)


async def cancel_all(callback: CallbackQuery, person: Person, studio: Studio, origin: Origin) -> None:
    """All that this person has asked for, and what was put aside of it here."""
    await callback.answer(_("Cancelling…"))
    card = await open_card(studio, person.id, origin.chat_id)
    if card is not None:  # before there is room for it
        await forget(studio, card, "✖️ " + _("Never mind, then."))
    for job in await studio.ledger.active(person.id):
        if not job.stopping:
            await studio.queue.cancel(job.id)


def build() -> Router:
    router = Router(name="line")
    router.message.register(queue_, Command("queue"))
    router.message.register(cancel, Command("cancel"))
    router.callback_query.register(place, JobButton.filter(F.action == "queue"))
    router.callback_query.register(cancel_one, JobButton.filter(F.action == "cancel"))
    router.callback_query.register(cancel_all, CancelAllButton.filter())
    return router
