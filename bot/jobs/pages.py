"""Pages of history as messages: what each shows just now and which words it was asked for with, kept in a draft."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import MaybeInaccessibleMessageUnion

from bot.store import Draft, Sources
from bot.telegram.callbacks import PageButton

KIND = "page"


@dataclass(frozen=True)
class Page:
    """`words` are those that pictures are looked for by, `picture` is the one that is opened in it."""

    words: str = ""
    offset: int = 0
    starred: bool = False
    picture: int | None = None


async def begin(sources: Sources, owner_id: int, chat_id: int, page: Page) -> Draft:
    """Writes down what a page is to show before it is sent."""
    return await sources.add_draft(owner_id, chat_id, KIND, _body(page))


async def shown(sources: Sources, chat_id: int, message_id: int) -> Page:
    """What a message shows as far as that was written down: pages of before it was show all pictures."""
    draft = await sources.draft_of_message(chat_id, message_id, KIND)
    return Page(**draft.body) if draft is not None else Page()


async def change(sources: Sources, owner_id: int, message: MaybeInaccessibleMessageUnion, page: Page) -> None:
    """Writes down what a message is about to show."""
    draft = await sources.draft_of_message(message.chat.id, message.message_id, KIND)
    if draft is None:
        draft = await begin(sources, owner_id, message.chat.id, page)
        await sources.place_draft(draft.id, message.message_id)
    await sources.note_in_draft(draft.id, **_body(page))


async def way_back(sources: Sources, picture: int, chat_id: int, message_id: int) -> PageButton | None:
    """What leads back to the page that a picture is opened in; None where the message is no page that shows it."""
    draft = await sources.draft_of_message(chat_id, message_id, KIND)
    page = Page(**draft.body) if draft is not None else Page()
    if draft is None or page.picture != picture:
        return None
    return PageButton(owner=draft.owner_id, offset=page.offset, starred=page.starred, picture=picture)


def _body(page: Page) -> dict[str, object]:
    return {"words": page.words, "offset": page.offset, "starred": page.starred, "picture": page.picture}
