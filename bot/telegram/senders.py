"""Who an update is from: a person, or a chat that somebody speaks for.

Anonymous administrators, channels and whatever a channel's posts bring into its group are all written by stand-ins that
every group on Telegram shares, so a stand-in says nothing of who asked. The chat that is spoken for does.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import CallbackQuery, Message, Update, User

# GroupAnonymousBot, Channel_Bot, and the account named Telegram that forwards channel posts into their groups.
STAND_INS = frozenset({1087968824, 136817688, 777000})
_MOST_ID = 2**63 - 1  # what a column of the database holds


@dataclass(frozen=True, slots=True)
class Sender:
    """`id` owns what is asked for: positive for a person, negative for a chat. A chat has no client, so no language."""

    id: int
    client_language: str | None = None


def sender_of(update: Update, user: User | None) -> Sender | None:
    """Who an update is from; `user` is whom Telegram names. None where nobody has asked for anything."""
    if abs(update.update_id) > _MOST_ID:
        return None
    added = update.my_chat_member
    if added is not None and user is not None and user.id in STAND_INS:  # by an administrator without a name
        return Sender(added.chat.id) if -_MOST_ID <= added.chat.id < 0 else None
    reaction = update.message_reaction
    if reaction is not None and reaction.actor_chat is not None:
        return Sender(reaction.actor_chat.id) if -_MOST_ID <= reaction.actor_chat.id < 0 else None
    message = message_of(update)
    return _person(user) if message is None else sender_of_message(message)


def message_of(update: Update) -> Message | None:
    """The message that an update brings, new or changed."""
    return update.message or update.edited_message


def sender_of_message(message: Message) -> Sender | None:
    """None for what comes into a group because it was posted in a channel, which is no request, and for ids that no
    column of the database holds, which are no Telegram's."""
    if message.is_automatic_forward or not _is_within_bounds(message):
        return None
    if message.sender_chat is not None:
        chat_id = message.sender_chat.id
        return Sender(chat_id) if -_MOST_ID <= chat_id < 0 else None
    return _person(message.from_user)


def mention(press: CallbackQuery, owner_id: int) -> str:
    """HTML that calls whoever has pressed, so that a question opens for them alone; nobody is named who speaks for a
    chat."""
    return f"{press.from_user.mention_html()}\n" if press.from_user.id == owner_id else ""


def _is_within_bounds(message: Message) -> bool:
    answered = message.reply_to_message
    ids = [message.chat.id, message.message_id, answered.message_id if answered is not None else 0]
    return all(abs(number) <= _MOST_ID for number in ids)


def _person(user: User | None) -> Sender | None:
    if user is None or user.id in STAND_INS or not 0 < user.id <= _MOST_ID:
        return None
    return Sender(user.id, user.language_code)
