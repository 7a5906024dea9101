"""The Bot API's methods, types and limits as data (see schema/README.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Scalar:
    name: str  # Integer, Float, String, Boolean, True, InputFile


@dataclass(frozen=True)
class Array:
    item: FieldType


@dataclass(frozen=True)
class Object:
    name: str


@dataclass(frozen=True)
class Union:
    members: tuple[FieldType, ...]


FieldType = Scalar | Array | Object | Union

SCALARS = frozenset({"Integer", "Float", "String", "Boolean", "True", "InputFile"})


@dataclass(frozen=True)
class Field:
    name: str
    type: FieldType
    required: bool
    const: str | None
    limits: dict[str, Any]


@cache
def parse_type(words: str) -> FieldType:
    """Read a type as the documentation writes it: `Array of Array of X`, `A or B`, `A, B and C`."""
    if words.startswith("Array of "):
        return Array(parse_type(words.removeprefix("Array of ")))
    names = words.replace(" or ", ",").replace(" and ", ",").split(",")
    if len(names) > 1:
        return Union(tuple(parse_type(name.strip()) for name in names))
    return Scalar(words) if words in SCALARS else Object(words)


@dataclass(frozen=True)
class Schema:
    version: str
    methods: dict[str, dict[str, Field]]
    types: dict[str, dict[str, Field]]
    unions: dict[str, tuple[str, ...]]
    updates: frozenset[str]  # the kinds of updates


def _fields(owner: str, fields: dict[str, Any], limits: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Field]:
    return {
        name: Field(
            name, parse_type(it["type"]), it.get("required", False), it.get("const"), limits.get((owner, name), {})
        )
        for name, it in fields.items()
    }


@cache
def bot_api() -> Schema:
    """The schema of the Bot API version the playground speaks."""
    data = json.loads(files("bot.playground").joinpath("schema/botapi-10.3.json").read_text("utf-8"))
    limits = {(it.pop("owner"), it.pop("field")): it for it in data["limits"]}
    return Schema(
        version=data["bot_api_version"],
        methods={name: _fields(name, it, limits) for name, it in data["methods"].items()},
        types={name: _fields(name, it["fields"], limits) for name, it in data["types"].items() if "fields" in it},
        unions={name: tuple(it["one_of"]) for name, it in data["types"].items() if "one_of" in it},
        updates=frozenset(data["updates"]),
    )


@cache
def allowed_reactions() -> frozenset[str]:
    """The emoji a bot may react with, without variation selectors."""
    return frozenset(files("bot.playground").joinpath("schema/reactions.txt").read_text("utf-8").split())
