"""Reads a Bot API call from any of the forms Telegram accepts: query, urlencoded, JSON, multipart."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.multipart import BadContentDispositionHeader

from bot.playground.errors import ApiError, bad_request

MAX_UPLOAD = 50 * 2**20  # documents up to 50 MB
MAX_BODY = MAX_UPLOAD + 2**20
CHUNK = 2**18
warnings.simplefilter("ignore", BadContentDispositionHeader)  # read here, and more kindly than aiohttp does
PARAMETER = re.compile(
    r"""\s*(?P<key>[^\s=;]+)\s*(?:=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;]*)))?\s*(?:;|$)"""
)


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
    """Return the text fields and, by name, the files of a form. Repeated text fields: the last one counts.

    Raises HTTPRequestEntityTooLarge past MAX_BODY and ApiError for a form that cannot be read.
    """
    if not request.content_type.startswith("multipart/"):
        return {name: str(value) for name, value in (await request.post()).items()}, {}
    try:
        return await read_parts(await request.multipart(), MAX_BODY)
    except ValueError as malformed:
        raise bad_request("can't parse multipart/form-data body") from malformed


async def read_parts(form: MultipartReader, most: int) -> tuple[dict[str, str], dict[str, list[Upload]]]:
    """The parts of a form, at most `most` bytes of them: text fields and, by name, files."""
    fields: dict[str, str] = {}
    uploads: dict[str, list[Upload]] = {}
    left = most
    async for part in form:
        if not isinstance(part, BodyPartReader):
            raise bad_request("multipart within multipart is not supported")
        about = _disposition(part.headers)
        content = await _bytes(part, left)
        left -= len(content)
        if "filename" in about:
            content_type = part.headers.get("Content-Type", "application/octet-stream")
            uploads.setdefault(about["name"], []).append(Upload(about["filename"], content_type, content))
        else:
            fields[about["name"]] = content.decode("utf-8", "replace")
    return fields, uploads


async def _bytes(part: BodyPartReader, most: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        content += chunk
        if len(content) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=len(content))
    return part.decode(bytes(content))


def _disposition(headers: Mapping[str, str]) -> dict[str, str]:
    """`name` and, of a file, `filename` of a part, as clients really write them: in quotes or bare, in any alphabet."""
    kind, _, rest = headers.get("Content-Disposition", "").partition(";")
    found: dict[str, str] = {}
    for it in PARAMETER.finditer(rest):
        key, quoted, bare = it["key"].lower(), it["quoted"], it["bare"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else (bare or "").strip()
        if key == "filename*":
            key, value = "filename", unquote(value.rpartition("'")[2])
        found[key] = value
    if kind.strip().lower() != "form-data" or not found.get("name"):
        raise bad_request("field name in multipart/form-data not found")
    return found


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        raise bad_request("can't parse JSON body") from None
    if not isinstance(parsed, dict):
        raise bad_request("a JSON object is expected")
    return parsed
