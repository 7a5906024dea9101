"""Files of the chats: real bytes, sizes, and ids that belong to one bot each."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.pictures import Rendition, dimensions, photo_sizes, thumbnail
from bot.playground.request import MAX_UPLOAD, Upload
from bot.playground.store import Store

MAX_DOWNLOAD = 20 * 2**20  # getFile
FOLDERS = {"photo": "photos", "thumbnail": "thumbnails", "document": "documents", "animation": "animations"} | {
    "video": "videos",
    "audio": "music",
    "voice": "voice",
    "sticker": "stickers",
}
KINDS = tuple(it for it in FOLDERS if it != "thumbnail")


@dataclass(frozen=True)
class StoredFile:
    """One file as every bot and client may see it; `width` and `height` are in pixels."""

    unique_id: str
    kind: str
    digest: str
    size: int
    path: str
    name: str | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: str | None = None  # unique id of the preview
    sizes: tuple[str, ...] = ()  # unique ids of all sizes of this photo, smallest first
    duration: int | None = None  # seconds
    performer: str | None = None
    title: str | None = None
    emoji: str | None = None  # of a sticker
    set_name: str | None = None


# What a sender may say about a file, by its kind; the rest is not theirs to say.
TOLD = {
    "video": ("width", "height", "duration"),
    "animation": ("width", "height", "duration"),
    "audio": ("duration", "performer", "title"),
    "voice": ("duration",),
    "sticker": ("emoji",),
}
Media = dict[str, Any]  # {"type": "photo", "sizes": [unique ids]} or {"type": "document", "file": unique id}


class FileCabinet:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.files = {key: StoredFile(**body) for key, body in store.documents("file")}
        self.by_path = {it.path: it for it in self.files.values()}

    async def add_photo(self, upload: Upload) -> Media:
        """Scale and recompress a picture, as Telegram does; refuses what is no photo."""
        renditions = await asyncio.to_thread(photo_sizes, upload.content)
        sizes = tuple(_new_unique_id() for _ in renditions)
        for unique_id, it in zip(sizes, renditions, strict=True):
            self._add_jpeg(it, "photo", unique_id, sizes)
        return {"type": "photo", "sizes": list(sizes)}

    async def add_file(self, kind: str, upload: Upload, told: Mapping[str, Any] | None = None) -> Media:
        """Keep a document, animation, video, audio, voice or sticker byte by byte, with what its sender told of it.

        `told` may hold a `thumbnail`: an Upload.
        """
        told = told or {}
        if len(upload.content) > MAX_UPLOAD:
            raise ApiError(413, "Request Entity Too Large")
        if not upload.content:
            raise bad_request("file must be non-empty")
        sides = dimensions(upload.content) or (None, None)
        given = told.get("thumbnail")
        pictured = given if isinstance(given, Upload) else upload
        preview = await asyncio.to_thread(_preview, pictured.content)
        about = {name: told[name] for name in TOLD.get(kind, ()) if told.get(name)}
        stored = self._add(
            upload.content,
            kind,
            _new_unique_id(),
            name=upload.file_name,
            mime_type=_mime_type(upload),
            thumbnail=self._add_jpeg(preview, "thumbnail", _new_unique_id()).unique_id if preview else None,
            **({"width": sides[0], "height": sides[1]} | about),
        )
        return {"type": kind, "file": stored.unique_id}

    def _add_jpeg(self, it: Rendition, kind: str, unique_id: str, sizes: tuple[str, ...] = ()) -> StoredFile:
        return self._add(
            it.content, kind, unique_id, mime_type="image/jpeg", width=it.width, height=it.height, sizes=sizes
        )

    def _add(self, content: bytes, kind: str, unique_id: str, name: str | None = None, **about: Any) -> StoredFile:
        suffix = PurePosixPath(name).suffix if name else ".jpg"
        path = f"{FOLDERS[kind]}/file_{unique_id}{suffix if suffix.isascii() else ''}"
        digest = self.store.put_bytes(content)
        stored = StoredFile(unique_id, kind, digest, len(content), path, name, **about)
        self.files[unique_id] = self.by_path[path] = stored
        self.store.put("file", unique_id, asdict(stored))
        return stored

    def amend(self, stored: StoredFile, **about: Any) -> Media:
        """Say something else of a file that is there."""
        changed = replace(stored, **about)
        self.files[stored.unique_id] = self.by_path[stored.path] = changed
        self.store.put("file", stored.unique_id, asdict(changed))
        return {"type": stored.kind, "file": stored.unique_id}

    def content(self, stored: StoredFile) -> bytes:
        return self.store.get_bytes(stored.digest)

    def forget(self) -> None:
        self.files.clear()
        self.by_path.clear()
        self.store.forget("file")
        self.store.forget_bytes()

    def find(self, bot_id: int, file_id: str) -> StoredFile:
        """The file behind a file id; an id minted for another bot is refused like a made-up one."""
        stored = self.files.get(_unique_id(bot_id, file_id) or "")
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored

    def media_of(self, bot_id: int, file_id: str, kind: str) -> Media:
        """Send again by file id: Telegram keeps the type the file was first sent as."""
        stored = self.find(bot_id, file_id)
        if stored.kind != kind:
            raise bad_request(f"type of file mismatch: can't use file of type {stored.kind} as {kind}")
        return (
            {"type": kind, "sizes": list(stored.sizes)} if kind == "photo" else {"type": kind, "file": stored.unique_id}
        )

    def message_fields(self, bot_id: int, media: Media) -> dict[str, Any]:
        """The media fields of a Message as this bot sees them."""
        if media["type"] == "photo":
            return {"photo": [self.photo_size(bot_id, unique_id) for unique_id in media["sizes"]]}
        stored = self.files[media["file"]]
        fields: dict[str, Any] = self._file_fields(bot_id, stored)
        fields |= {"file_name": stored.name} if stored.name and stored.kind not in ("voice", "sticker") else {}
        fields |= {"mime_type": stored.mime_type} if stored.mime_type and stored.kind != "sticker" else {}
        if stored.thumbnail:
            fields["thumbnail"] = self.photo_size(bot_id, stored.thumbnail)
        if stored.kind in ("animation", "video", "sticker"):
            fields |= {"width": stored.width or 512, "height": stored.height or 512}
        if stored.kind in ("animation", "video", "audio", "voice"):
            fields["duration"] = stored.duration or 0
        told = {
            "performer": stored.performer,
            "title": stored.title,
            "emoji": stored.emoji,
            "set_name": stored.set_name,
        }
        fields |= {name: value for name, value in told.items() if value}
        if stored.kind == "sticker":
            fields |= {"type": "regular", "is_animated": False, "is_video": False}
        # An animation is also a document, for clients that know no animations.
        as_document = {key: value for key, value in fields.items() if key not in ("width", "height", "duration")}
        return {stored.kind: fields} | ({"document": as_document} if stored.kind == "animation" else {})

    def photo_size(self, bot_id: int, unique_id: str) -> dict[str, Any]:
        stored = self.files[unique_id]
        return self._file_fields(bot_id, stored) | {"width": stored.width, "height": stored.height}

    def _file_fields(self, bot_id: int, stored: StoredFile) -> dict[str, Any]:
        return {
            "file_id": file_id_for(bot_id, stored.unique_id),
            "file_unique_id": stored.unique_id,
            "file_size": stored.size,
        }


def _new_unique_id() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode().rstrip("=")


def _preview(content: bytes) -> Rendition | None:
    """A damaged picture is still a fine document: it just has no preview."""
    try:
        return thumbnail(content)
    except ApiError:
        return None


def _mime_type(upload: Upload) -> str:
    guessed, _ = mimetypes.guess_type(upload.file_name)
    return guessed or upload.content_type or "application/octet-stream"


def file_id_for(bot_id: int, unique_id: str) -> str:
    """A file id that names its bot and file and cannot be mistaken for another bot's."""
    body = f"{bot_id}:{unique_id}".encode()
    check = hashlib.sha256(body).digest()[:6]
    return base64.urlsafe_b64encode(check + body).decode().rstrip("=")


def _unique_id(bot_id: int, file_id: str) -> str | None:
    try:
        decoded = base64.urlsafe_b64decode(file_id + "=" * (-len(file_id) % 4))
        owner, _, unique_id = decoded[6:].decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        return None
    genuine = hashlib.sha256(decoded[6:]).digest()[:6] == decoded[:6]
    return unique_id if genuine and owner == str(bot_id) else None
