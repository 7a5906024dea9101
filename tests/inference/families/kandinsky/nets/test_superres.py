from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.nets.superres import build_superres, enlarged, infer_superres_config, predict_clean

TINY: dict[str, Any] = {
    "channels": 3,
    "stem": 8,
    "widths": [8, 16, 16, 24],
    "blocks": [1, 2, 1, 2],
    "time_dim": 16,
    "frequencies": 12,
    "groups": 4,
}


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(3)
    net = build_superres(TINY).to_empty(device="cpu")
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]
    return net


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=4),
    st.lists(st.integers(1, 4), min_size=4, max_size=4),
    st.integers(1, 4),
)
def test_dimensions_are_read_from_the_shapes(blocks: list[int], widths: list[int], stem: int) -> None:
    config = {**TINY, "blocks": blocks, "widths": [4 * width for width in widths[: len(blocks)]], "stem": 4 * stem}
    shapes = shapes_of(build_superres(config).state_dict())
    assert infer_superres_config(shapes, groups=4) == config


def test_a_window_does_not_depend_on_its_batch_mates(net: nn.Module) -> None:
    x, low, t = drawn(3, 3, 16, 24), drawn(3, 3, 16, 24, seed=1), torch.tensor([999, 400, 200])
    together = predict_clean(net, x, t, low)
    for one in range(3):
        alone = predict_clean(net, x[one : one + 1], t[one : one + 1], low[one : one + 1])
        torch.testing.assert_close(alone, together[one : one + 1], atol=1e-5, rtol=0)


def test_a_small_source_is_enlarged_first(net: nn.Module) -> None:
    x, low, t = drawn(1, 3, 16, 24), drawn(1, 3, 5, 7, seed=1), torch.tensor([600])
    assert torch.equal(predict_clean(net, x, t, low), predict_clean(net, x, t, enlarged(low, 16, 24)))


def test_working_in_place_changes_nothing(net: nn.Module) -> None:
    both, t = drawn(1, 6, 16, 16), torch.tensor([300])
    with torch.enable_grad():
        slow = net(both, t)
    with torch.inference_mode():
        torch.testing.assert_close(net(both, t), slow)


def test_the_time_is_embedded_in_full_precision_whatever_the_net_computes_in(net: nn.Module) -> None:
    half = build_superres(TINY)
    half.load_state_dict({name: tensor.bfloat16() for name, tensor in net.state_dict().items()}, assign=True)
    exact = build_superres(TINY)
    exact.load_state_dict({name: tensor.bfloat16().float() for name, tensor in net.state_dict().items()}, assign=True)
    t = torch.tensor([1, 500, 999])
    assert torch.equal(half.embed_time(t), exact.embed_time(t))  # type: ignore[operator]
    assert predict_clean(half, drawn(1, 3, 8, 8), t[:1], drawn(1, 3, 8, 8)).dtype == torch.float32


@pytest.mark.parametrize("size", [(12, 16), (16, 20)])
def test_sides_that_cannot_be_halved_three_times_are_refused(net: nn.Module, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        predict_clean(net, drawn(1, 3, *size), torch.tensor([1]), drawn(1, 3, *size))
