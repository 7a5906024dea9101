"""What the nets of the other modes learn from, and that each begins as harmless as its method says."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import T5EncoderModel

from inference.families.kandinsky.asks import Encode
from inference.families.kandinsky.conditioning import contexts_by_rule, encode, tokenize
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.nets.superres import enlarged, predict_clean
from inference.families.kandinsky.nets.unet import Extras, predict_noise
from inference.families.kandinsky.pipelines.adapted import read_by_rule
from inference.nano import edges, inpainting, movq, steering, superres, text, unet
from inference.nano.drawing import covered as covered_by
from inference.nano.drawing import draw
from inference.nano.export import WEIGHTS
from inference.nano.world import SIZE, Scene, Thing, placements, practice_scene, sample_scene
from inference.requests import Control, Mix


def rows(channels: int = 4) -> tuple[torch.Tensor, ...]:
    """x, t, context, mask and pooling length for two rows."""
    torch.manual_seed(3)
    x = torch.randn(2, channels, 16, 16)
    context = torch.randn(2, 3, unet.CONFIG["cross_attention_dim"])
    return x, torch.tensor([10, 800]), context, torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 3])


@pytest.mark.parametrize("seed", range(12))
def test_a_masked_object_lies_under_its_mask_and_is_all_that_the_caption_speaks_of(seed: int) -> None:
    made, scene = inpainting.example(seed), practice_scene(seed)
    covered, told = np.asarray(made.mask) == 255, made.scene
    assert made.picture.size == made.mask.size == (SIZE, SIZE)
    assert covered.any()
    assert not covered.all()
    if told != scene:  # a box: the caption is about one thing
        (thing,) = told.things
        assert thing in scene.things
        assert any(covered[int(y), int(x)] for x, y, _ in placements(scene))


@pytest.mark.parametrize("seed", range(12))
def test_around_a_picture_there_is_nothing_but_its_ground(seed: int) -> None:
    scene = Scene("single", seed, (Thing("cat", "black"),), background="yellow")
    made = inpainting.around(scene, random.Random(seed))
    covered = np.asarray(made.mask) == 255
    assert made.scene == scene and made.picture.size == made.mask.size == (SIZE, SIZE)
    assert 0.1 < covered.mean() < 0.8
    known_rows, known_columns = np.nonzero(~covered)
    whole = covered[known_rows.min() : known_rows.max() + 1, known_columns.min() : known_columns.max() + 1]
    assert not whole.any(), "what is known is one rectangle"
    assert not covered.reshape(16, 8, 16, 8).any((1, 3))[~covered[::8, ::8]].any(), "of whole cells"
    dark = np.asarray(made.picture.convert("L")) < 90
    assert dark.any()
    assert not (dark & covered).any()


def test_around_a_picture_the_net_sees_it_whole_or_where_it_is_cut_off() -> None:
    scene = Scene("single", 5, (Thing("cat", "black"),), background="yellow")
    masks = [np.asarray(inpainting.around(scene, random.Random(seed)).mask) == 255 for seed in range(60)]
    rings = [mask for mask in masks if all(mask[y, x] for x in (0, -1) for y in (0, -1))]
    assert len(rings) >= 20
    sides = {
        (bool(mask[0].all()), bool(mask[-1].all()), bool(mask[:, 0].all()), bool(mask[:, -1].all())) for mask in masks
    }
    assert {side.index(True) for side in sides if sum(side) == 1} == {0, 1, 2, 3}, "to every side"


def test_a_picture_in_a_larger_frame_has_its_things_where_they_were() -> None:
    for seed in range(40):
        scene = sample_scene(seed)
        if scene.kind == "abstract" or scene.style != "flat":
            continue
        whole, ground = (
            np.asarray(draw(scene, size=(192, 160), corner=(48, 16), empty=empty), dtype=int) for empty in (False, True)
        )
        apart = np.abs(whole - ground).max(-1) > 12
        rows, columns = np.nonzero(apart)
        assert rows.min() >= 16 and rows.max() < 144 and columns.min() >= 48 and columns.max() < 176
        assert abs(apart[16:144, 48:176].mean() - covered_by(scene).mean()) < 0.02


def test_a_widened_net_answers_as_before_whatever_the_new_channels_hold() -> None:
    torch.manual_seed(1)
    model = unet.Denoiser().eval()
    x, *text_side = rows()
    with torch.no_grad():
        before = predict_noise(model.unet, x, *text_side)
        wide = inpainting.widen(model).unet
        after = predict_noise(wide, torch.cat([x, torch.randn(2, 5, 16, 16)], dim=1), *text_side)
    assert torch.allclose(before, after, atol=1e-5)


def test_a_fresh_adapter_changes_nothing() -> None:
    torch.manual_seed(1)
    base = unet.Denoiser().eval()
    x, *text_side = rows()
    with torch.no_grad():
        before = predict_noise(base.unet, x, *text_side)
        net = steering.adapter(base).net
        tokens = torch.randn(2, steering.TOKENS, unet.CONFIG["cross_attention_dim"])
        after = predict_noise(net, x, *text_side, Extras(image_tokens=tokens))
    assert torch.allclose(before, after, atol=1e-4)  # another attention kernel rounds differently
    assert all(("_ip" in name or "image_" in name) == p.requires_grad for name, p in net.named_parameters())


class Reader:
    """The tokenizer that a pipeline reads texts with."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def tokenize(self, words):
        return tokenize(self.tokenizer, words)


@pytest.mark.parametrize("part", ["adapter", "scribble", "outlines"])
def test_training_sees_the_very_contexts_that_guidance_compares(part):
    torch.manual_seed(2)
    tokenizer = Checkpoint.open(WEIGHTS).load_tokenizer()
    encoder = T5EncoderModel(text.config(len(tokenizer))).eval()
    model = steering.Steered(unet.Denoiser().eval(), None)
    common = {"prompt": "a red circle on a blue background", "seeds": (1,)}
    source = {"blob": "0" * 64, "width": 128, "height": 128}
    if part == "adapter":
        request: Mix | Control = Mix(images=(source,), **common)
        mode = "mix"
    else:
        kind = "scribble" if part == "scribble" else "hed"
        request = Control(kind=kind, image=source, **common)
        mode = "full" if part == "scribble" else "hed"
    rule = steering.RULES[part]
    reading = read_by_rule(request, request.prompt, mode, rule, Reader(tokenizer))
    ask = next(reading)
    assert isinstance(ask, Encode)
    rows = [None if ids is None else encode(encoder, [ids])[0] for ids in ask.texts]
    used = contexts_by_rule(ask.rule, model.projection, None, rows, whole_negatives=ask.whole_negatives)
    for silent, context in zip((False, True), used, strict=True):
        learnt = steering._contexts(model, tokenizer, encoder, [(request.prompt, silent)], rule)
        assert torch.equal(learnt.mask, context.mask)
        assert torch.equal(learnt.pool_len, context.pool_len)
        assert torch.allclose(learnt.rows, context.rows, atol=1e-5)


def test_a_fresh_outline_net_is_the_base_with_a_part_of_its_width() -> None:
    torch.manual_seed(1)
    base = unet.Denoiser().eval()
    net = steering.outlines(base).net
    same = 0
    for name, own in net.state_dict().items():
        if name.startswith("input_hint_block."):
            continue
        whole = base.unet.state_dict()[name]
        if own.shape == whole.shape:
            assert torch.equal(own, whole)
            same += 1
        else:
            assert all(a * 4 == b * 3 or a == b for a, b in zip(own.shape, whole.shape, strict=True))
    assert same > 300


@pytest.mark.parametrize(("name", "t"), [("x2", 200), ("x4", 999), ("flash_x2", 979)])
def test_a_fresh_enlarging_net_gives_back_what_it_is_to_enlarge(name: superres.Name, t: int) -> None:
    net = superres.build(name).eval()
    _, small = superres.pairs(9, 2, 2)
    low = enlarged(movq.to_input(small), 256, 256)
    made = predict_clean(net, torch.randn(low.shape), torch.tensor([t, t]), low)
    assert (made - low).abs().mean() < 0.02


def test_edges_are_where_colours_meet() -> None:
    image = Image.new("RGB", (SIZE, SIZE), (240, 240, 240))
    ImageDraw.Draw(image).rectangle((32, 32, 96, 96), fill=(200, 30, 30))
    found = edges.true_edges(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None])[0, 0]
    assert found[64, 31:34].any()
    assert not found[40:90, 40:90].any()
    assert not found[:30].any()


@pytest.mark.parametrize("factor", [2, 4])
def test_small_pictures_are_the_large_ones_made_smaller(factor: int) -> None:
    large, small = superres.pairs(5, 3, factor)
    assert large.shape[-1] == factor * small.shape[-1] == SIZE * superres.LARGE
    shrunk = torch.nn.functional.avg_pool2d(large.float(), factor)
    assert (shrunk - small.float()).abs().mean() < 6
