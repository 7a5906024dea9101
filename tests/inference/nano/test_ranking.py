"""The ranker of a written checkpoint gives the scores of the CLIP that was trained."""

import dataclasses
import random
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open

from inference.checkpoints.folders import MissingWeights
from inference.nano import clip, text
from inference.nano.drawing import draw
from inference.nano.export import clip_configs, clip_files, export, untrained
from inference.nano.ranking import open_ranker
from inference.nano.tokenizer import load_tokenizer
from inference.nano.world import sample_scene

SENTENCES = ["красный круг на синем фоне", "a black cat in space", "two stars"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A CLIP with random weights as fp16 keeps them, and the folder that it was exported to."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("ranker")
    parts = untrained(folder / "tokenizer")
    pieces = len(load_tokenizer(folder / "tokenizer"))
    torch.manual_seed(4)
    matcher = clip.Matcher(pieces).half().float().eval()
    export(dataclasses.replace(parts, others=clip_files(matcher), configs=clip_configs(pieces)), folder / "weights")
    return matcher.clip, load_tokenizer(folder / "tokenizer"), folder / "weights"


@pytest.fixture(scope="module")
def pictures():
    return [torch.from_numpy(np.array(draw(sample_scene(seed)))) for seed in range(70, 74)]


def test_scores_are_the_cosines_of_the_trained_towers(written, pictures):
    model, tokenizer, folder = written
    ids, mask = text.tokenize(tokenizer, SENTENCES)  # padded together, as in training
    images = clip.to_pixels(torch.stack(pictures).permute(0, 3, 1, 2))
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, pixel_values=images).logits_per_text
    ranker = open_ranker(folder)
    assert ranker.sharpness == pytest.approx(model.logit_scale.exp().item(), rel=1e-5)
    for sentence, expected in zip(SENTENCES, logits / ranker.sharpness, strict=True):
        # pictures are made smaller in whole levels of brightness here, in fractions there
        assert torch.allclose(ranker.score(pictures, sentence), expected, atol=2e-3)


def test_sentences_are_told_apart_and_so_are_pictures(written, pictures):
    ranker = open_ranker(written[2])
    scores = torch.stack([ranker.score(pictures, sentence) for sentence in SENTENCES])
    assert scores.std(0).min() > 1e-3
    assert scores.std(1).min() > 1e-4
    assert scores.abs().max() <= 1


def test_a_very_long_sentence_is_read_as_far_as_the_tower_goes(written, pictures):
    ranker = open_ranker(written[2])
    long = " ".join(["a red circle and"] * 60)
    assert torch.isfinite(ranker.score(pictures, long)).all()
    assert torch.equal(ranker.read([long]), ranker.read([long + " a blue cat"]))


def test_the_vision_tower_is_stored_once(written):
    names = {}
    for folder in ("ranker", "image_encoder"):
        with safe_open(written[2] / folder / "model.safetensors", framework="pt") as file:
            names[folder] = set(file.keys())
    assert not names["ranker"] & names["image_encoder"]
    assert all(name.startswith(("text_", "logit_scale")) for name in names["ranker"])


def test_a_checkpoint_without_a_ranker_says_so(written, tmp_path):
    shutil.copytree(written[2], tmp_path / "weights", ignore=shutil.ignore_patterns("ranker"))
    with pytest.raises(MissingWeights, match="no ranker"):
        open_ranker(tmp_path / "weights")


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_a_wrong_caption_is_about_a_scene_that_differs_in_a_single_point(seed):
    scene, rng = sample_scene(seed), random.Random(seed)
    other = clip.altered(scene, rng)
    differing = [f.name for f in dataclasses.fields(scene) if getattr(scene, f.name) != getattr(other, f.name)]
    assert differing in (["things"], ["count"], ["background"], ["position"], ["size"], ["painter"])
    right, wrong = clip.told(scene, "en", rng)
    assert right
    assert wrong


def test_matching_is_best_where_every_picture_prefers_its_own_right_caption() -> None:
    right, wrong = ["a red circle", "a cat", "stars"], ["a blue circle", "a dog", "stars"]
    found = clip.matching_loss(torch.cat([20 * torch.eye(3), torch.zeros(3, 3)], dim=1), right, wrong)
    blind = clip.matching_loss(torch.zeros(3, 6), right, wrong)
    misled = clip.matching_loss(torch.cat([20 * torch.eye(3), 25 * torch.eye(3)], dim=1), right, wrong)
    assert found < 1e-3 < blind < misled
    assert clip.matching_loss(torch.zeros(2, 4), ["a", "b"], ["a", "b"]).isfinite()
