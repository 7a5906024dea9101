"""Requests of programs are counted by what cannot be made up: the template of a path, a class of status, a code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inference.api.application import Bounds
from inference.requests import Failed
from tests.bot.door.conftest import Door
from tests.ports import free_port
from tests.waiting import until

GENERATIONS = "/v1/images/generations"


@pytest.fixture
def options() -> dict[str, Any]:
    return {"metrics_port": free_port()}


async def counted(door: Door, name: str) -> dict[tuple[str, ...], float]:
    """Samples that are not zero, by the values of their labels in the order of the labels' names."""
    async with door.session.get(f"http://127.0.0.1:{door.house.settings.metrics_port}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    return {
        tuple(value for _label, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and sample.value
    }


async def test_answers_refusals_and_seconds_are_counted_by_route(door: Door) -> None:
    for prompt, status in (("a red circle", 200), (7, 400)):
        async with door.asking("POST", GENERATIONS, json={"prompt": prompt}) as response:
            assert response.status == status
    for model, status in (("kandinsky-3.1", 200), ("made-up", 404), ("another", 404)):
        async with door.asking("GET", f"/v1/models/{model}") as response:
            assert response.status == status
    async with door.asking("GET", "/wp-login.php", None) as response:
        assert response.status == 401
    assert await counted(door, "studio_api_requests_total") == {
        (GENERATIONS, "2xx"): 1.0,
        (GENERATIONS, "4xx"): 1.0,
        ("/v1/models/{model}", "2xx"): 1.0,
        ("/v1/models/{model}", "4xx"): 2.0,
        ("elsewhere", "4xx"): 1.0,
    }
    assert await counted(door, "studio_api_refusals_total") == {
        ("invalid_value",): 1.0, ("model_not_found",): 2.0, ("missing_api_key",): 1.0,
    }  # fmt: skip
    assert (await counted(door, "studio_api_seconds_count"))[GENERATIONS,] == 2.0


async def test_a_job_of_a_program_is_told_apart_and_so_is_a_client_that_goes_away(door: Door) -> None:
    door.hold("held")
    asking = asyncio.create_task(status_of(door, {"prompt": "held red"}))
    await door.holding("held")
    jobs = await counted(door, "studio_jobs")
    assert jobs == {("api", "running"): 1.0}, "by door and state"
    asking.cancel()
    await until(lambda: has_gone(door))
    door.release()


async def test_what_is_refused_within_a_stream_is_a_refusal_too(door: Door) -> None:
    door.house.painter.failure = Failed(code="not_finite", message="", retryable=False)
    assert await status_of(door, {"prompt": "a red circle", "stream": True}) == 200
    assert await counted(door, "studio_api_refusals_total") == {("not_finite",): 1.0}
    assert await counted(door, "studio_api_requests_total") == {(GENERATIONS, "2xx"): 1.0}


async def test_connections_that_are_too_many_are_counted(door: Door) -> None:
    open_ = [
        await asyncio.open_connection("127.0.0.1", door.house.studio.api_port) for _ in range(Bounds().connections)
    ]
    await until(lambda: one_more_is_counted(door))
    for _reader, writer in open_:
        writer.close()


async def one_more_is_counted(door: Door) -> bool:
    _reader, writer = await asyncio.open_connection("127.0.0.1", door.house.studio.api_port)
    writer.close()
    refusals = await counted(door, "studio_api_refusals_total")
    return refusals.keys() == {("too_many_connections",)}


async def has_gone(door: Door) -> bool:
    return (await counted(door, "studio_api_requests_total")).get((GENERATIONS, "gone")) == 1.0


async def status_of(door: Door, body: dict[str, Any]) -> int:
    async with door.asking("POST", GENERATIONS, json=body) as response:
        await response.read()
        return response.status
