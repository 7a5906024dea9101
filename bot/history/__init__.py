"""People, pictures and posts, in SQL."""

from bot.history.queries import History
from bot.history.records import Person, Post, PostKind, Preferences, StoredPicture

__all__ = ["History", "Person", "Post", "PostKind", "Preferences", "StoredPicture"]
