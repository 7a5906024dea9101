"""How the pipelines of the IP-Adapter and the ControlNets treat their texts."""

import pytest
import torch
from torch import Tensor, nn

from inference.families.kandinsky.conditioning import (
    MAX_TOKENS,
    Context,
    TextRule,
    contexts_by_rule,
    cut_ids,
    null_context,
    project,
)
from inference.families.kandinsky.nets.projection import build_projection

WIDTH = 6
RULES: tuple[TextRule, ...] = ("ip_adapter", "hed", "controlnet")


@pytest.fixture(scope="module")
def projection() -> nn.Module:
    net = build_projection({"0.weight": (WIDTH, WIDTH)}).to_empty(device="cpu")
    torch.manual_seed(1)
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    return net


def encoding(length: int, seed: int = 0) -> Tensor:
    return torch.randn(length, WIDTH, generator=torch.Generator().manual_seed(seed))


def bias(projection: nn.Module) -> Tensor:
    return projection[1].bias  # type: ignore[index]


def made(projection: nn.Module, rule: TextRule, *lengths: int | None, **how: bool) -> tuple[Context, ...]:
    texts = [None if length is None else encoding(length, length) for length in lengths]
    return contexts_by_rule(rule, projection, None, texts, **how)


@pytest.mark.parametrize("rule", RULES)
def test_the_row_after_a_prompt_is_the_bias_of_the_norm_and_masked(projection: nn.Module, rule: TextRule) -> None:
    (prompt,) = made(projection, rule, 4)
    assert prompt.rows.shape == (1, 5, WIDTH) and prompt.mask.tolist() == [[1, 1, 1, 1, 0]]
    torch.testing.assert_close(prompt.rows[0, :4], projection(encoding(4, 4)))
    assert torch.equal(prompt.rows[0, 4], bias(projection))
    assert prompt.pool_len.tolist() == [5]


@pytest.mark.parametrize("rule", RULES)
def test_the_longest_prompt_has_no_row_after_it(projection: nn.Module, rule: TextRule) -> None:
    (prompt,) = made(projection, rule, MAX_TOKENS)
    assert prompt.rows.shape[1] == MAX_TOKENS and prompt.mask.all()


@pytest.mark.parametrize("rule", RULES)
def test_a_shorter_negative_takes_the_length_of_the_prompt(projection: nn.Module, rule: TextRule) -> None:
    for whole in (True, False):
        _, negative = made(projection, rule, 4, 2, whole_negatives=whole)
        assert negative.mask.tolist() == [[1, 1, 0, 0, 0]]
        assert negative.pool_len.tolist() == [5]  # the mean that steers the time embedding counts padding
        torch.testing.assert_close(negative.rows[0, :2], projection(encoding(2, 2)))
        padding = bias(projection) if rule == "controlnet" else torch.zeros(WIDTH)
        assert torch.equal(negative.rows[0, 2:], padding.expand(3, WIDTH))


@pytest.mark.parametrize("rule", RULES)
def test_a_longer_negative_is_cut_only_where_the_published_behaviour_is_asked_for(
    projection: nn.Module, rule: TextRule
) -> None:
    _, whole = made(projection, rule, 2, 7)
    assert whole.mask.tolist() == [[1] * 7 + [0]] and whole.pool_len.tolist() == [8]
    _, cut = made(projection, rule, 2, 7, whole_negatives=False)
    assert cut.mask.tolist() == [[1] * 3] and cut.pool_len.tolist() == [3]
    assert torch.equal(cut.rows[0], whole.rows[0, :3])


@pytest.mark.parametrize("rule", ["ip_adapter", "hed"])
def test_no_text_is_zeros_that_nobody_attends_to(projection: nn.Module, rule: TextRule) -> None:
    _, negative = made(projection, rule, 4, None)
    assert not negative.rows.any() and not negative.mask.any() and negative.rows.shape == (1, 5, WIDTH)
    prompt, _ = made(projection, rule, None, 4)
    assert not prompt.rows.any() and not prompt.mask.any()


def test_a_control_net_has_no_context_for_no_text(projection: nn.Module) -> None:
    with pytest.raises(ValueError, match="empty text"):
        made(projection, "controlnet", 4, None)


def test_text_to_image_keeps_its_own_rule(projection: nn.Module) -> None:
    null = torch.randn(WIDTH)
    ours = contexts_by_rule("kandinsky31", projection, null, [encoding(3), None])
    for context, expected in zip(ours, (project(projection, encoding(3)), null_context(null)), strict=True):
        assert torch.equal(context.rows, expected.rows) and torch.equal(context.mask, expected.mask)
    with pytest.raises(ValueError, match="null embedding"):
        contexts_by_rule("kandinsky31", projection, None, [None])


def test_cut_ids_keep_their_end() -> None:
    assert cut_ids((5, 6, 7, 1), 4) == (5, 6, 7, 1)
    assert cut_ids((5, 6, 7, 1), 3) == (5, 6, 1)
