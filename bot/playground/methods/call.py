"""One Bot API call on its way through a method, and the registry of methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.entities import FormattedText, formatted
from bot.playground.errors import bad_request
from bot.playground.files import KINDS, Media
from bot.playground.records import Bot, Chat, Message
from bot.playground.request import Upload
from bot.playground.validate import utf16_length
from bot.playground.world import World

MAX_TEXT = 4096
MAX_CAPTION = 1024

NOT_SIMULATED = {
    "business_connection_id": "business connection not found",
    "direct_messages_topic_id": "direct messages topic not found",
    "ephemeral_message_parameters": "ephemeral messages are not supported by the playground",
    "suggested_post_parameters": "suggested posts are not supported by the playground",
    "rich_message": "rich messages are not supported by the playground",
}


@dataclass(frozen=True)
class Call:
    """`params` are checked and typed (validate.check_call), `uploads` are all file parts by name."""

    world: World
    bot: Bot
    method: str
    params: dict[str, Any]
    uploads: dict[str, Upload]

    def get(self, name: str, default: Any = None) -> Any:
        return self.params.get(name, default)

    def chat(self, name: str = "chat_id") -> Chat:
        """The chat named by a parameter, if the bot is in it."""
        return self.world.chat_for_bot(self.bot, self.params[name])

    def message(self, name: str, refusal: str, chat: Chat | None = None) -> Message:
        message = self.world.find_message(chat or self.chat(), self.get(name))
        if message is None:
            raise bad_request(refusal)
        return message

    def view(self, message: Message) -> dict[str, Any]:
        """The Message as the Bot API returns it to this bot."""
        return self.world.message_body(message, self.bot.id)

    async def media(self, kind: str, value: Upload | str, told: dict[str, Any]) -> Media:
        """A file of the chat from an upload, `attach://name` or a file id; URLs lead nowhere from here.

        `told`: the parameters or InputMedia in which its sender may say more of it. What was sent before keeps what was
        told then.
        """
        for name in ("cover", "start_timestamp"):
            if name in told:
                raise bad_request(f"{name.replace('_', ' ')} of videos is not supported by the playground")
        value = self._attached(value)
        if kind not in KINDS:
            raise bad_request(f"{kind.replace('_', ' ')} is not supported by the playground")
        if isinstance(value, str):
            if value.startswith(("http://", "https://")):
                raise bad_request("failed to get HTTP URL content: the playground fetches nothing from the internet")
            return self.world.files.media_of(self.bot.id, value, kind)
        if kind == "photo":
            return await self.world.files.add_photo(value)
        # A preview is always a new file; others are passed over.
        more = {**told, "thumbnail": self._attached(told["thumbnail"])} if "thumbnail" in told else told
        return await self.world.files.add_file(kind, value, more)

    def _attached(self, value: Upload | str) -> Upload | str:
        if not isinstance(value, str) or not value.startswith("attach://"):
            return value
        name = value.removeprefix("attach://")
        if name not in self.uploads:
            raise bad_request(f'wrong file identifier/HTTP URL specified: there is no part "{name}"')
        return self.uploads[name]


def text_of(source: dict[str, Any], name: str = "text") -> FormattedText:
    """A message text from parameters or an InputTextMessageContent: 1-4096 characters after the markup is out."""
    text = formatted(source.get(name, ""), source.get("parse_mode"), source.get("entities"))
    if not text.text:
        raise bad_request("text must be non-empty" if source.get(name) else "message text is empty")
    if utf16_length(text.text) > MAX_TEXT:
        raise bad_request("message is too long")
    return text


def caption_of(source: dict[str, Any]) -> FormattedText:
    """A caption from parameters or an InputMedia: 0-1024 characters after the markup is out."""
    caption = formatted(source.get("caption", ""), source.get("parse_mode"), source.get("caption_entities"))
    if utf16_length(caption.text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return caption


Method = Callable[[Call], Awaitable[Any]]
METHODS: dict[str, Method] = {}


def method(*names: str) -> Callable[[Method], Method]:
    """Register the function that performs these Bot API methods."""

    def register(perform: Method) -> Method:
        METHODS.update(dict.fromkeys(names, perform))
        return perform

    return register


def refuse_not_simulated(params: dict[str, Any]) -> None:
    """Better a refusal than a message that silently lacks what was asked for."""
    for name, refusal in NOT_SIMULATED.items():
        if name in params:
            raise bad_request(refusal)
