"""The OpenAPI document tells of what is there, and whatever it allows or forbids is answered as it says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import schemathesis

from inference.api.application import application
from inference.api.house import House
from inference.api.openapi import document, written
from tests.bot.door.conftest import ANNA, Door
from tests.bot.door.fuzzing import CHECKS, fuzzed

CHECKED_IN = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_document_that_is_checked_in_is_the_one_that_is_made() -> None:
    assert CHECKED_IN.read_text("utf-8") == written(), "python -m inference.api.openapi > docs/openapi.json"


def test_it_tells_of_every_route_and_of_no_other() -> None:
    app = application(cast("House", None))
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    told = {(method.upper(), path) for path, item in document()["paths"].items() for method in item}
    assert told == served


def test_nothing_but_health_is_without_a_key() -> None:
    free = {path for path, item in document()["paths"].items() for told in item.values() if told.get("security") == []}
    assert free == {"/health", "/v2/health/live", "/v2/health/ready"}


async def test_what_it_allows_and_forbids_is_answered_as_it_says(door: Door) -> None:
    answers = await asyncio.to_thread(fuzzed, door.url, door.keys[ANNA], 1)
    routes = {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}
    assert {route for route, _status in answers} == routes
    assert {route for route, status in answers if status == 200} >= {route for route in routes if "GET" in route}
    living: Any = await door.jobs()
    assert living == []


async def test_a_stream_is_what_it_says(door: Door) -> None:
    def ask() -> str:
        operation: Any = schemathesis.openapi.from_dict(document())["/v1/images/generations"]["POST"]
        case = operation.Case(body={"prompt": "a red circle", "stream": True}, media_type="application/json")
        response = case.call(base_url=door.url, headers={"Authorization": f"Bearer {door.keys[ANNA]}"}, timeout=60)
        case.validate_response(response, checks=CHECKS)
        return str(response.headers["content-type"])

    assert "text/event-stream" in await asyncio.to_thread(ask)
