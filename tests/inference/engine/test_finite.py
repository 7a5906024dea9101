"""Numbers that are none become no picture and no words: they are drawn once more in float32, or told to the owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.finite import all_finite
from inference.engine.loop import Drawn
from inference.engine.policy import device_policy
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.kit import CheckpointKit
from inference.families.kandinsky.nets import hed
from inference.families.language import model as language_model
from inference.families.language.files import LanguageModels
from inference.requests import Failed, Kind, Note
from tests.inference.engine.fakes import engine_of, finish
from tests.inference.engine.kinds import AllKinds, language, request

REDRAWN = Note(code="float32_retry")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> LanguageModels:
    return language(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module")
def half(random_folder: Path, models: LanguageModels) -> AllKinds:
    """Nets in bfloat16, as on a card."""
    formats = dict.fromkeys(("unet", "text", "movq", "superres"), "bfloat16")
    return AllKinds(random_folder, models, device_policy("cpu", formats))


@pytest.fixture(scope="module")
def whole(random_folder: Path, models: LanguageModels) -> AllKinds:
    return AllKinds(random_folder, models)


def overflown(answer: Any) -> Any:
    """The same answer with one number too large for its format."""
    match answer:
        case Tensor():
            broken = answer.clone()
            broken[(-1,) * broken.ndim] = torch.inf
            return broken
        case Context():
            return replace(answer, rows=overflown(answer.rows))
        case [first, *rest]:
            return type(answer)([overflown(first), *rest])
    return answer


def overflowing(method: Callable[..., Any], at: int = 1) -> Callable[..., Any]:
    """The same method, whose answer number `at` is not finite."""
    calls = 0

    def called(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = method(*given, **named)
        return overflown(answer) if calls == at else answer

    return called


def failure(kit: AllKinds, kind: Kind) -> Failed:
    engine = engine_of(kit)
    engine.add(1, request(kind))
    last = finish(engine)[1][-1]
    assert isinstance(last, Failed), last
    return last


@pytest.mark.parametrize(
    ("net", "kind", "owner", "name"),
    [
        ("text_encoder with flash", "flash", CheckpointKit, "contexts"),
        ("full", "full", CheckpointKit, "denoise"),
        ("superres_x2", "x2", CheckpointKit, "enlarge"),
        ("movq", "flash", CheckpointKit, "to_pixels"),
        ("movq", "inpaint", CheckpointKit, "to_latent"),
        ("image_encoder", "mix", CheckpointKit, "embed_images"),
        ("mix", "mix", CheckpointKit, "image_tokens"),
        ("hed_detector", "hed", hed, "edge_logits"),
    ],
)
def test_a_net_whose_numbers_are_none_is_named_with_its_format_and_makes_no_picture(
    whole: AllKinds, net: str, kind: Kind, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, overflowing(getattr(owner, name)))
    failed = failure(whole, kind)
    assert (failed.code, failed.message) == (
        "not_finite",
        f"NotFinite: {net} gave numbers that are not finite in float32",
    )


@pytest.mark.parametrize("kind", ["beautify", "translate"])
def test_nor_are_words_made_of_them(whole: AllKinds, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    author: Any = language_model._Author

    class Overflowing(author):
        def __init__(self, model: Any, *given: Any) -> None:
            super().__init__(model, *given)
            self._model = _Overflowing(model)

    monkeypatch.setattr(language_model, "_Author", Overflowing)
    failed = failure(whole, kind)
    assert failed.code == "not_finite"
    assert failed.message.startswith("NotFinite: language ") and failed.message.endswith("finite in float32")


class _Overflowing:
    """A language model whose scores are one too large."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, **given: Any) -> Any:
        answer = self._model(**given)
        answer.logits = overflown(answer.logits)
        return answer


@pytest.mark.parametrize(
    ("kind", "name", "at"), [("full", "denoise", 3), ("x2", "enlarge", 1), ("mix", "to_pixels", 1)]
)
def test_what_16_bits_do_not_hold_is_drawn_once_more_in_float32_and_that_is_told(
    half: AllKinds, whole: AllKinds, kind: Kind, name: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(kind)
    [exact], [before] = _drawn(whole, asked), _drawn(half, asked)
    monkeypatch.setattr(half, name, overflowing(getattr(half, name), at))
    [again] = _drawn(half, asked)
    assert REDRAWN in again.drawing.notes
    assert _apart(again, exact) * 20 < _apart(again, before)
    assert not _left_in_float32(half)
    [later] = _drawn(half, asked)  # nothing that was remembered in float32 is in what comes later
    assert torch.equal(later.drawing.pictures[0], before.drawing.pictures[0])
    assert later.drawing.notes == before.drawing.notes


def test_who_shared_the_pass_does_not_notice(half: AllKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = request("flash", 1), request("flash", 2)
    before = _drawn(half, one, other)
    monkeypatch.setattr(half, "denoise", overflowing(half.denoise))
    again = _drawn(half, one, other)
    assert [REDRAWN in drawn.drawing.notes for drawn in again] == [False, True]
    assert torch.equal(again[0].drawing.pictures[0], before[0].drawing.pictures[0])


def test_a_second_time_it_fails_and_both_are_named(half: AllKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    method = CheckpointKit.denoise

    def broken(*given: Any) -> Tensor:
        answer = overflown(method(*given))
        assert isinstance(answer, Tensor)
        return answer

    monkeypatch.setattr(CheckpointKit, "denoise", broken)
    failed = failure(half, "full")
    assert failed.code == "not_finite"
    assert failed.message == (
        "full gave numbers that are not finite in bfloat16; then, with every net in float32, "
        "NotFinite: full gave numbers that are not finite in float32"
    )
    assert not _left_in_float32(half)


def test_a_run_that_is_cancelled_in_float32_leaves_nothing_there(
    half: AllKinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half, "denoise", overflowing(half.denoise))
    engine = engine_of(half)
    engine.add(1, request("full"))
    while not _left_in_float32(half):
        engine.turn()
    assert engine.cancel(1)
    assert not _left_in_float32(half)


def test_whole_numbers_and_nothing_are_no_floats() -> None:
    assert all_finite((torch.tensor([1, 2]), None, "words")) == {}
    [sound] = all_finite([torch.ones(2), (torch.tensor([torch.nan]),)]).values()
    assert not sound


def _apart(one: Drawn, other: Drawn) -> float:
    """Levels, on average."""
    return float((one.drawing.pictures[0].float() - other.drawing.pictures[0].float()).abs().mean())


def _left_in_float32(kit: AllKinds) -> list[str]:
    return [name for name in kit.nets.resident if name.endswith("in float32")]


def _drawn(kit: AllKinds, *asked: Any) -> list[Drawn]:
    engine = engine_of(kit)
    for number, one in enumerate(asked):
        engine.add(number, one)
    ends = {job: events[-1] for job, events in finish(engine).items()}
    assert all(isinstance(end, Drawn) for end in ends.values()), ends
    return [end for _job, end in sorted(ends.items()) if isinstance(end, Drawn)]
