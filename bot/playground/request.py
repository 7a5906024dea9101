"""Reads a Bot API call from any of the forms Telegram accepts: query, urlencoded, JSON, multipart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.playground.errors import ApiError, bad_request

MAX_UPLOAD = 50 * 2**20  # documents up to 50 MB
MAX_BODY = MAX_UPLOAD + 2**20


@dataclass(frozen=True)
class Upload:
    """One file part of a multipart request."""

    file_name: str
    content_type: str
    content: bytes = field(repr=False)

    def summary(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.content).hexdigest()
        return {"file_name": self.file_name, "size": len(self.content), "sha256": digest}


async def read_call(request: web.Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Return the raw fields and the uploads of a call; a body over 51 MB is a 413."""
    fields: dict[str, Any] = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return fields, {}
    try:
        if request.content_type == "application/json":
            return fields | _json_object(await request.read()), {}
        form_fields, uploads = await read_form(request)
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None
    return fields | form_fields, {name: parts[0] for name, parts in uploads.items()}


async def read_form(request: web.Request) -> tuple[dict[str, str], dict[str, list[Upload]]]:
    """Return the text fields and, by name, the files of a form. Repeated text fields: the last one counts."""
    fields: dict[str, str] = {}
    uploads: dict[str, list[Upload]] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            upload = Upload(value.filename, value.content_type, value.file.read())
            uploads.setdefault(name, []).append(upload)
        elif isinstance(value, bytes | bytearray):
            fields[name] = value.decode("utf-8", "replace")
        else:
            fields[name] = value
    return fields, uploads


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        raise bad_request("can't parse JSON body") from None
    if not isinstance(parsed, dict):
        raise bad_request("a JSON object is expected")
    return parsed
