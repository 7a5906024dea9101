"""Words and pictures in one engine: each has its turns, and neither changes the other."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.loop import Drawn, Engine
from inference.engine.policy import device_policy
from inference.families.language.files import NONE, LanguageModels, language_models
from inference.families.language.kit import LanguageKit
from inference.requests import Failed, FlashTextToImage, Progress, Request, Rewrite
from tests.inference.families.language.models import PHRASES, write_llama, write_marian
from tests.inference.tiny import TinyKit

PICTURE = FlashTextToImage(prompt="a red fox", width=64, height=64, seeds=(1, 2))


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> LanguageModels:
    folder = tmp_path_factory.mktemp("language")
    return language_models(str(write_llama(folder / "llama")), str(write_marian(folder / "marian")))


def rewrite(seed: int, prompt: str = "a fox", kind: Any = "beautify") -> Rewrite:
    return Rewrite(kind=kind, prompt=prompt, seeds=(seed,))


def run(engine: Engine) -> tuple[dict[int, Drawn | Failed], list[tuple[int, Progress]]]:
    ends: dict[int, Drawn | Failed] = {}
    steps: list[tuple[int, Progress]] = []
    while len(engine):
        for job_id, event in engine.turn():
            if isinstance(event, Progress):
                steps.append((job_id, event))
            else:
                ends[job_id] = event
    return ends, steps


def texts(end: Drawn | Failed) -> tuple[str, ...]:
    assert isinstance(end, Drawn), end
    return end.drawing.texts


def engine_of(tiny_folder: Path, language: LanguageModels) -> Engine:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    kit = TinyKit(tiny_folder)
    kits = (kit, LanguageKit(language, device_policy("cpu"), kit.nets))
    return Engine(kits, kit.nets, clock=clock)


def test_a_picture_need_not_wait_for_words_and_both_come_out_as_alone(
    tiny_folder: Path, language: LanguageModels
) -> None:
    requests: dict[int, Request] = {
        1: rewrite(0),
        2: PICTURE,
        3: rewrite(0, "лиса в лесу", "translate"),
        4: rewrite(4, "a bear"),
    }
    alone: dict[int, Drawn | Failed] = {}
    for job_id, request in requests.items():
        engine = engine_of(tiny_folder, language)
        engine.add(job_id, request)
        alone |= run(engine)[0]
    together = engine_of(tiny_folder, language)
    together.add(1, requests[1])
    assert [job_id for _ in range(2) for job_id, _ in together.turn()] == [1, 1]
    for job_id in (2, 3, 4):
        together.add(job_id, requests[job_id])
    ends, _ = run(together)
    assert list(ends).index(2) < list(ends).index(1)
    for job_id in (1, 3, 4):
        assert texts(ends[job_id]) == texts(alone[job_id])
    assert texts(ends[3]) == (PHRASES["лиса в лесу"],)
    pictures = [end.drawing.pictures for end in (ends[2], alone[2]) if isinstance(end, Drawn)]
    assert all(torch.equal(a, b) for a, b in zip(*pictures, strict=True))


def test_what_is_written_is_told_on_the_way(tiny_folder: Path, language: LanguageModels) -> None:
    engine = engine_of(tiny_folder, language)
    engine.add(1, rewrite(0))
    ends, steps = run(engine)
    written = [progress.text for _, progress in steps if progress.text]
    assert {progress.stage for _, progress in steps} == {"writing"}
    assert len(written) > 1
    assert all(len(before) < len(after) for before, after in itertools.pairwise(written))
    assert texts(ends[1])[0].startswith(written[0])


def test_a_cancelled_answer_leaves_the_others_as_they_are(tiny_folder: Path, language: LanguageModels) -> None:
    engine = engine_of(tiny_folder, language)
    engine.add(1, rewrite(0))
    alone = texts(run(engine)[0][1])
    engine = engine_of(tiny_folder, language)
    engine.add(1, rewrite(0))
    engine.add(2, rewrite(4, "a bear"))
    for _ in range(3):
        engine.turn()
    assert engine.cancel(2)
    ends, _ = run(engine)
    assert list(ends) == [1]
    assert texts(ends[1]) == alone


def test_without_its_model_a_rewrite_fails_by_that_name(tiny_folder: Path) -> None:
    engine = engine_of(tiny_folder, language_models(NONE, NONE))
    engine.add(1, rewrite(0))
    end = run(engine)[0][1]
    assert isinstance(end, Failed)
    assert end.code == "missing_weights"
