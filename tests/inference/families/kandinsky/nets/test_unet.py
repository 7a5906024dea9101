from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.conditioning import Context, merge, null_context, project
from inference.families.kandinsky.files.load import Checkpoint, LoadedUNet
from inference.families.kandinsky.nets.unet import build_unet, denoise, infer_unet_config
from tests.inference.tiny import UNET, WIDTH


@pytest.fixture(scope="module")
def loaded(tiny_folder: Path) -> LoadedUNet:
    return Checkpoint.open(tiny_folder).load_unet("full", torch.float32, "cpu")


def context_of(loaded: LoadedUNet, length: int, seed: int) -> Context:
    return project(loaded.projection, torch.randn(length, WIDTH, generator=torch.Generator().manual_seed(seed)))


def run(loaded: LoadedUNet, x: torch.Tensor, t: torch.Tensor, context: Context) -> torch.Tensor:
    return denoise(loaded.unet, x, t, context.rows, context.mask, context.pool_len)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 128), st.integers(1, 999)), min_size=2, max_size=4),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_a_picture_does_not_depend_on_its_batch_mates(
    loaded: LoadedUNet, mates: list[tuple[int, int]], seed: int, padded: bool
) -> None:
    contexts = [context_of(loaded, length, seed + i) for i, (length, _) in enumerate(mates)]
    contexts.append(null_context(loaded.null_embedding))
    times = torch.tensor([float(t) for _, t in mates] + [500.0])
    x = torch.randn(len(contexts), 4, 8, 16, generator=torch.Generator().manual_seed(seed))
    together = run(loaded, x, times, merge(contexts, 128 if padded else None))
    for i, context in enumerate(contexts):
        alone = run(loaded, x[i : i + 1], times[i : i + 1], context)
        assert (alone - together[i : i + 1]).abs().max() < 1e-4


def test_the_pooling_length_is_what_makes_padding_harmless(loaded: LoadedUNet) -> None:
    x, t = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([300.0])
    short = context_of(loaded, 3, 1)
    wide = merge([short], 128)
    naive = denoise(loaded.unet, x, t, wide.rows, wide.mask, torch.tensor([128]))
    assert (naive - run(loaded, x, t, short)).abs().max() > 1e-3


@pytest.mark.parametrize("size", [(12, 8), (8, 12), (9, 8)])
def test_sizes_the_net_would_silently_change_are_refused(loaded: LoadedUNet, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        run(loaded, torch.randn(1, 4, *size), torch.tensor([1.0]), context_of(loaded, 2, 0))


def test_dimensions_are_read_from_the_shapes() -> None:
    shapes = shapes_of(build_unet(UNET).state_dict())
    assert infer_unet_config(shapes, groups=4, head_dim=8) == UNET


def test_an_inpainting_net_reads_nine_channels_and_writes_four() -> None:
    shapes = shapes_of(build_unet({**UNET, "in_channels": 9}).state_dict())
    assert shapes["conv_in.weight"][1] == 9
    assert shapes["conv_out.weight"][0] == 4


def test_a_net_in_half_precision_stays_close_to_float32(tiny_folder: Path, loaded: LoadedUNet) -> None:
    half = Checkpoint.open(tiny_folder).load_unet("full", torch.bfloat16, "cpu")
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    t, context = torch.tensor([900.0, 20.0]), context_of(loaded, 5, 3).repeat(2)
    exact, rough = run(loaded, x, t, context), run(half, x, t, context)
    assert not torch.equal(rough, rough.bfloat16().float())  # the noise itself is not rounded: Flash magnifies it
    assert (rough - exact).pow(2).mean().sqrt() < 0.1 * exact.pow(2).mean().sqrt()
