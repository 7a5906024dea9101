"""Pictures of any size come out whole, whatever tiles they went through."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from inference.engine.finite import NotFinite
from inference.families.realesrgan.nets import RRDBNet
from inference.families.realesrgan.tiling import PUBLISHED, Tiling, enlarge, frames

SMALL = Tiling(tile=16, around=4, margin=3)


class Doubling(RRDBNet):
    """Stands for a net: each pixel becomes four of its colour, times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__(features=1, grow=1, blocks=1, fold=1, ups=1)
        self.gain = gain
        self.seen: list[tuple[int, ...]] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen.append(tuple(pixels.shape))
        return interpolate(pixels, scale_factor=2, mode="nearest") * self.gain


def _picture(height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))


def _doubled(picture: Tensor) -> Tensor:
    return picture.repeat_interleave(2, 0).repeat_interleave(2, 1)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (10, 10), (11, 42), (64, 17)])
def test_every_pixel_comes_to_its_place(size: tuple[int, int]) -> None:
    picture = _picture(*size)
    enlarged = enlarge(Doubling(), picture, SMALL)
    assert enlarged.dtype == torch.uint8 and enlarged.shape == (2 * size[0], 2 * size[1], 3)
    assert (_doubled(picture).int() - enlarged.int()).abs().max() <= 1  # published: cut off, not rounded


def test_tiles_of_the_published_size_go_through_the_net_four_at_a_time() -> None:
    net = Doubling()
    enlarge(net, _picture(200, 390))
    assert len(frames(200, 390)) == 6
    assert [shape[0] for shape in net.seen] == [4, 2]
    assert {shape[2:] for shape in net.seen} == {(PUBLISHED.tile + 2 * PUBLISHED.around,) * 2}


def test_light_beyond_white_is_white() -> None:
    assert (enlarge(Doubling(gain=300.0), _picture(9, 9).clamp(min=1), SMALL) == 255).all()
    assert not enlarge(Doubling(gain=-1.0), _picture(9, 9), SMALL).any()


def test_numbers_that_are_none_make_no_picture() -> None:
    with pytest.raises(NotFinite, match="realesrgan"):
        enlarge(Doubling(gain=float("nan")), _picture(9, 9), SMALL)


@pytest.mark.parametrize("size", [(8_001, 4_000), (8_193, 1), (0, 5)])
def test_what_would_be_larger_than_any_picture_is_refused_before_the_net_is_asked(size: tuple[int, int]) -> None:
    net = Doubling()
    with pytest.raises(ValueError, match="cannot be enlarged 2 times"):
        enlarge(net, torch.empty(1, 1, 3, dtype=torch.uint8).expand(*size, 3))
    assert net.seen == []


@pytest.mark.parametrize(("fold", "ups", "scale"), [(2, 2, 2), (1, 2, 4), (1, 3, 8)])
def test_a_net_says_how_many_times_it_enlarges(fold: int, ups: int, scale: int) -> None:
    net = RRDBNet(features=4, grow=2, blocks=1, fold=fold, ups=ups)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    assert net.scale == scale
    assert net(torch.zeros(1, 3, 6, 4)).shape == (1, 3, 6 * scale, 4 * scale)
