import pytest
import torch
from torch import Tensor, nn

from inference.families.kandinsky.conditioning import Context, blank_context, merge
from inference.families.kandinsky.files.keys import unet_to_diffusers, unet_to_official
from inference.families.kandinsky.nets.control import control_residuals, hint_features
from inference.families.kandinsky.nets.ip_adapter import cross_attentions, graft_adapter, image_tokens, is_adapter_name
from inference.families.kandinsky.nets.projection import build_projection
from inference.families.kandinsky.nets.unet import Extras, build_unet, denoise
from tests.inference.families.kandinsky.nets.grafted import (
    ADAPTER_SHAPES,
    EMBEDDING,
    TOKENS,
    adapted_unet,
    control_net,
    draw,
    filled,
    plain_unet,
    text,
)
from tests.inference.tiny import UNET, WIDTH


@pytest.fixture(scope="module")
def unet() -> nn.Module:
    return adapted_unet()


def run(unet: nn.Module, x: Tensor, t: Tensor, context: Context, extras: Extras) -> Tensor:
    return denoise(unet, x, t, context.rows, context.mask, context.pool_len, extras)


def prompt(tokens: Tensor, *scales: float) -> Extras:
    return Extras(image_tokens=tokens, image_scale=torch.tensor(scales))


def test_an_embedding_becomes_a_few_normalised_tokens(unet: nn.Module) -> None:
    tokens = image_tokens(unet, draw(2, EMBEDDING, seed=1))
    assert tokens.shape == (2, TOKENS, WIDTH)
    torch.testing.assert_close(
        tokens.mean(-1), unet.get_parameter("image_norm.bias").mean().expand(2, TOKENS), atol=1e-5, rtol=0
    )


def test_jobs_with_different_pictures_scales_and_texts_do_not_notice_each_other(unet: nn.Module) -> None:
    contexts = [text(3, 1), text(40, 2), blank_context(filled(build_projection({"0.weight": (WIDTH, WIDTH)}), 1), 5)]
    tokens = image_tokens(unet, draw(3, EMBEDDING, seed=3))
    x, t, scales = draw(3, 4, 8, 16, seed=4), torch.tensor([999.0, 400.0, 3.0]), (1.0, 0.35, 0.0)
    together = run(unet, x, t, merge(contexts), prompt(tokens, *scales))
    for row, context in enumerate(contexts):
        one = slice(row, row + 1)
        alone = run(unet, x[one], t[one], context, prompt(tokens[one], scales[row]))
        assert (alone - together[one]).abs().max() < 1e-4


def test_without_a_picture_the_net_is_the_plain_one_exactly(unet: nn.Module) -> None:
    x, t, context = draw(1, 4, 8, 8, seed=1), torch.tensor([500.0]), text(4, 1)
    plain = run(plain_unet(), x, t, context, Extras())
    tokens = image_tokens(unet, draw(1, EMBEDDING, seed=2))
    assert torch.equal(run(unet, x, t, context, Extras()), plain)
    assert torch.equal(run(unet, x, t, context, prompt(tokens, 0.0)), plain)
    assert (run(unet, x, t, context, prompt(tokens, 1.0)) - plain).abs().max() > 1e-2


def test_at_scale_zero_nothing_of_the_adapter_is_computed(unet: nn.Module) -> None:
    called: list[nn.Module] = []
    hooks = [layer.processor.to_key_ip.register_forward_hook(lambda m, _, __: called.append(m))
             for layer in cross_attentions(unet)]  # fmt: skip
    x, t, context = draw(1, 4, 8, 8, seed=1), torch.tensor([500.0]), text(4, 1)
    tokens = image_tokens(unet, draw(1, EMBEDDING, seed=2))
    run(unet, x, t, context, prompt(tokens, 0.0))
    assert not called
    run(unet, x, t, context, prompt(tokens, 0.5))
    assert len(called) == len(hooks) > 0
    for hook in hooks:
        hook.remove()


def test_every_attention_to_the_text_is_adapted_and_no_other(unet: nn.Module) -> None:
    # 3 of 4 levels read the text, on the way down and up, once a block
    assert len(list(cross_attentions(unet))) == 2 * 3 * UNET["layers_per_block"]
    assert not any("attentions.0." in name or "add_time_condition" in name
                   for name in unet.state_dict() if is_adapter_name(name))  # fmt: skip


def test_the_adapter_goes_onto_another_net_and_together_with_a_control_net(unet: nn.Module) -> None:
    flash = build_unet(UNET)
    graft_adapter(flash, ADAPTER_SHAPES)
    state = {**plain_unet(seed=9).state_dict(), **{n: t for n, t in unet.state_dict().items() if is_adapter_name(n)}}
    flash.to_empty(device="cpu").load_state_dict(state)
    x, t, context = draw(1, 4, 8, 8, seed=1), torch.tensor([229.0]), text(4, 1)
    tokens = image_tokens(flash, draw(1, EMBEDDING, seed=2))
    control = control_net()
    features = hint_features(control, draw(1, 3, 64, 64, seed=3), (8, 8))
    rows = (x, t, context.rows, context.mask, context.pool_len)
    residuals = control_residuals(control, *rows, features, torch.ones(1))
    one = torch.ones(1)
    both = Extras(image_tokens=tokens, image_scale=one, residuals=residuals)
    results = [denoise(flash, *rows, extras) for extras in
               (Extras(), Extras(image_tokens=tokens, image_scale=one), Extras(residuals=residuals), both)]  # fmt: skip
    for number, ours in enumerate(results):
        assert all((ours - other).abs().max() > 1e-2 for other in results[:number])


def test_names_are_those_of_the_release_after_the_renaming_of_the_u_net(unet: nn.Module) -> None:
    official = unet_to_official(unet.state_dict())
    adapter = {name for name in official if is_adapter_name(name)}
    assert "down_samples.1.resnet_attn_blocks.0.1.attention.processor.to_v_ip.bias" in adapter
    assert {name for name in unet_to_diffusers(official) if is_adapter_name(name)} == {
        name for name in unet.state_dict() if is_adapter_name(name)
    }
    assert {name for name in official if name not in adapter} == set(unet_to_official(plain_unet().state_dict()))


def test_shapes_without_an_adapter_are_refused() -> None:
    with pytest.raises(KeyError):
        graft_adapter(build_unet(UNET), {"conv_in.weight": (8, 4, 3, 3)})
