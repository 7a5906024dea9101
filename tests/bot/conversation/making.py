"""What comes of a press on a button under a picture."""

from __future__ import annotations

from inference.requests import Request
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message, Person, is_result


async def made(house: House, person: Person, picture: Message, button: str) -> tuple[Message, Request]:
    """What a button has made of a picture, and the request that it was made by."""
    newest = max(int(message["id"]) for message in await person.messages())
    await person.press(picture, button)
    result = await person.until(is_result, after=newest)
    return result, house.painter.submitted[-1].request
