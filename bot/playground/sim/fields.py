"""Reads the fields of a user plane request, JSON or form, and says which one is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.playground.errors import SimError
from bot.playground.request import Upload, read_form

TRUE_WORDS = ("true", "1", "yes")
FALSE_WORDS = ("false", "0", "no", "")


@dataclass(frozen=True)
class Fields:
    """Typed access; a missing or unreadable field raises SimError 400 that names it."""

    values: Mapping[str, Any]
    uploads: Mapping[str, list[Upload]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            value = default
        if value is None:
            raise SimError(400, f"{name} is missing")
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SimError(400, f"{name} must be a whole number, not {value!r}") from None

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.values.get(name) not in (None, "") else None

    def seconds(self, name: str, default: float) -> float:
        try:
            seconds = float(self.values.get(name, default))
        except (TypeError, ValueError):
            raise SimError(400, f"{name} must be a number of seconds") from None
        if not 0 <= seconds <= 600:
            raise SimError(400, f"{name} must lie between 0 and 600 seconds")
        return seconds

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value is None:
            raise SimError(400, f"{name} is missing")
        if not isinstance(value, str):
            raise SimError(400, f"{name} must be text, not {value!r}")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.values.get(name) is not None else None

    def flag(self, name: str, default: bool) -> bool:
        value = str(self.values.get(name, default)).lower()
        if value not in TRUE_WORDS + FALSE_WORDS:
            raise SimError(400, f"{name} must be true or false")
        return value in TRUE_WORDS

    def integers(self, name: str) -> list[int]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(it, int) for it in value):
            raise SimError(400, f"{name} must be a list of whole numbers")
        return value


async def read_fields(request: web.Request) -> Fields:
    """The body of a POST: a JSON object or a form with files."""
    if request.content_type != "application/json" and request.can_read_body:
        try:
            values, uploads = await read_form(request)
        except web.HTTPRequestEntityTooLarge:
            raise SimError(413, "more than 51 MB in one message") from None
        return Fields(values, uploads)
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise SimError(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise SimError(400, "the body must be a JSON object")
    return Fields(body)
