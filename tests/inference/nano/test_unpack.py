"""A written checkpoint becomes training states again, and training goes on from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from inference.nano import clip, decoder, edges, inpainting, reading, steering, superres, text, unet
from inference.nano.export import clip_configs, clip_files, export, gather, untrained
from inference.nano.samples import sample_sheet
from inference.nano.tokenizer import READER, load_tokenizer
from inference.nano.training import fit, load, save
from inference.nano.unpack import unpack

SPENT = {"step": 7, "minutes": 1.5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder as training leaves it, with fresh nets for every part."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("trained")
    parts = untrained(out / "tokenizer")
    shutil.copytree(out / "tokenizer", out / READER)
    inpaint = inpainting.widen(unet.Denoiser())
    matcher = clip.Matcher(len(load_tokenizer(out / "tokenizer")))
    nets = {
        "reading": reading.Both(parts.encoder),
        "ranker": matcher,
        "unet": parts.base,
        "flash": parts.flash,
        "movq": parts.codec,
        "decoder": parts.codec,
        "inpainting": inpaint,
        "hed": edges.build(),
        "clip": matcher,
        **{name: steering.BUILD[name](_like(parts.base)) for name in steering.BUILD},
        **{f"superres_{name}": superres.build(name) for name in ("x2", "x4", "flash_x2")},
    }
    for name, net in nets.items():
        save(out / f"{name}.pt", {"model": net.state_dict(), **SPENT})
    save(out / "text.pt", {"model": parts.encoder.state_dict(), "namer": text.Namer().state_dict(), **SPENT})
    return out, {**nets, "text": parts.encoder}


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The checkpoint that every sheet is drawn from, written once."""
    out, _ = trained
    export(gather(out), folder := tmp_path_factory.mktemp("exported") / "weights")
    return folder


def _like(base: unet.Denoiser) -> unet.Denoiser:
    own = unet.Denoiser()
    own.load_state_dict(base.state_dict())
    return own


def test_what_was_trained_comes_back_but_for_rounding(trained, exported, tmp_path):
    _, nets = trained
    assert set(unpack(tmp_path / "again", exported)) == set(nets)
    for name, net in nets.items():
        state = load(tmp_path / "again" / f"{name}.pt")
        assert (state["step"], state["minutes"]) == (SPENT["step"], SPENT["minutes"])
        unshipped = (
            "quantize.",
            "namer.",
            "heads.",
            "silhouette.",
            "owner.",
            "clip.vision_model.embeddings.position_ids",
        )
        for key, tensor in net.state_dict().items():
            if not key.startswith(unshipped) and not key.endswith("position_ids"):
                assert torch.allclose(state["model"][key], tensor.half().float(), atol=1e-6), (name, key)


def test_the_ranker_is_unpacked_with_both_towers(trained, tmp_path):
    _, nets = trained
    files, configs = clip_files(nets["clip"]), clip_configs(1000)
    assert set(configs) == {name.replace("model.safetensors", "config.json") for name in files}


def test_a_part_goes_on_from_its_averaged_weights_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(2, 1)
    save(tmp_path / "part.pt", {"model": {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, "step": 5, "minutes": 3})
    seen = []

    def loss_of(step):
        seen.append((step, layer.weight.detach().clone()))
        return layer(torch.ones(4, 2)).square().mean()

    fit(layer, loss_of, tmp_path, "part", 3.0005, peak=1e-3, resume=True)
    assert seen[0][0] == 5 and torch.equal(seen[0][1], torch.ones(1, 2))


def test_what_rests_stays_as_it_is_when_what_learns_beside_it_goes_on(tmp_path: Path) -> None:
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.base, self.own = nn.Linear(1, 1), nn.Linear(1, 1)
            self.base.requires_grad_(False)

        def forward(self, x):
            return self.base(x) + self.own(x)

    old, new = Beside(), Beside()
    save(tmp_path / "part.pt", {"model": old.state_dict(), "step": 1, "minutes": 1})
    base = new.base.weight.clone()
    fit(new, lambda _: new(torch.ones(2, 1)).square().mean(), tmp_path, "part", 1.0002, peak=1e-4, resume=True)
    kept = load(tmp_path / "part.pt")["model"]
    assert torch.equal(kept["base.weight"], base)
    assert torch.allclose(kept["own.weight"], old.own.weight, atol=0.1)


def test_the_codec_stands_in_for_a_decoder_that_was_not_polished(trained, tmp_path):
    out, nets = trained
    save(tmp_path / "movq.pt", load(out / "movq.pt"))
    assert torch.equal(decoder.trained(tmp_path).decoder.conv_out.weight, nets["movq"].decoder.conv_out.weight)


@pytest.mark.parametrize("part", ["decoder", "hed", "flash", "inpainting", "adapter", "outlines", "superres_x2"])
def test_a_trained_part_draws_a_sample_sheet(trained, exported, part, monkeypatch):
    monkeypatch.setattr("inference.nano.samples.gather", lambda _out: None)
    monkeypatch.setattr("inference.nano.samples.export", lambda _parts, folder: shutil.copytree(exported, folder))
    monkeypatch.setattr("inference.nano.samples.STEPS", 1)
    monkeypatch.setattr("inference.nano.samples.SAMPLES", 2)
    out, _ = trained
    sheet = sample_sheet(out, part)
    side = 256 if part == "superres_x2" else 128
    with Image.open(sheet) as image:
        assert image.size == (2 * (side + 4), 2 * (side + 4))


def test_what_draws_nothing_has_no_sheet(trained):
    out, _ = trained
    assert sample_sheet(out, "text") is None and sample_sheet(out, "clip") is None


def test_super_resolution_trained_alone_has_nothing_to_draw_with_yet(trained, tmp_path):
    out, _ = trained
    save(tmp_path / "superres_x2.pt", load(out / "superres_x2.pt"))
    assert sample_sheet(tmp_path, "superres_x2") is None


def test_unpacking_never_overwrites_what_was_trained(trained):
    out, _ = trained
    with pytest.raises(FileExistsError, match="--out"):
        unpack(out)
