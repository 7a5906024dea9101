"""The denoising U-Net of Kandinsky 3.1: diffusers' `Kandinsky3UNet` built from checkpoint shapes, and one call of it.

The net is used with its text projection taken out (contexts come projected already, see `kandinsky.conditioning`) and
with the pooling of the published code made independent of padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import Kandinsky3UNet
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, count_children
from inference.families.kandinsky.nets.ip_adapter import TextAndImage

LATENT_CHANNELS = 4
OFFICIAL_GROUPS = 32
OFFICIAL_HEAD_DIM = 64

UNetConfig = dict[str, Any]


def infer_unet_config(
    shapes: Shapes, *, groups: int = OFFICIAL_GROUPS, head_dim: int = OFFICIAL_HEAD_DIM
) -> UNetConfig:
    """Keyword arguments of `Kandinsky3UNet` that give the parameter `shapes` (diffusers names).

    Group count and head width leave no trace in the shapes; they default to those of the released nets.
    """
    levels = count_children(shapes, "down_blocks.")
    return {
        "in_channels": shapes["conv_in.weight"][1],
        "time_embedding_dim": shapes["time_embedding.linear_1.weight"][0],
        "groups": groups,
        "attention_head_dim": head_dim,
        "layers_per_block": count_children(shapes, "down_blocks.0.resnets_in."),
        "block_out_channels": [
            shapes[f"down_blocks.{level}.resnets_in.0.resnet_blocks.3.projection.weight"][0] for level in range(levels)
        ],
        "cross_attention_dim": shapes["add_time_condition.attention.to_k.weight"][1],
    }


def build_unet(config: UNetConfig) -> nn.Module:
    """A `Kandinsky3UNet` for `config` on the meta device, without text projection and always with four output channels.

    The inpainting net reads nine channels and writes four; diffusers would build nine outputs.
    """
    with torch.device("meta"):
        unet = Kandinsky3UNet(**{**config, "encoder_hid_dim": config["cross_attention_dim"]})
        if config["in_channels"] != LATENT_CHANNELS:
            unet.conv_out = nn.Conv2d(config["block_out_channels"][0] // 2, LATENT_CHANNELS, kernel_size=3, padding=1)
    unet.encoder_hid_proj = nn.Identity()
    unet.requires_grad_(False)
    return unet.eval()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """What may steer a pass besides the text.

    `image_tokens` [N, T, C] are read by every cross-attention of a net with a grafted adapter (`nets.ip_adapter`), and
    count `image_scale` [N] times, which lies on the CPU; where all of it is 0 they are left out. `hint_features`
    [N or 1, C, h, w] are added behind the first convolution, `residuals` to the skips, from the highest level down
    (both from `nets.control`).
    """

    image_tokens: Tensor | None = None
    image_scale: Tensor | None = None
    hint_features: Tensor | None = None
    residuals: Sequence[Tensor] = ()


PLAIN = Extras()


@torch.inference_mode()
def denoise(
    unet: Any, x: Tensor, t: Tensor, context: Tensor, mask: Tensor, pool_len: Tensor, extras: Extras = PLAIN
) -> Tensor:
    """`predict_noise` without gradients."""
    return predict_noise(unet, x, t, context, mask, pool_len, extras)


def predict_noise(
    unet: Any, x: Tensor, t: Tensor, context: Tensor, mask: Tensor, pool_len: Tensor, extras: Extras = PLAIN
) -> Tensor:
    """One pass of the U-Net: the noise it sees in every row, [N, 4, h, w] in the dtype of its last layer.

    `x` [N, 4 or 9, h, w], `t` [N] (rows may stand at different timesteps), `context` [N, L, C] projected and zero
    beyond each text, `mask` [N, L] (1 = attend), `pool_len` [N]. Height and width must be multiples of 8 (ValueError).
    A row's answer does not depend on the other rows, nor on how far its context was padded.
    """
    check_latent_size(x)
    dtype = unet.conv_in.weight.dtype
    x, context = x.to(dtype), context.to(dtype)
    bias = attention_bias(mask, dtype)
    embedding = embed_time(unet, t, context, bias, pool_len)
    read = _with_image(context, extras)

    h = unet.conv_in(x)
    if extras.hint_features is not None:
        h = h + extras.hint_features.to(dtype)
    skips = []
    for block in unet.down_blocks:
        h = block(h, embedding, read, bias)
        skips.append(h)
    skips.pop()  # the deepest level hands its output straight on
    for level, residual in enumerate(extras.residuals):
        skips[level] = skips[level] + residual.to(dtype)
    for level, block in enumerate(unet.up_blocks):
        if level:
            h = torch.cat([h, skips.pop()], dim=1)
        h = block(h, embedding, read, bias)
    h = h.to(unet.conv_out.weight.dtype)
    return unet.conv_out(unet.conv_act_out(unet.conv_norm_out(h)))  # type: ignore[no-any-return]


def check_latent_size(x: Tensor) -> None:
    """Raises ValueError for sizes that the net would silently change."""
    if x.shape[-2] % 8 or x.shape[-1] % 8:
        raise ValueError(f"latent height and width must be multiples of 8, not {x.shape[-2]}×{x.shape[-1]}")


def attention_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to attention scores, [N, 1, L]. Finite, so that a row with nothing to attend to is no NaN."""
    return (1 - mask.to(dtype))[:, None] * -10000.0


def embed_time(net: Any, t: Tensor, context: Tensor, bias: Tensor, pool_len: Tensor) -> Tensor:
    """The time embedding with the pooled text in it, [N, time].

    As in `Kandinsky3UNet.forward`, except for the pooling query: the published code averages the context over all its
    rows, padding included, so a longer neighbour would change the picture; the sum over `pool_len` is what a prompt
    gets when it is alone.
    """
    embedding: Tensor = net.time_embedding(net.time_proj(t.float()).to(context.dtype))
    query = context.sum(dim=1, keepdim=True) / pool_len.to(context.dtype)[:, None, None]
    pooled: Tensor = net.add_time_condition.attention(query, context, bias)
    return embedding + pooled.squeeze(1)


def _with_image(context: Tensor, extras: Extras) -> Tensor | TextAndImage:
    """What the cross-attentions read: the text, and the image tokens where they count."""
    tokens, scale = extras.image_tokens, extras.image_scale
    if tokens is None or (scale is not None and not scale.any()):
        return context
    if scale is None:
        scale = torch.ones(len(tokens))
    tokens = tokens.to(context.device, context.dtype)
    return TextAndImage(context, tokens, scale.to(context.device, context.dtype, non_blocking=True)[:, None, None])


def keep_output_exact(unet: Any) -> None:
    """Puts the last norm and convolution into float32, whatever the rest is in.

    Flash reads x0 = (x − s·ε)/√ᾱ at t = 979, where 1/√ᾱ is 32: rounding ε itself to bfloat16 there would show. The two
    layers hold a millionth of the weights.
    """
    unet.conv_norm_out.float()
    unet.conv_out.float()
