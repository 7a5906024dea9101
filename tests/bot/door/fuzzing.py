"""The door against whatever its OpenAPI document allows and forbids: requests made up by schemathesis.

In `make test` some of each route; `python -m tests.bot.door.fuzzing` (`make fuzz`) makes thousands.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from bot.playground import serve
from inference.api.openapi import document
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.bot.door.conftest import ANNA, Door

CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)


def fuzzed(url: str, key: str, examples: int, *, seed: int = 1) -> Counter[tuple[str, int]]:
    """Sends so many requests of each kind to every route, good and bad ones; counts the answers by route and status.
    Raises what schemathesis raises of an answer that the document does not allow, or that is an error of ours."""
    schema = schemathesis.openapi.from_dict(document())
    answers: Counter[tuple[str, int]] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        bound = bool(operation.body) or bool(operation.path_parameters)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if bound else (GenerationMode.POSITIVE,):
            _asked(operation, mode, url, key, examples if bound else 1, seed, answers)
    return answers


def _asked(
    operation: Any,
    mode: GenerationMode,
    url: str,
    key: str,
    examples: int,
    seed: int,
    answers: Counter[tuple[str, int]],
) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        answers[operation.label, response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    ask()


async def _fuzz(examples: int) -> int:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        playground = await serve(port=0, strict=True)
        house = House(playground, Path(folder), patch, options={"api_port": 0})
        await house.open()
        await house.learns(ALL_MODES)
        async with aiohttp.ClientSession() as session:
            door = Door(house, session)
            answers = await asyncio.to_thread(fuzzed, door.url, await door.key_of(ANNA), examples)
        await house.close()
        await house.painter.close()
        await playground.close()
    for (route, status), count in sorted(answers.items()):
        print(f"{count:6} × {status}  {route}")
    print(f"{sum(answers.values())} requests, none of which the document does not allow an answer like its own")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
