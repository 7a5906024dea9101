"""The Bot API methods the playground performs, one module per subject; importing this fills the registry."""

from bot.playground.methods import (
    answers,
    chats,
    copies,
    drafts,
    edits,
    polls,
    profile,
    removal,
    sending,
    stickers,
    topics,
    updates,
)
from bot.playground.methods.call import METHODS, Call

__all__ = [
    "METHODS",
    "Call",
    "answers",
    "chats",
    "copies",
    "drafts",
    "edits",
    "polls",
    "profile",
    "removal",
    "sending",
    "stickers",
    "topics",
    "updates",
]
