"""People, pictures and posts, in SQL."""

from bot.history.leftovers import Leftovers
from bot.history.queries import History
from bot.history.records import (
    Draft,
    DraftKind,
    Given,
    Parent,
    Person,
    Post,
    PostKind,
    Preferences,
    StoredPicture,
    Upload,
)
from bot.history.sources import Sources

__all__ = [
    "Draft",
    "DraftKind",
    "Given",
    "History",
    "Leftovers",
    "Parent",
    "Person",
    "Post",
    "PostKind",
    "Preferences",
    "Sources",
    "StoredPicture",
    "Upload",
]
