"""People, pictures and posts, in SQL."""

from bot.store.leftovers import Leftovers
from bot.store.queries import History
from bot.store.records import (
    HOUSE,
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
from bot.store.signatures import Signatures
from bot.store.sources import Sources

__all__ = [
    "HOUSE",
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
    "Signatures",
    "Sources",
    "StoredPicture",
    "Upload",
]
