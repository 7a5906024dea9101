import pytest
import torch
from torch import nn
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.nets.clip import build_clip, clip_pixels, embed_pictures, infer_clip_config

CONFIG = {
    "hidden_size": 64,
    "intermediate_size": 32,
    "projection_dim": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "image_size": 28,
    "patch_size": 14,
    "hidden_act": "quick_gelu",
}


@pytest.fixture(scope="module")
def clip() -> nn.Module:
    net = build_clip(CONFIG)
    generator = torch.Generator().manual_seed(1)
    state = {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes_of(net.state_dict()).items()}
    net.load_state_dict(state, strict=True, assign=True)
    return net


def picture(height: int, width: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("size", [(224, 224), (300, 517), (90, 33), (1000, 225), (223, 225)])
def test_pictures_are_prepared_as_by_the_processor_of_clip(size: tuple[int, int]) -> None:
    theirs = CLIPImageProcessorPil()(picture(*size).numpy(), return_tensors="pt").pixel_values[0]
    assert torch.equal(clip_pixels(picture(*size), 224), theirs)


def test_a_strip_of_one_pixel_is_no_trouble() -> None:
    assert clip_pixels(picture(1, 16_384), 224).shape == (3, 224, 224)


def test_no_picture_is_zero_after_normalisation(clip: nn.Module) -> None:
    none, one = embed_pictures(clip, [None, picture(40, 30)])
    zeros = clip(torch.zeros(1, 3, 28, 28)).image_embeds[0]
    torch.testing.assert_close(none, zeros)
    assert (none - one).abs().max() > 1e-3


def test_embeddings_are_neither_normalised_nor_mixed_up(clip: nn.Module) -> None:
    pictures = [picture(40, 30, 2), picture(28, 90, 3)]
    both = embed_pictures(clip, pictures)
    assert both.shape == (2, 12) and both.dtype == torch.float32
    for one, together in zip(pictures, both, strict=True):
        torch.testing.assert_close(embed_pictures(clip, [one])[0], together, atol=1e-5, rtol=1e-5)
    assert (both.norm(dim=1) - 1).abs().min() > 1e-2


def test_dimensions_are_read_from_the_shapes(clip: nn.Module) -> None:
    assert infer_clip_config(shapes_of(clip.state_dict())) == CONFIG
    assert infer_clip_config(shapes_of(clip.state_dict()), heads=4)["num_attention_heads"] == 4
