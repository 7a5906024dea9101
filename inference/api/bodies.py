"""Bodies of requests, bounded before anything is made of them: JSON in memory, files of a form on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from inference.api.errors import ApiError, wrong
from inference.api.house import House
from inference.api.wishes import File
from inference.requests import MAX_SOURCES

MOST_JSON = 1_000_000
MOST_BODY = 64_000_000
MOST_FIELD = 16_000
MOST_PARTS = 40
MOST_FILES = MAX_SOURCES + 1  # the pictures of a mix and a mask
CHUNK = 64 * 1024
NO_FORM = (ValueError, AssertionError, RuntimeError, LookupError, HttpProcessingError)  # what aiohttp says of such


@dataclass
class Form:
    """Fields by name, and files with the names that they came under, in their order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, File]] = field(default_factory=list)


@dataclass(frozen=True)
class Bodies:
    """`seconds` is how long a body may take to arrive."""

    house: House
    seconds: float = 120.0

    async def json(self, request: web.Request) -> dict[str, Any]:
        """The object that a body holds. Raises ApiError."""
        if request.content_type != "application/json":
            raise ApiError(415, "unsupported_media_type", "The body must be application/json.")
        _bound(request, MOST_JSON)
        content = await self._in_time(lambda: _read(request))
        try:
            fields = json.loads(content.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ApiError(400, "invalid_json", "The body is no JSON that can be read.") from None
        if not isinstance(fields, dict):
            raise ApiError(400, "invalid_json", "The body must be a JSON object.")
        return fields

    @asynccontextmanager
    async def form(self, request: web.Request) -> AsyncIterator[Form]:
        """The parts of a multipart body, whose files are there as long as the block lasts. Raises ApiError."""
        if request.content_type != "multipart/form-data" or "boundary=" not in request.headers[hdrs.CONTENT_TYPE]:
            raise ApiError(415, "unsupported_media_type", "The body must be multipart/form-data.")
        _bound(request, MOST_BODY)
        form = Form()
        try:
            await self._in_time(lambda: self._read_parts(request, form))
            yield form
        finally:
            await asyncio.to_thread(_forget, [file for _name, file in form.files])

    async def _read_parts(self, request: web.Request, form: Form) -> None:
        left = MOST_BODY
        count = 0
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            count += 1
            if count > MOST_PARTS or isinstance(part, MultipartReader):
                raise ApiError(400, "too_many_parts", "The form has more parts than a request can have.")
            name = (part.name or "")[:64]
            if part.headers.get(hdrs.CONTENT_ENCODING) or part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING):
                raise ApiError(415, "unsupported_media_type", "Parts of a form come as they are, not encoded.")
            if part.filename is None:
                if name in form.fields:
                    raise wrong(name, f"The parameter {name!r} came twice.")
                form.fields[name] = await _text(part, name)
                left -= len(form.fields[name])
            elif len(form.files) >= MOST_FILES:
                raise ApiError(400, "too_many_files", f"A form may bring {MOST_FILES} files.")
            else:
                left -= await self._stored(part, name, left, form)

    async def _stored(self, part: BodyPartReader, name: str, most: int, form: Form) -> int:
        """Puts a file of the form on disk; how many bytes it has."""
        path, digest, size = self.house.folder / f"{secrets.token_hex(16)}.part", hashlib.sha256(), 0
        form.files.append((name, File(path, "", 0)))  # so that it goes away also where the rest does not come
        with await asyncio.to_thread(path.open, "wb") as file:
            while chunk := await part.read_chunk(CHUNK):
                size += len(chunk)
                if size > most:
                    raise too_large(MOST_BODY)
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
        form.files[-1] = (name, File(path, digest.hexdigest(), size))
        return size

    async def _in_time(self, read: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self.seconds):
                return await read()
        except TimeoutError:
            raise ApiError(408, "body_timeout", f"The body did not arrive in {self.seconds:.0f} seconds.") from None
        except (web.RequestPayloadError, ConnectionError):
            raise ApiError(400, "broken_body", "The body broke off.") from None
        except NO_FORM:
            raise ApiError(400, "invalid_form", "The body is no form that can be read.") from None


def too_large(most: int) -> ApiError:
    return ApiError(413, "body_too_large", f"The body may have {most // 1_000_000} MB.")


def _bound(request: web.Request, most: int) -> None:
    """Raises ApiError where the body says that it is too large, or is packed, so that nobody can tell."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise ApiError(415, "unsupported_media_type", "The body must not be compressed.")
    if (request.content_length or 0) > most:
        raise too_large(most)


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MOST_JSON:
            raise too_large(MOST_JSON)
    return bytes(body)


async def _text(part: BodyPartReader, name: str) -> str:
    """A field of a form."""
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        content += chunk
        if len(content) > MOST_FIELD:
            raise wrong(name, f"The parameter {name!r} is too long.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise wrong(name, f"The parameter {name!r} is not UTF-8 text.") from None


def _forget(files: list[File]) -> None:
    for file in files:
        file.path.unlink(missing_ok=True)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
