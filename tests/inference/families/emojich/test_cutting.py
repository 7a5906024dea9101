"""A sticker is 512 by 512 pixels with a transparent ground, found by the net or by how white it is."""

import numpy as np
import pytest
import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.finite import NotFinite
from inference.families.emojich.cutting import SIDE, cut_out, what_is_seen, white_ground
from inference.families.emojich.nets import UNet, build_unet, used
from tests.inference.families.emojich.recorded import stages, state


@pytest.fixture
def net() -> UNet:
    weights = used(state())
    unet = assemble(lambda: build_unet(shapes_of(weights), stages()), weights, "tiny", torch.float32, "cpu")
    assert isinstance(unet, UNet)
    return unet


@pytest.fixture(scope="module")
def disc() -> Tensor:
    """Red on white, uint8 [512, 512, 3], radius 150."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    within = (y - 256) ** 2 + (x - 256) ** 2 < 150**2
    return torch.where(within[:, :, None], torch.tensor([200, 20, 30]), torch.tensor([255, 250, 244])).to(torch.uint8)


def test_what_is_nearly_white_is_ground_and_takes_a_rim_of_what_is_not(disc: Tensor) -> None:
    ground = white_ground(disc.numpy())
    assert (ground[0], ground[255, 0], ground[256, 256]) == pytest.approx((True, True, False))
    within = (disc[:, :, 1] == 20).numpy()
    taken = within & ground
    assert 0 < taken.sum() < 2 * 2 * np.pi * 150
    assert not ground[256, 112:400].any()


def test_a_picture_without_white_has_no_ground() -> None:
    assert not white_ground(np.full((SIDE, SIDE, 3), 239, np.uint8)).any()


def test_only_the_seven_pieces_with_the_longest_borders_are_ground() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for number in range(9):
        picture[50 * number : 50 * number + 10 + 2 * number, 20:40] = 255
    ground = white_ground(picture)
    assert [bool(ground[50 * number + 5, 30]) for number in range(9)] == [False] * 2 + [True] * 7


def test_what_the_net_is_not_sure_of_is_cut_out_by_whiteness(net: UNet, disc: Tensor) -> None:
    sticker = cut_out(net, disc)
    assert sticker.way == "classic"
    assert torch.equal(sticker.pixels[:, :, :3], disc)
    assert (sticker.pixels[:, :, 3] == 0).numpy().tolist() == white_ground(disc.numpy()).tolist()


@pytest.mark.parametrize("size", [(1, 1), (3, 700)])
def test_a_sticker_of_any_picture_is_a_square(size: tuple[int, int], net: UNet) -> None:
    sticker = cut_out(net, torch.full((*size, 3), 128, dtype=torch.uint8), sure=0.0)
    assert sticker.way == "unet"
    assert sticker.pixels.shape == (SIDE, SIDE, 4)
    assert set(sticker.pixels[:, :, 3].unique().tolist()) <= {0, 255}


def test_what_stands_beside_a_picture_changes_nothing(net: UNet) -> None:
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    net.train()  # as the published code left it
    together, alone = net(pixels)[:1], net(pixels[:1])
    assert (together - alone).abs().max() < 1e-4 * alone.abs().max()


def test_numbers_that_are_none_make_no_sticker(net: UNet, disc: Tensor) -> None:
    net.get_parameter("segmentation_head.0.bias").data.fill_(float("nan"))
    with pytest.raises(NotFinite, match="emojich"):
        what_is_seen(net, disc[:64, :64])
