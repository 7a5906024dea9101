"""Kinds of request: each states its own price, reads as it was stored, and a new one needs no more than its class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from inference.queue.transport import Assignment
from inference.queue.wire import Submit, decode_down, encode
from inference.requests import (
    REQUESTS,
    Finished,
    FlashTextToImage,
    InvalidRequest,
    Picture,
    Recipe,
    Request,
    Seeds,
    parse_request,
    register,
)

STORED: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "kinds.jsonl").read_text("utf-8").splitlines()
]


def text_of(stored: dict[str, Any]) -> str:
    """A request as a row of the ledger has it, to the letter."""
    return json.dumps(stored["request"], ensure_ascii=False, separators=(",", ":"))


class Melody(Request):
    """What a family might bring that has nothing to do with pictures of ours."""

    kind: Literal["melody", "chord"]
    seeds: Seeds
    notes: int = 3

    @property
    def passes(self) -> int:
        return self.notes

    @property
    def size(self) -> tuple[int, int]:
        return (16, 16)


@pytest.fixture
def registry() -> Iterator[dict[str, type[Request]]]:
    """The registry, which forgets afterwards what a test has added."""
    before = dict(REQUESTS)
    yield REQUESTS
    REQUESTS.clear()
    REQUESTS.update(before)


def test_every_kind_has_a_stored_example() -> None:
    assert {stored["request"]["kind"] for stored in STORED} == set(REQUESTS)


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["request"]["kind"])
def test_what_was_stored_is_read_and_would_be_stored_the_same(stored: dict[str, Any]) -> None:
    text = text_of(stored)
    request = parse_request(text)
    assert type(request) is REQUESTS[request.kind]
    assert request.model_dump_json() == text
    assert parse_request(stored["request"]) == parse_request(request.model_dump()) == request


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["request"]["kind"])
def test_what_a_request_states_of_itself_is_what_the_queue_has_counted_with(stored: dict[str, Any]) -> None:
    request = parse_request(stored["request"])
    assert (request.passes, request.windows, request.size) == (
        stored["passes"],
        stored["windows"],
        tuple(stored["size"]),
    )
    assert (request.cost, request.compatibility_key) == (pytest.approx(stored["cost"]), stored["compatibility_key"])
    assert (list(request.sources), list(request.needs)) == (stored["sources"], stored["needs"])


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["request"]["kind"])
def test_nothing_of_a_request_is_lost_on_the_wire_or_in_a_recipe(stored: dict[str, Any]) -> None:
    request = parse_request(stored["request"])
    line = encode(Submit(assignment=Assignment(job_id=7, request=request)))
    assert f'"request":{text_of(stored)}'.encode() in line
    assert decode_down(line) == Submit(assignment=Assignment(job_id=7, request=request))
    recipe = Recipe(request=request, tile=0, code_version="1")
    finished = Finished(pictures=(Picture(tile=0, blob="0" * 64, width=1, height=1, recipe=recipe),))
    assert f'"request":{text_of(stored)}' in finished.model_dump_json()
    assert Finished.model_validate_json(finished.model_dump_json()) == finished


def test_a_kind_that_two_types_claim_is_refused_by_its_name(registry: dict[str, type[Request]]) -> None:
    class Again(Melody):
        kind: Literal["flash"] = "flash"  # type: ignore[assignment]

    before = dict(registry)
    with pytest.raises(ValueError, match="flash is claimed by Again and FlashTextToImage"):
        register(Again)
    assert registry == before


def test_a_type_that_does_not_say_its_kinds_is_refused(registry: dict[str, type[Request]]) -> None:
    class Anything(Melody):
        kind: str  # type: ignore[assignment]

    with pytest.raises(TypeError, match="Anything must be a Literal"):
        register(Anything)


def test_a_new_type_is_read_by_what_was_built_before_it_came(registry: dict[str, type[Request]]) -> None:
    played = {"kind": "chord", "seeds": [1, 2]}
    with pytest.raises(ValidationError):
        Assignment.model_validate({"job_id": 1, "request": played})
    register(Melody)
    assignment = Assignment.model_validate({"job_id": 1, "request": played})
    assert assignment.request == parse_request(played) == Melody(kind="chord", seeds=(1, 2))
    assert decode_down(encode(Submit(assignment=assignment))) == Submit(assignment=assignment)


def test_a_new_type_has_a_price_from_its_passes_and_its_size() -> None:
    asked = Melody(kind="melody", seeds=(1, 2))
    assert asked.cost == pytest.approx(2 * 3 * 16 * 16 / 1e6)
    assert asked.compatibility_key == "melody:16x16"
    assert (asked.windows, asked.words, asked.sources, asked.needs) == (1, "", (), ("melody",))


def test_a_type_that_states_no_work_cannot_be_asked_for() -> None:
    class Idle(Request):
        kind: Literal["idle"] = "idle"
        seeds: Seeds

    with pytest.raises(TypeError, match="passes"):
        Idle(seeds=(1,))  # type: ignore[abstract]


@pytest.mark.parametrize("kind", ["magic", None, 1, ["flash"], {"flash": 1}])
def test_an_unknown_kind_is_named_with_those_there_are(kind: object) -> None:
    with pytest.raises(InvalidRequest, match=r"one of flash, full, .*, translate") as refusal:
        parse_request({"kind": kind, "prompt": "a fox", "seeds": [1]})
    assert refusal.value.field == "kind"


def test_what_is_wrong_in_a_request_on_the_wire_is_told_by_its_place() -> None:
    wrong = {"job_id": 1, "request": {"kind": "flash", "prompt": "a fox", "seeds": [-1]}}
    with pytest.raises(ValidationError) as refusal:
        Assignment.model_validate(wrong)
    assert refusal.value.errors()[0]["loc"] == ("request", "seeds", 0)


def test_a_request_of_a_type_nobody_knows_is_not_sent() -> None:
    with pytest.raises(ValidationError, match="one of flash"):
        Assignment(job_id=1, request=Melody(kind="melody", seeds=(1,)))
    assert Assignment(job_id=1, request=FlashTextToImage(prompt="", seeds=(1,))).request.kind == "flash"
