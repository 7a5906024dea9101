"""The quality benchmark: every part runs through the engine and reports; its measures tell right from wrong."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from benchmarks.nano_bench import agreement, edges, painted, psnr, scenes
from benchmarks.nano_quality import PARTS, measured, opened
from benchmarks.nano_repair import picked
from benchmarks.nano_report import Finding, Section, markdown
from inference.families.kandinsky.files.store import Files
from inference.nano import text
from inference.nano.captions import caption
from inference.nano.questions import Examiner
from inference.nano.ranking import CONFIG, WEIGHTS, text_tower
from inference.nano.world import sample_scene
from tests.inference.random_checkpoint import EMBEDDING, write_random_checkpoint


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Random nets for everything, a ranker among them; two pictures a row in two steps."""
    torch.set_num_threads(1)
    folder = write_random_checkpoint(tmp_path_factory.mktemp("random") / "weights")
    config = CLIPTextConfig(
        vocab_size=4096, hidden_size=16, intermediate_size=16, projection_dim=EMBEDDING, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=48, eos_token_id=1,
    )  # fmt: skip
    (folder / CONFIG).parent.mkdir()
    (folder / CONFIG).write_text(config.to_json_string())
    tower = CLIPTextModelWithProjection(config)
    state = {**text_tower(tower.state_dict()), "logit_scale": torch.tensor(2.0)}
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / WEIGHTS)
    return opened(folder, count=2, prompts=4, steps=2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("words", ["base ru", "flash en", "base: shape", "flash: pair colours", "CLIP prefers"]),
        ("people", ["flash: right in all that is said", "base: ru", "flash: a pair", "order"]),
        ("variation", ["subtle, its own words: colour", "strong, no words: shape", "Flash, no words: ground"]),
        ("mixture", ["something of both", "like each source", "nearer to the first", "weighs 0.8"]),
        ("inpainting", ["the colour asked for", "the shape asked for", "largest change outside"]),
        ("hed", ["edges: F1", "another hint", "words: colour"]),
        ("scribble", ["edges: F1", "another hint", "words: colour"]),
        ("x2", ["clean: above bicubic", "worn: better than bicubic"]),
        ("x4", ["clean: above bicubic", "worn: better than bicubic"]),
        ("flash_x2", ["clean: above bicubic", "worn: better than bicubic", "drawn over by Flash: above bicubic"]),
        ("ranking", ["mark of the first", "wholly right", "own sentence beats seven"]),
        ("refine", ["subtle (0.3): keeps the colour", "strong (0.6): keeps the shape"]),
        ("seconds", ["Flash, 4 steps", "base, 2 steps", "variation", "inpainting", "scribble", "x4 of 128 pixels"]),
    ],
)
def test_every_part_reports_all_its_rows(bench, name, expected):
    section = measured(PARTS[name], bench)
    report = markdown(section)
    assert section.findings
    for row in expected:
        assert row in report
    for finding in section.findings:
        assert np.isfinite(finding.figure)
        assert finding.samples > 0
        if finding.unit == "%":
            assert 0 <= finding.figure <= 100


def test_every_part_is_tried_above() -> None:
    tried = {case[0] for case in test_every_part_reports_all_its_rows.pytestmark[0].args[1]}
    assert tried == PARTS.keys()


def test_nothing_outside_the_hole_changes_even_with_nets_that_know_nothing(bench):
    (outside,) = [f for f in measured(PARTS["inpainting"], bench).findings if f.unit == "levels"]
    assert outside.figure == 0
    assert outside.verdict == "reached"


def test_a_part_whose_nets_are_missing_says_so(tmp_path: Path) -> None:
    folder = write_random_checkpoint(tmp_path / "weights", ("flash", "full"))
    section = measured(PARTS["mixture"], opened(folder, count=2, prompts=2, steps=2))
    assert "mix, the ranker" in section.remark
    assert not section.findings


def test_every_caption_that_the_text_encoder_read_is_known() -> None:
    examiner = Examiner(Files(Path(), {}, None, None, {"trained": {"text": {"steps": 2}}}))
    lines, _ = text.examples(10_000_000, 2 * text.BATCH, text.PAIRS)
    for line in lines:
        assert examiner.known(line, sample_scene(1), "en")


def test_captions_of_training_pictures_are_known_as_far_as_they_are_likely(bench):
    pictured = [sample_scene(seed, None) for seed in range(10_000_000, 10_000_200)]
    things = [scene for scene in pictured if scene.kind in ("single", "count")][:40]
    known = [bench.examiner.known(caption(it, "ru", random.Random(it.seed))[0], it, "ru") for it in things]
    assert all(map(bench.examiner.familiar, things))
    assert sum(known) >= 0.8 * len(known)


def test_what_is_asked_is_in_no_caption_of_training(bench):
    examiner = bench.examiner
    for question in examiner.questions("single", "en", 5):
        assert not examiner.known(question.prompt, question.scene, "en")
        assert question.scene.seed >= 900_000_000


def test_edges_agree_with_themselves_and_less_with_those_of_another_picture() -> None:
    one, other = (edges(painted(scene)) for scene in scenes(3, "single", 2, plain=True))
    assert agreement(one, one) == pytest.approx((1, 1, 1))
    moved = np.roll(one, 2, axis=1)
    assert agreement(moved, one)[2] > 0.98
    assert agreement(other, one)[2] < 0.6


def test_psnr_of_a_known_error() -> None:
    picture = np.full((8, 8, 3), 100, dtype=np.uint8)
    assert psnr(picture + 10, picture) == pytest.approx(20 * np.log10(25.5))


def test_own_sentences_are_picked_where_they_score_highest() -> None:
    assert picked(np.eye(9)) == [True] * 9
    assert picked(-np.eye(9)) == [False] * 9


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (Finding("a", 98.0, 5, target=98.0), "reached"),
        (Finding("a", 97.9, 5, target=98.0), "missed"),
        (Finding("a", 1.0, 5, "levels", target=0.0, at_most=True), "missed"),
        (Finding("a", 0.0, 5, "levels", target=0.0, at_most=True), "reached"),
        (Finding("a", 1.0, 5), "reported"),
    ],
)
def test_a_target_is_reached_or_missed_and_the_report_says_which(finding, verdict):
    assert finding.verdict == verdict
    assert markdown(Section("t", "r", (finding,))).endswith(f"| {verdict} |")
