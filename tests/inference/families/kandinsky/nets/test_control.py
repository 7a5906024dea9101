import pytest
import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.conditioning import Context, merge
from inference.families.kandinsky.nets.control import ControlNet, build_control, control_residuals, hint_features
from inference.families.kandinsky.nets.unet import Extras, denoise
from tests.inference.families.kandinsky.nets.grafted import (
    control_net,
    control_shapes,
    draw,
    hed_unet,
    plain_unet,
    text,
)
from tests.inference.tiny import UNET


@pytest.fixture(scope="module")
def control() -> ControlNet:
    return control_net()


def residuals(
    net: ControlNet, x: Tensor, t: Tensor, context: Context, hint: Tensor, *scales: float
) -> tuple[Tensor, ...]:
    features = hint_features(net, hint, (x.shape[-2], x.shape[-1]))
    return control_residuals(net, x, t, context.rows, context.mask, context.pool_len, features, torch.tensor(scales))


def test_jobs_with_different_hints_and_scales_do_not_notice_each_other(control: ControlNet) -> None:
    unet, contexts = plain_unet(), [text(3, 1), text(60, 2)]
    x, t, hints = draw(2, 4, 8, 16, seed=1), torch.tensor([981.0, 21.0]), draw(2, 3, 64, 128, seed=2)
    both, scales = merge(contexts), (1.0, 0.4)

    def held(rows: slice, context: Context, *scales: float) -> Tensor:
        extra = Extras(residuals=residuals(control, x[rows], t[rows], context, hints[rows], *scales))
        return denoise(unet, x[rows], t[rows], context.rows, context.mask, context.pool_len, extra)

    together = held(slice(None), both, *scales)
    for row, context in enumerate(contexts):
        alone = held(slice(row, row + 1), context, scales[row])
        assert (alone - together[row : row + 1]).abs().max() < 1e-4


def test_one_hint_serves_all_rows(control: ControlNet) -> None:
    x, t, context, hint = draw(2, 4, 8, 8, seed=1), torch.full((2,), 500.0), text(3, 1), draw(1, 3, 64, 64, seed=2)
    shared = residuals(control, x, t, context.repeat(2), hint, 1.0, 1.0)
    alone = residuals(control, x[1:], t[1:], context, hint, 1.0)
    for one, two in zip(shared, alone, strict=True):  # of values around 8, which processors add up in other orders
        torch.testing.assert_close(one[1:], two, rtol=1e-5, atol=1e-5)


def test_residuals_fit_the_skips_and_grow_with_their_scale(control: ControlNet) -> None:
    x, t, context, hint = draw(1, 4, 8, 16, seed=1), torch.tensor([500.0]), text(3, 1), draw(1, 3, 64, 128, seed=2)
    full = residuals(control, x, t, context, hint, 1.0)
    assert [tuple(one.shape) for one in full] == [(1, 16, 4, 8), (1, 16, 2, 4), (1, 16, 1, 2)]
    for one, half in zip(full, residuals(control, x, t, context, hint, 0.5), strict=True):
        torch.testing.assert_close(half, one / 2)
    unet, rows = plain_unet(), (x, t, context.rows, context.mask, context.pool_len)
    none = Extras(residuals=residuals(control, x, t, context, hint, 0.0))
    torch.testing.assert_close(denoise(unet, *rows, none), denoise(unet, *rows))


def test_a_hint_of_another_size_is_refused_with_the_right_one(control: ControlNet) -> None:
    with pytest.raises(ValueError, match="64×128"):
        hint_features(control, torch.zeros(1, 3, 64, 64), (8, 16))


def test_the_hed_net_sees_its_hint_as_strongly_as_asked() -> None:
    unet, context = hed_unet(), text(3, 1)
    rows = (draw(1, 4, 8, 8, seed=1), torch.tensor([500.0]), context.rows, context.mask, context.pool_len)
    features = hint_features(unet, draw(1, 3, 64, 64, seed=2), (8, 8))
    plain = denoise(plain_unet(), *rows)
    assert torch.equal(denoise(unet, *rows), plain)
    assert torch.equal(denoise(unet, *rows, Extras(hint_features=0 * features)), plain)
    far = (denoise(unet, *rows, Extras(hint_features=features)) - plain).abs().mean()
    near = (denoise(unet, *rows, Extras(hint_features=0.1 * features)) - plain).abs().mean()
    assert 0 < near < far


def test_jobs_of_the_hed_net_do_not_notice_each_other() -> None:
    unet, contexts = hed_unet(), [text(3, 1), text(60, 2)]
    x, t, hints = draw(2, 4, 8, 8, seed=1), torch.tensor([981.0, 21.0]), draw(2, 3, 64, 64, seed=2)
    features = hint_features(unet, hints, (8, 8)) * torch.tensor([1.0, 0.3])[:, None, None, None]
    both = merge(contexts)
    together = denoise(unet, x, t, both.rows, both.mask, both.pool_len, Extras(hint_features=features))
    for row, context in enumerate(contexts):
        one = slice(row, row + 1)
        extra = Extras(hint_features=features[one])
        alone = denoise(unet, x[one], t[one], context.rows, context.mask, context.pool_len, extra)
        assert (alone - together[one]).abs().max() < 1e-4


def test_rows_that_may_attend_to_nothing_stay_finite(control: ControlNet) -> None:
    context = Context(torch.zeros(1, 4, 32), torch.zeros(1, 4, dtype=torch.int64), torch.tensor([4]))
    x, t = draw(1, 4, 8, 8, seed=1), torch.tensor([500.0])
    held = Extras(residuals=residuals(control, x, t, context, draw(1, 3, 64, 64, seed=2), 1.0))
    assert denoise(plain_unet(), x, t, context.rows, context.mask, context.pool_len, held).isfinite().all()


@pytest.mark.parametrize("kernel", [1, 3])
def test_dimensions_are_read_from_the_shapes(kernel: int) -> None:
    shapes = control_shapes(kernel)
    net = build_control(shapes, groups=UNET["groups"], head_dim=UNET["attention_head_dim"])
    weights = {name: shape for name, shape in shapes_of(net.state_dict()).items() if name in shapes}
    assert weights == shapes
    assert not any(name.startswith(("down_blocks.3", "up_blocks", "conv_out")) for name in net.state_dict())


def test_sizes_the_net_would_silently_change_are_refused(control: ControlNet) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        residuals(control, draw(1, 4, 12, 8, seed=1), torch.tensor([1.0]), text(2, 1), torch.zeros(1, 3, 96, 64), 1.0)
