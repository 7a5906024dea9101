"""The bot about itself: getMe, command lists, name and descriptions, menu button, files."""

from __future__ import annotations

import re
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.files import MAX_DOWNLOAD
from bot.playground.methods.call import Call, method
from bot.playground.records import Bot

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
TEXTS = {"Name": "name", "Description": "description", "ShortDescription": "short_description"}
DEFAULT_MENU_BUTTON = {"type": "default"}


@method("getMe")
async def get_me(call: Call) -> Any:
    return call.bot.as_user() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@method("logOut", "close")
async def leave_server(call: Call) -> Any:
    raise ApiError(400, f"Bad Request: {call.method} has no meaning here: the playground is the only server there is")


def scope_key(scope: dict[str, Any] | None, language: str) -> str:
    """Commands are kept by scope, its chat and person, and language."""
    it = scope or {"type": "default"}
    return f"{it['type']}/{it.get('chat_id', '')}/{it.get('user_id', '')}/{language}"


def _scope_and_language(call: Call) -> str:
    language = call.get("language_code", "")
    if not re.fullmatch(r"([a-z]{2,3})?", language):
        raise bad_request("invalid language code specified")
    scope = call.get("scope")
    if scope is not None and "chat_id" in scope:
        call.world.chat_for_bot(call.bot, scope["chat_id"])
    return scope_key(scope, language)


@method("setMyCommands")
async def set_my_commands(call: Call) -> Any:
    for it in call.params["commands"]:
        if not COMMAND.fullmatch(it["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
    call.bot.commands[_scope_and_language(call)] = call.params["commands"]
    return _saved(call)


@method("getMyCommands")
async def get_my_commands(call: Call) -> Any:
    return call.bot.commands.get(_scope_and_language(call), [])


@method("deleteMyCommands")
async def delete_my_commands(call: Call) -> Any:
    call.bot.commands.pop(_scope_and_language(call), None)
    return _saved(call)


def _saved(call: Call) -> bool:
    call.world.save_bot(call.bot)
    call.world.events.publish("commands", {"bot": call.bot.id})
    return True


@method(*(f"setMy{it}" for it in TEXTS))
async def set_my_text(call: Call) -> Any:
    name, language = TEXTS[call.method.removeprefix("setMy")], call.get("language_code", "")
    value = call.get(name, "")
    if value:
        call.bot.texts[f"{name}/{language}"] = value
    else:
        call.bot.texts.pop(f"{name}/{language}", None)
    if name == "name" and not language and value:
        call.bot.first_name = value
    return _saved(call)


@method(*(f"getMy{it}" for it in TEXTS))
async def get_my_text(call: Call) -> Any:
    name = TEXTS[call.method.removeprefix("getMy")]
    return {name: text_for(call.bot, name, call.get("language_code", ""))}


def text_for(bot: Bot, name: str, language: str) -> str:
    """Name or description in a language, else the one for all, as Telegram falls back."""
    fallback = bot.first_name if name == "name" else ""
    return bot.texts.get(f"{name}/{language}") or bot.texts.get(f"{name}/") or fallback


@method("setChatMenuButton")
async def set_chat_menu_button(call: Call) -> Any:
    chat_id = call.get("chat_id")
    if chat_id is not None:
        call.world.chat_for_bot(call.bot, chat_id)
    call.bot.menu_buttons[str(chat_id or "")] = call.get("menu_button", DEFAULT_MENU_BUTTON)
    return _saved(call)


@method("getChatMenuButton")
async def get_chat_menu_button(call: Call) -> Any:
    return menu_button(call.bot, call.get("chat_id"))


def menu_button(bot: Bot, chat_id: int | None) -> dict[str, Any]:
    own = bot.menu_buttons.get(str(chat_id or ""), DEFAULT_MENU_BUTTON)
    return bot.menu_buttons.get("", {"type": "commands"}) if own == DEFAULT_MENU_BUTTON else own


@method("getFile")
async def get_file(call: Call) -> Any:
    stored = call.world.files.find(call.bot.id, call.params["file_id"])
    if stored.size > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": call.params["file_id"],
        "file_unique_id": stored.unique_id,
        "file_size": stored.size,
        "file_path": stored.path,
    }
