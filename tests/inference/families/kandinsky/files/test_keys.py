import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import Kandinsky3UNet, VQModel

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.files.keys import (
    movq_to_diffusers,
    movq_to_official,
    unet_to_diffusers,
    unet_to_official,
)

Shapes = dict[str, Any]


@pytest.fixture(scope="module")
def released() -> Shapes:
    """Names and shapes of the full-size released nets."""
    path = Path(__file__).parents[4] / "golden" / "official_key_shapes.json"
    return json.loads(path.read_text())


def meta(shapes: Shapes) -> dict[str, torch.Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_the_released_unet_is_exactly_the_default_unet_of_diffusers(released: Shapes) -> None:
    with torch.device("meta"):
        net = Kandinsky3UNet()
    expected = {name: shape for name, shape in shapes_of(net.state_dict()).items() if "encoder_hid_proj" not in name}
    assert shapes_of(unet_to_diffusers(meta(released["unet_t2i"]))) == expected


def test_unet_names_go_there_and_back(released: Shapes) -> None:
    official = meta(released["unet_t2i"])
    assert list(unet_to_official(unet_to_diffusers(official))) == list(official)


def test_the_released_movq_is_a_vqmodel_without_codebook(released: Shapes) -> None:
    with torch.device("meta"):
        net = VQModel(
            block_out_channels=(256, 512, 512, 1024),
            down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
            up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
            latent_channels=4,
            layers_per_block=2,
            norm_num_groups=32,
            norm_type="spatial",
            vq_embed_dim=4,
        )
    expected = {name: shape for name, shape in shapes_of(net.state_dict()).items() if not name.startswith("quantize")}
    assert shapes_of(movq_to_diffusers(meta(released["movq"]))) == expected


def test_movq_names_and_shapes_go_there_and_back(released: Shapes) -> None:
    official = meta(released["movq"])
    assert shapes_of(movq_to_official(movq_to_diffusers(official))) == shapes_of(official)
