import pytest
import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.nets.hed import HED, build_hed, outline, published_size, thick_strokes
from inference.families.kandinsky.nets.opencv import blur_bytes, resize_area, resize_lanczos, resize_linear


@pytest.fixture(scope="module")
def gradients() -> nn.Module:
    """A HED whose first block answers to brightness changing from left to right and whose others are silent."""
    hed = HED([1, 1, 1, 1, 1], [1, 1, 1, 1, 1])
    for parameter in hed.parameters():
        nn.init.zeros_(parameter)
    block = hed.get_submodule("block1")
    block.get_parameter("convs.0.weight")[:].data[0, :, 1] = torch.tensor([-1.0, 0.0, 1.0])
    block.get_parameter("projection.weight").data.fill_(1.0)
    block.get_parameter("projection.bias").data.fill_(-50.0)  # the mean of five is -10: no edge
    return hed.eval()


@pytest.fixture(scope="module")
def halves() -> Tensor:
    """Black on the left, white on the right: [64, 96, 3]."""
    picture = torch.zeros(64, 96, 3, dtype=torch.uint8)
    picture[:, 48:] = 255
    return picture


def test_an_edge_is_where_brightness_changes(gradients: nn.Module, halves: Tensor) -> None:
    edges = outline(gradients, halves)
    assert (edges.dtype, edges.shape) == (torch.uint8, (64, 96))
    assert (edges[8:-8, 47:49] == 255).all()
    assert (edges[8:-8, :40] == 0).all() and (edges[8:-8, 56:-8] == 0).all()


def test_a_safe_map_knows_three_strengths(gradients: nn.Module) -> None:
    ramp = torch.arange(0, 192, 2, dtype=torch.uint8)[None, :, None].expand(64, 96, 3).contiguous()
    assert set(outline(gradients, ramp, "safe").unique().tolist()) <= {0, 127, 255}


def test_a_scribble_is_white_strokes_on_black_wider_than_the_edge() -> None:
    band = torch.zeros(64, 96, dtype=torch.uint8)
    band[:, 40:52] = 255
    strokes = thick_strokes(band)
    assert set(strokes.unique().tolist()) == {0, 255}
    assert (strokes[:, 38:54] == 255).all()
    assert (strokes[:, :28] == 0).all() and (strokes[:, 64:] == 0).all()


def test_faint_edges_are_no_scribble() -> None:
    assert not thick_strokes(torch.full((64, 64), 120, dtype=torch.uint8)).any()


def test_a_picture_too_small_for_five_blocks_is_refused(gradients: nn.Module) -> None:
    assert outline(gradients, torch.zeros(16, 21, 3, dtype=torch.uint8)).shape == (16, 21)
    with pytest.raises(ValueError, match="too small"):
        outline(gradients, torch.zeros(15, 64, 3, dtype=torch.uint8))


def test_the_net_is_built_by_the_shapes_of_its_tensors(gradients: nn.Module) -> None:
    shapes = shapes_of(HED([4, 8, 8, 12, 16], [2, 2, 3, 3, 3]).state_dict())
    built = build_hed(shapes)
    assert shapes_of(built.state_dict()) == shapes
    assert all(parameter.is_meta for parameter in built.parameters())


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(512, 512, (512, 512)), (150, 220, (512, 768)), (1000, 700, (704, 512)), (480, 540, (512, 576))],
)
def test_the_annotator_rounds_sides_to_multiples_of_64(height: int, width: int, size: tuple[int, int]) -> None:
    assert published_size(height, width, 512) == size


@pytest.mark.parametrize("resize", [resize_area, resize_lanczos])
def test_resizing_keeps_a_flat_picture_flat(resize: object) -> None:
    flat = torch.full((30, 20, 3), 77, dtype=torch.uint8)
    assert callable(resize)
    for size in ((64, 64), (12, 16), (40, 10)):
        resized = resize(flat, size)
        assert resized.shape == (*size, 3)
        assert (resized.int() - 77).abs().max() <= 1  # the fixed-point weights of Lanczos need not add up to one


def test_halving_by_area_takes_means(halves: Tensor) -> None:
    picture = torch.randint(0, 256, (8, 6), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    means = picture.double().reshape(4, 2, 3, 2).mean((1, 3)).round()
    assert torch.equal(resize_area(picture, (4, 3)).double(), means)


def test_a_side_that_grows_while_the_other_shrinks_is_no_error() -> None:
    picture = torch.randint(0, 256, (40, 20), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    resized = resize_area(picture, (16, 24))
    assert resized.shape == (16, 24) and resized.min() >= picture.min() and resized.max() <= picture.max()


def test_a_map_stretched_linearly_keeps_its_ends() -> None:
    ramp = torch.tensor([[0, 100, 200]], dtype=torch.uint8)
    assert resize_linear(ramp, (2, 6)).tolist() == [[0, 25, 75, 125, 175, 200]] * 2


def test_blurring_keeps_the_sum_of_a_dot_far_from_the_border() -> None:
    dot = torch.zeros(41, 41)
    dot[20, 20] = 255
    blurred = blur_bytes(dot, 1.0).int()
    assert abs(int(blurred.sum()) - 255) <= 6
    assert torch.equal(blurred, blurred.T) and torch.equal(blurred, blurred.flip(0))
