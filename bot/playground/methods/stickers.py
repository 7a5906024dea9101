"""Sets of stickers, of still pictures: made, added to, shown and deleted."""

from __future__ import annotations

import re
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.files import Media, StoredFile
from bot.playground.methods.call import Call, method
from bot.playground.pictures import dimensions, picture_format
from bot.playground.records import StickerSet

SIDE = 512  # pixels: one side is as long, the other not longer
MOST = 120


@method("uploadStickerFile")
async def upload_sticker_file(call: Call) -> Any:
    _check_owner(call)
    media = await _sticker(call, call.params["sticker"], call.params["sticker_format"], [])
    stored = call.world.files.files[media["file"]]
    return {name: it for name, it in _view(call, stored).items() if name in ("file_id", "file_unique_id", "file_size")}


@method("createNewStickerSet")
async def create_new_sticker_set(call: Call) -> Any:
    _check_owner(call)
    name = call.params["name"]
    if call.get("sticker_type", "regular") != "regular":
        raise bad_request("masks and custom emoji are not supported by the playground")
    ending = f"_by_{call.bot.username}".lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) or "__" in name or not name.lower().endswith(ending):
        raise bad_request("invalid sticker set name is specified")
    if name.lower() in call.world.sticker_sets:
        raise bad_request("sticker set name is already occupied")
    made = StickerSet(name, call.params["title"], call.bot.id)
    files = [await _input_sticker(call, it) for it in call.params["stickers"]]
    _add(call, made, files)
    return True


@method("addStickerToSet")
async def add_sticker_to_set(call: Call) -> Any:
    _check_owner(call)
    found = _own(call)
    if len(found.stickers) >= MOST:
        raise bad_request("STICKERS_TOO_MUCH")
    _add(call, found, [await _input_sticker(call, call.params["sticker"])])
    return True


@method("deleteStickerFromSet")
async def delete_sticker_from_set(call: Call) -> Any:
    stored = call.world.files.find(call.bot.id, call.params["sticker"])
    found = call.world.sticker_sets.get((stored.set_name or "").lower())
    if found is None or found.bot != call.bot.id or stored.unique_id not in found.stickers:
        raise bad_request("STICKERSET_INVALID")
    found.stickers.remove(stored.unique_id)
    call.world.save_sticker_set(found)
    return True


@method("setStickerSetTitle")
async def set_sticker_set_title(call: Call) -> Any:
    found = _own(call)
    found.title = call.params["title"]
    call.world.save_sticker_set(found)
    return True


@method("deleteStickerSet")
async def delete_sticker_set(call: Call) -> Any:
    call.world.forget_sticker_set(_own(call))
    return True


@method("getStickerSet")
async def get_sticker_set(call: Call) -> Any:
    found = call.world.sticker_sets.get(call.params["name"].lower())
    if found is None:
        raise bad_request("STICKERSET_INVALID")
    stickers = [_view(call, call.world.files.files[it]) for it in found.stickers]
    return {"name": found.name, "title": found.title, "sticker_type": "regular", "stickers": stickers}


def _check_owner(call: Call) -> None:
    if call.params["user_id"] not in call.world.people:
        raise bad_request("user not found")


def _own(call: Call) -> StickerSet:
    found = call.world.sticker_sets.get(call.params["name"].lower())
    if found is None or found.bot != call.bot.id:
        raise bad_request("STICKERSET_INVALID")
    return found


async def _input_sticker(call: Call, source: dict[str, Any]) -> Media:
    return await _sticker(call, source["sticker"], source["format"], source["emoji_list"])


async def _sticker(call: Call, file: Any, form: str, emoji: list[str]) -> Media:
    """The file of a sticker, checked as Telegram checks still ones."""
    if form != "static":
        raise bad_request("stickers that move are not supported by the playground")
    media = await call.media("sticker", file, {"emoji": emoji[0]} if emoji else {})
    stored = call.world.files.files[media["file"]]
    content = call.world.files.content(stored)
    if picture_format(content) not in ("PNG", "WEBP"):
        raise bad_request("STICKER_PNG_NOPNG")
    sides = dimensions(content) or (0, 0)
    if max(sides) != SIDE:
        raise bad_request("STICKER_PNG_DIMENSIONS")
    return call.world.files.amend(stored, emoji=emoji[0]) if emoji else media


def _add(call: Call, to: StickerSet, files: list[Media]) -> None:
    for media in files:
        stored = call.world.files.files[media["file"]]
        call.world.files.amend(stored, set_name=to.name)
        if media["file"] not in to.stickers:
            to.stickers.append(media["file"])
    call.world.save_sticker_set(to)


def _view(call: Call, stored: StoredFile) -> dict[str, Any]:
    sticker: dict[str, Any] = call.world.files.message_fields(
        call.bot.id, {"type": "sticker", "file": stored.unique_id}
    )
    return sticker["sticker"]  # type: ignore[no-any-return]
