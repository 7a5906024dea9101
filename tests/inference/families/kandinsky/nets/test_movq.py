from pathlib import Path

import pytest
import torch
from torch import nn

from inference.checkpoints.shapes import shapes_of
from inference.engine.previews import to_uint8
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import EMBEDDED, locate
from inference.families.kandinsky.nets.movq import build_movq, decode, encode, infer_movq_config
from inference.families.kandinsky.nets.preview import fit_preview
from tests.inference.tiny import MOVQ


@pytest.fixture(scope="module")
def movq(tiny_folder: Path) -> nn.Module:
    return Checkpoint.open(tiny_folder).load_movq(torch.float32, "cpu")


def test_latents_are_an_eighth_of_the_picture_and_back(movq: nn.Module) -> None:
    latents = encode(movq, torch.rand(2, 3, 64, 96) * 2 - 1)
    assert latents.shape == (2, 4, 8, 12)
    assert decode(movq, latents).shape == (2, 3, 64, 96)


def test_pictures_are_decoded_alike_alone_and_together(movq: nn.Module) -> None:
    latents = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    together = decode(movq, latents)
    assert torch.equal(decode(movq, latents[1:2])[0], together[1])


def test_brightness_is_cut_off_not_rounded() -> None:
    values = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0])
    assert to_uint8(values).tolist() == [0, 0, 127, 254, 255, 255]


def test_dimensions_are_read_from_the_shapes() -> None:
    inferred = infer_movq_config(shapes_of(build_movq(MOVQ).state_dict()), groups=8)
    assert inferred == MOVQ


def test_the_net_has_no_codebook() -> None:
    assert not [name for name in build_movq(MOVQ).state_dict() if name.startswith("quantize")]


def test_the_preview_map_is_a_function_of_the_weights(movq: nn.Module) -> None:
    torch.manual_seed(1)
    first = fit_preview(movq)
    torch.manual_seed(2)
    assert torch.equal(fit_preview(movq).weight, first.weight)


@pytest.mark.skipif(not locate(EMBEDDED).manifest.get("trained"), reason="the embedded checkpoint is not trained yet")
def test_previews_of_a_trained_net_show_the_colours_of_the_picture() -> None:
    trained = Checkpoint.open(EMBEDDED).load_movq(torch.float32, "cpu")
    halves = torch.full((1, 3, 64, 64), -0.8)
    halves[:, 0, :, :32] = 0.8  # red on the left, dark on the right
    look = fit_preview(trained)(encode(trained, halves)).float()[0]
    left, right = look[:, 2:6, 1:3].mean((1, 2)), look[:, 2:6, 5:7].mean((1, 2))
    assert left[0] > 160
    assert left[1:].max() < 100
    assert right.max() < 100
