"""A studio as it runs, asked for its figures: what the dashboard and the alerts look for is there, and told in the
documents. Its log, read by a program: whatever is about a job says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.store.keys import new_key
from tests.e2e.chat import Person, is_result
from tests.e2e.studio import Studio
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\b(?:studio|process)_\w+")
PROMPT = "a red circle"
NOWHERE = "nowhere-that-a-stranger-makes-up"


@pytest.fixture(scope="module")
def key() -> str:
    """With which Anna's program draws."""
    return new_key().text


@pytest.fixture(scope="module")
def settings(key: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"1001 {key}\n")
    file.chmod(0o600)
    ports = {"METRICS_PORT": str(free_port()), "API_PORT": str(free_port())}
    return {**ports, "API_KEYS_FILE": str(file), "LOG_FORMAT": "json"}


async def scraped(settings: dict[str, str]) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{settings['METRICS_PORT']}/metrics") as answer,
    ):
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
        return await answer.text()


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def in_dashboard() -> set[str]:
    board = json.loads((ROOT / "docker/grafana/studio.json").read_text("utf-8"))
    targets = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(targets) > 30
    return {name for expression in targets for name in NAME.findall(expression)}


def in_alerts() -> set[str]:
    rules: Any = yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text("utf-8"))
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(expressions) > 10
    return {name for expression in expressions for name in NAME.findall(expression)}


def documented() -> set[str]:
    names = set(re.findall(r"`(studio_\w+)`", (ROOT / "docs/metrics.md").read_text("utf-8")))
    assert names
    return names


async def asked_by_a_program(settings: dict[str, str], key: str) -> list[int]:
    """The statuses of a picture, of an address that is none, and of a request without a key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{settings['API_PORT']}") as session:
        answers = [
            await session.post("/v1/images/generations", json={"prompt": PROMPT}, headers=headers),
            await session.get(f"/{NOWHERE}", headers=headers),
            await session.get("/v1/models"),
        ]
        return [answer.status for answer in answers]


async def test_figures_and_log_of_a_picture(
    studio: Studio, settings: dict[str, str], key: str, person: Callable[..., Person]
) -> None:
    anna = person(1001, "en")
    assert is_result(await anna.draw(PROMPT))
    assert await asked_by_a_program(settings, key) == [200, 404, 401]

    async def counted() -> str | None:
        text = await scraped(settings)
        ends = samples(text)["studio_jobs_finished_total"]
        steps = samples(text).get("studio_worker_steps_total", [({}, 0.0)])
        done = ({"kind": "flash", "outcome": "done"}, 2.0) in ends
        return text if done and steps[0][1] >= 4 else None

    text = await until(counted)
    there = samples(text)
    asked_for = in_dashboard() | in_alerts()
    assert asked_for - there.keys() == set(), "the dashboard or an alert asks for what nobody exports"
    families = {family.name + "_total" * (family.type == "counter") for family in text_string_to_metric_families(text)}
    ours = {name for name in families if name.startswith("studio_")}
    assert ours == documented()
    assert {name.split("_")[0] for name in families} <= {"studio", "process"}
    labels = [label for found in there.values() for label, _value in found]
    assert {key for label in labels for key in label} == {
        *("type", "method", "outcome", "cause", "part", "le", "kind", "state", "version", "worker", "net"),
        *("route", "status", "code", "door"),
    }
    values = {value for label in labels for value in label.values()}
    assert not values & {"1001", PROMPT, f"/{NOWHERE}", key} and not any(str(anna.chat_id) == value for value in values)
    assert sorted((*label.values(), count) for label, count in there["studio_api_requests_total"]) == [
        *(("/v1/images/generations", "2xx", 1.0), ("/v1/models", "4xx", 1.0), ("elsewhere", "4xx", 1.0)),
    ]
    assert dict(there["studio_slots"][0][0]) == {} and there["studio_slots"][0][1] == 4
    assert there["studio_leads"] == [({}, 1.0)]
    assert [label["worker"] for label, _ in there["studio_worker_memory_bytes"]] == ["local/auto"]
    assert {"flash", "movq"} <= {label["net"] for label, _ in there["studio_worker_net_loaded"]}
    nothing_happened = [value for label, value in there["studio_jobs_finished_total"] if label["outcome"] == "dead"]
    assert len(nothing_happened) > 10 and set(nothing_happened) == {0.0}, "an increase from nothing would not be seen"

    lines = [json.loads(line) for line in studio.log.read_text("utf-8").splitlines()]
    assert {"worker", "engine", "bot"} <= {line["process"] for line in lines}
    of_it = [line for line in lines if line.get("jobs")]
    assert {line["process"] for line in of_it} == {"bot", "worker", "engine"}
    for line in lines:
        named = {int(number) for number in re.findall(r"\bjob (\d+)\b", line["message"])}
        assert named <= set(line.get("jobs", ())), line
