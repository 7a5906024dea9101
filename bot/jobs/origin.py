"""For whom something is asked, and where it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import CallbackQuery, Chat, Message, MessageReactionUpdated

from bot.store import Person, StoredPicture, Upload
from bot.telegram.screen import Place
from bot.texts.languages import Language
from inference.queue.jobs import Job


@dataclass(frozen=True)
class Origin:
    """For whom something is asked, a person or a chat that somebody speaks for; where, and which message to answer.

    `edits` is what the message had ordered before its words were changed; `pressed` says that it was asked for by a
    button, whose press is told at once what comes of it.
    """

    update_id: int
    owner_id: int
    chat_id: int
    language: Language
    private: bool
    reply_to: int | None
    thread: int | None
    edits: Job | None = None
    pressed: bool = False

    @property
    def place(self) -> Place:
        """Where it is answered."""
        return Place(self.chat_id, self.reply_to, self.thread)

    @property
    def beside(self) -> Place:
        """The same chat, but in answer to nothing, as what stands for itself is sent: it rings."""
        return Place(self.chat_id, None, self.thread, aloud=True)

    @property
    def within(self) -> int | None:
        """The chat whose pictures may be seen here: a group's own; None in private, where all of a person's may."""
        return None if self.private else self.chat_id

    def may_show(self, picture: StoredPicture | Upload) -> bool:
        """Whether a picture may be seen here: in private the person's own, in a group what was made there."""
        return picture.owner_id == self.owner_id if self.within is None else picture.chat_id == self.within

    @classmethod
    def of_message(cls, message: Message, update_id: int, person: Person) -> Origin:
        return cls._in(message.chat, update_id, person, message.message_id, _topic_of(message))

    @classmethod
    def of_reaction(cls, event: MessageReactionUpdated, update_id: int, person: Person) -> Origin:
        """A reaction answers the message it is to; Telegram does not tell of its topic, which an answer finds."""
        return cls._in(event.chat, update_id, person, event.message_id)

    @classmethod
    def of_press(cls, callback: CallbackQuery, update_id: int, person: Person) -> Origin:
        """A press of a button answers the message it is under. Raises LookupError where that is no longer known."""
        message = callback.message
        if message is None:
            raise LookupError("the message of this button is unknown")
        thread = _topic_of(message) if isinstance(message, Message) else None
        return cls._in(message.chat, update_id, person, message.message_id, thread, pressed=True)

    @classmethod
    def _in(
        cls,
        chat: Chat,
        update_id: int,
        person: Person,
        reply_to: int,
        thread: int | None = None,
        *,
        pressed: bool = False,
    ) -> Origin:
        return cls(
            update_id=update_id,
            owner_id=person.id,
            chat_id=chat.id,
            language=person.language,
            private=chat.type == "private",
            reply_to=reply_to,
            thread=thread,
            pressed=pressed,
        )


def _topic_of(message: Message) -> int | None:
    return message.message_thread_id if message.is_topic_message else None
