"""Who is let in: keys made in the chat or of the owner's file, and nobody else."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from bot.door.keys import MOST_WRONG, WRONG_SECONDS, Keys, keys_in
from bot.settings import Settings, SettingsError
from bot.store import History
from bot.store.keys import MOST_KEYS, SHAPE, TooManyKeys, new_key
from inference.api import ApiError
from tests.bot.door.conftest import ANNA, BORIS, Door
from tests.e2e.chat import Message, Person, buttons
from tests.waiting import until

MODELS = "/v1/models"


async def status(door: Door, key: str | None, path: str = MODELS, method: str = "GET") -> tuple[int, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with door.asking(method, path, None, headers=headers) as response:
        return response.status, await response.json()


def shown_key(message: Message) -> str:
    found = SHAPE.search(message["text"] or "")
    return found[0] if found else ""


async def test_a_key_is_made_in_the_chat_shown_once_and_taken_back(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    vera = Person(door.session, door.house.playground.url, 1003, "en")
    await vera.say("/apikey")
    card = await vera.until(lambda message: "Keys for programs" in (message["text"] or ""))
    assert re.search(r"http://127\.0\.0\.1:\d+/v1", card["text"]), "where they are used is told"
    await vera.press(card, "New key")
    fresh = await vera.until(lambda message: bool(shown_key(message)))
    key = shown_key(fresh)
    assert (await status(door, key))[0] == 200
    stored = await door.tools.history.keys.of(1003)
    assert [one.name for one in stored] == [key[:11]] and key not in str(stored)
    await vera.press(fresh, "Hide it")
    await until(lambda: vera.is_gone(fresh))
    await vera.say("/apikey")
    card = await vera.until(lambda message: "last used" in (message["text"] or ""), after=fresh["id"])
    assert key not in card["text"] and buttons(card) == ["➕ New key", f"🗑 {key[:11]}…"]
    await vera.press(card, key[:11])
    asked = await vera.until(lambda message: "🗑 Take it back" in buttons(message))
    await vera.press(asked, "Take it back")
    await until(lambda: is_refused(door, key))
    card = await vera.until(lambda message: buttons(message) == ["➕ New key"], after=fresh["id"])
    assert key[:11] not in card["text"]
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiosqlite"))
    assert key[12:] not in said, "no key is in a log"


async def test_keys_are_offered_in_private_where_programs_are_let_in(door: Door) -> None:
    vera, group = (Person(door.session, door.house.playground.url, 1003, "en", chat=chat) for chat in (None, -77))
    await vera.say("/help")
    await vera.until(lambda message: "/apikey keys for programs" in (message["text"] or ""))
    await vera.say("/apikeys")
    await vera.until(lambda message: "Did you mean /apikey?" in (message["text"] or ""))
    await until(lambda: offers_keys(vera))
    await group.say("/help", title="Foxes")
    told = await group.until(lambda message: "/imagine" in (message["text"] or ""))
    assert "/apikey" not in told["text"]
    assert not await offers_keys(group, "&chat=-77")


async def offers_keys(person: Person, more: str = "") -> bool:
    """Whether this person's client lists the command."""
    listed = (await person.get(f"commands?user={person.id}{more}"))["commands"]
    return "apikey" in [command["command"] for command in listed]


async def is_refused(door: Door, key: str) -> bool:
    return (await status(door, key))[0] == 401


async def test_keys_are_shown_to_nobody_else_and_not_in_groups(door: Door) -> None:
    group = Person(door.session, door.house.playground.url, ANNA, "en", chat=-77)
    await group.say("/apikey", title="Foxes")
    await group.until(lambda message: "in private only" in (message["text"] or ""))
    assert (await status(door, None))[1]["error"]["code"] == "missing_api_key"
    for path, method in (("/nowhere", "GET"), ("/v1/images/edits", "POST"), ("/health", "POST"), (MODELS, "DELETE")):
        assert (await status(door, None, path, method))[0] == 401, (
            "nothing is told without a key, not even what is here"
        )
    for path in ("/health", "/v2/health/live", "/v2/health/ready"):
        assert (await status(door, None, path))[0] == 200
    assert (await status(door, door.keys[ANNA], "/nowhere"))[0] == 404
    assert (await status(door, door.keys[ANNA], MODELS, "DELETE"))[0] == 405


async def test_somebody_who_has_blocked_the_bot_draws_no_more(door: Door) -> None:
    await door.tools.history.set_blocked(BORIS, True)
    code, body = await status(door, door.keys[BORIS])
    assert (code, body["error"]["code"]) == (403, "blocked")
    assert (await status(door, door.keys[ANNA]))[0] == 200


@pytest.fixture
def history(database: Any) -> History:
    return History(database)


def settings(folder: Path, **fields: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **fields)


async def code_of(keys: Keys, key: str, address: str = "10.0.0.1") -> str:
    try:
        return str((await keys.caller(key, address)).id)
    except ApiError as refused:
        return refused.code


async def test_whoever_shows_wrong_keys_is_heard_no_more_for_a_while(history: History, tmp_path: Path) -> None:
    now, made, other = 0.0, new_key(), new_key()
    await history.keys.add(7, made.name, made.digest, None)
    await history.keys.add(7, other.name, other.digest, None)
    keys = Keys(history, settings(tmp_path), {}, clock=lambda: now)
    assert await code_of(keys, made.text) == "7"
    for _try in range(MOST_WRONG):
        assert await code_of(keys, f"{made.name}-{'x' * 43}") == "invalid_api_key"
    assert await code_of(keys, new_key().text) == "too_many_wrong_keys"
    assert await code_of(keys, other.text) == "too_many_wrong_keys", "it has never been right from anywhere"
    assert await code_of(keys, made.text) == "7", "one that has been right goes on"
    assert await code_of(keys, other.text, "10.0.0.2") == "7", "and so does another address"
    now = WRONG_SECONDS + 1
    assert await code_of(keys, "nonsense") == "invalid_api_key"


async def test_who_is_not_on_the_list_any_more_is_refused(history: History, tmp_path: Path) -> None:
    made = new_key()
    await history.keys.add(7, made.name, made.digest, None)
    assert await code_of(Keys(history, settings(tmp_path, allowed_users="7,8"), {}), made.text) == "7"
    assert await code_of(Keys(history, settings(tmp_path, allowed_users="8", admin_ids="7"), {}), made.text) == "7"
    assert await code_of(Keys(history, settings(tmp_path, allowed_users="8"), {}), made.text) == "not_allowed"


async def test_a_key_made_again_by_the_same_press_replaces_the_first(history: History) -> None:
    first, second = new_key(), new_key()
    for made in (first, second):
        await history.keys.add(7, made.name, made.digest, 99)
    assert [one.name for one in await history.keys.of(7)] == [second.name]
    for _more in range(MOST_KEYS - 1):
        made = new_key()
        await history.keys.add(7, made.name, made.digest, None)
    with pytest.raises(TooManyKeys):
        await history.keys.add(7, "ks-00000000", "0" * 64, None)
    assert await history.keys.revoke(8, (await history.keys.of(7))[0].id) is False, "nobody takes back another's"


async def test_keys_of_the_owners_file(history: History, tmp_path: Path) -> None:
    made, file = new_key(), tmp_path / "keys"
    file.write_text(f"# programs\n\n7 {made.text}  # the blog\n")
    file.chmod(0o600)
    keys = Keys(history, settings(tmp_path), keys_in(file))
    assert await code_of(keys, made.text) == "7"
    assert await code_of(keys, f"{made.name}-{'x' * 43}") == "invalid_api_key"
    for wrong in (f"7 {made.text}\n8 {made.text}", "7 secret", f"-7 {made.text}", made.text, f"x {made.text} y"):
        file.write_text(wrong)
        with pytest.raises(SettingsError) as refused:
            keys_in(file)
        assert refused.value.variable == "API_KEYS_FILE" and made.text not in str(refused.value)
    with pytest.raises(SettingsError):
        keys_in(tmp_path / "none")
