"""What people do, flow by flow: `FLOWS` has them by name, and each takes a stage that is not open yet."""

from __future__ import annotations

from tests.characterisation.flows import areas, commands, drawing, groups, old_chats, pictures, waiting, words
from tests.characterisation.flows.registry import FLOWS, transcript_of

__all__ = [
    "FLOWS",
    "areas",
    "commands",
    "drawing",
    "groups",
    "old_chats",
    "pictures",
    "transcript_of",
    "waiting",
    "words",
]
