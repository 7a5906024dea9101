"""What a message has asked for that is no job yet: it waits for room (`bot.jobs.kept`), or for a yes to its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.jobs import dialogs
from bot.jobs.kept import Kept, drop_ask, open_card
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.store import Draft
from bot.store.handling import result_of


@dataclass(frozen=True)
class Held:
    """`body` is what `bot.jobs.order.stored` has made of it, `draft` where it stands."""

    draft: Draft
    body: Mapping[str, Any]


async def held_for(studio: Studio, origin: Origin) -> Held | None:
    """What the message that is to be answered has asked for before, and not by the update in hand."""
    card = await open_card(studio, origin.owner_id, origin.chat_id)
    for ask in Kept.model_validate(card.body).asks if card is not None else ():
        if card is not None and ask.reply_to == origin.reply_to and ask.update_id != origin.update_id:
            return Held(card, ask.order)
    here = result_of("draft order")
    for draft in await studio.history.sources.asking(origin.owner_id, origin.chat_id, "order"):
        if draft.body.get("under") == origin.reply_to and draft.id != here:
            return Held(draft, draft.body)
    return None


async def let_go(studio: Studio, origin: Origin, held: Held) -> None:
    """The message has asked for something else: that holds."""
    if held.draft.kind == "order":
        await dialogs.drop(studio, held.draft)
    else:
        await drop_ask(studio, origin)
