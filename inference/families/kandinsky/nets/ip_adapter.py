"""The IP-Adapter of Kandinsky 3 (Ye et al. 2023, arXiv:2308.06721; github.com/ai-forever/kandinsky3-diffusers).

A picture's CLIP embedding becomes a few tokens, and every cross-attention of the U-Net attends to them beside the text:
its output is `text + scale·image`, where both share the query. The adapter is added to a `Kandinsky3UNet` in place, as
modules of that net:

    image_proj, image_norm                            an embedding into tokens
    <cross-attention>.processor.{to_key_ip, to_v_ip, to_out_ip}

so the names of the released file become those of the grafted net by the very renaming of the U-Net
(`checkpoints.keys.unet_to_diffusers`); `is_adapter_name` tells the adapter's tensors from the U-Net's own, under either
naming.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from inference.checkpoints.shapes import Shapes

TOP_MODULES = ("image_proj.", "image_norm.")
PROCESSOR = ".attention.processor."
_STOCK = AttnProcessor2_0()


def is_adapter_name(name: str) -> bool:
    """Whether a tensor of a grafted U-Net belongs to the adapter; for names of the release and of diffusers alike."""
    return name.startswith(TOP_MODULES) or PROCESSOR in name


def graft_adapter(unet: Any, shapes: Shapes) -> None:
    """Adds an adapter with the parameter `shapes` (others among them do not matter) to the U-Net, on the meta device.

    Token width and attention widths come from the net itself. The net without image tokens computes what it did before.
    Raises KeyError when `shapes` has no adapter.
    """
    width = shapes["image_norm.weight"][0]
    with torch.device("meta"):
        unet.image_proj = nn.Linear(shapes["image_proj.weight"][1], shapes["image_proj.weight"][0])
        unet.image_norm = nn.LayerNorm(width)
        for attention in cross_attentions(unet):
            attention.set_processor(ImagePromptAttention(attention.to_q.out_features, width))
    unet.requires_grad_(False)


def cross_attentions(unet: Any) -> Iterator[Any]:
    """The attention modules of a `Kandinsky3UNet` that read the text; the pooling one is not among them."""
    for block in (*unet.down_blocks, *unet.up_blocks):
        if block.context_dim is not None:
            for layer in block.attentions[1:]:  # the first is self-attention
                yield layer.attention


@torch.inference_mode()
def image_tokens(unet: Any, embeddings: Tensor) -> Tensor:
    """Image prompts of a grafted U-Net from CLIP embeddings [B, D]: tokens [B, T, C] in its dtype.

    They do not depend on the timestep: once a run is enough.
    """
    weight = unet.image_proj.weight
    tokens = unet.image_proj(embeddings.to(weight.device, weight.dtype))  # [B, T·C]
    (width,) = unet.image_norm.normalized_shape
    return unet.image_norm(tokens.view(len(tokens), -1, width))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class TextAndImage:
    """What a grafted cross-attention reads: text rows [N, L, C], image tokens [N, T, C], and a scale a row [N, 1, 1].

    It goes through the blocks of diffusers in place of the text alone; all they ask of it is its dtype.
    """

    text: Tensor
    tokens: Tensor
    scale: Tensor

    @property
    def dtype(self) -> torch.dtype:
        return self.text.dtype


class ImagePromptAttention(nn.Module):
    """Attention processor for diffusers' `Attention`: text as ever, and the image tokens where there are any."""

    def __init__(self, width: int, token_width: int) -> None:
        super().__init__()
        self.to_key_ip = nn.Linear(token_width, width)
        self.to_v_ip = nn.Linear(token_width, width)
        self.to_out_ip = nn.Linear(width, width)

    def forward(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | TextAndImage, attention_mask: Tensor
    ) -> Tensor:
        """[N, pixels, width]. `attention_mask` [N, 1, L] is added to the scores of the text alone."""
        context = encoder_hidden_states
        if isinstance(context, Tensor):
            return _STOCK(attn, hidden_states, context, attention_mask)  # type: ignore[no-any-return]
        query = _heads(attn.to_q(hidden_states), attn.heads)
        read = _attend(query, attn.to_k(context.text), attn.to_v(context.text), attention_mask[:, None])
        seen = _attend(query, self.to_key_ip(context.tokens), self.to_v_ip(context.tokens), None)
        out: Tensor = attn.to_out[0](read) + context.scale * self.to_out_ip(seen)
        return out


def _heads(rows: Tensor, heads: int) -> Tensor:
    return rows.view(len(rows), -1, heads, rows.shape[-1] // heads).transpose(1, 2)  # [N, heads, rows, C / heads]


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    heads = query.shape[1]
    read = scaled_dot_product_attention(query, _heads(key, heads), _heads(value, heads), attn_mask=mask)
    return read.transpose(1, 2).flatten(2)  # [N, pixels, C]
