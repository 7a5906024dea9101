"""What a family tree says: in the language of whoever asks, and what was made alike once."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.conversation.tree import _ranges
from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message, Person, is_result


async def made(person: Person, said: str, **fields: object) -> Message:
    asked = await person.say(said, **fields)
    return await person.until(is_result, after=asked["message"]["id"])


async def test_a_tree_says_what_was_done_in_the_language_of_the_chat_and_what_is_alike_once(
    every_mode: House, named: Callable[..., Person]
) -> None:
    for user, language, tree, whole in ((1001, "ru", "Родословная", "×2"), (1002, "en", "Family tree", "×2")):
        person = named(user, language)
        words = "красный круг" if language == "ru" else "a red circle"
        first = await made(person, f"{words} --n 1")
        await made(person, "/vary", reply_to=first["id"])
        await made(person, "/upscale", reply_to=first["id"])
        await made(person, f"/control {words}", reply_to=first["id"])
        said = await person.say("/tree", reply_to=first["id"])
        shown = await person.until(
            lambda it: bool(it["photo"]) and "🌳" in (it["caption"] or ""), after=said["message"]["id"]
        )
        lines = shown["caption"].splitlines()
        assert tree in lines[0] and lines[1].startswith("2–5 ← 1 · ") and "6 ← 1 · " in lines[2]
        assert len(lines) == 4 and whole in lines[2]
        if language == "ru":
            assert not re.search("[A-Za-z]", shown["caption"])


def test_neighbours_are_joined() -> None:
    assert [_ranges(it) for it in ([3], [3, 4], [2, 3, 4, 7, 9, 10])] == ["3", "3–4", "2–4, 7, 9–10"]
