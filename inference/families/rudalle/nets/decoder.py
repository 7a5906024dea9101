"""The decoder of ruDALL-E, both versions, and of RUDOLPH: a transformer that tells the next token of text or picture.

A layer normalises before and after its two halves ("sandwich" norms, CogView, Ding et al. 2021, arXiv:2105.13290).
How positions see each other is handed in (`attention.py`): by masks over whole sequences, or by reading what the cache
keeps of the one new position that each row of a pass brings, wherever it stands in its own sequence.
An ask of the engine for so many next tokens is that many calls of `advance` (`drawing.py`) with the `Drawing` of every
run that waits; a run that comes reads its text into free slots of the cache first, one that goes leaves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from inference.checkpoints.shapes import Shapes, count_children
from inference.families.rudalle.nets.layout import Layout, Sight
from inference.families.rudalle.nets.variants import Variant

LARGEST = 65504.0  # of half precision
BEGIN, PAD = 2, 0  # token ids

See = Callable[[Tensor, Tensor, Tensor], Tensor]


class Attention(Protocol):
    """Queries, keys and values [B, Q, H, D] of layer `layer` in, what the queries have seen [B, Q, H, D] out."""

    def __call__(self, layer: int, sight: Sight, query: Tensor, key: Tensor, value: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Dimensions of a decoder. Ids of texts come first in its vocabulary; the last `layout.text` of those stand for
    the places of a first text that it leaves empty."""

    layout: Layout
    layers: int
    heads: int
    width: int
    text_vocabulary: int
    picture_vocabulary: int


def infer_decoder_config(shapes: Shapes, variant: Variant) -> DecoderConfig:
    """The dimensions that give the parameter `shapes`. Raises ValueError for heads that do not share the width."""
    text_vocabulary, width = shapes["text_embeddings.weight"]
    if width % variant.heads:
        raise ValueError(f"{variant.heads} heads cannot share a width of {width}")
    right = shapes.get("r_text_pos_embeddings.weight")
    return DecoderConfig(
        layout=Layout(
            text=shapes["l_text_pos_embeddings.weight"][0] - 1,
            grid=shapes["image_row_embeddings.weight"][0],
            right=right[0] - 1 if right else 0,
            kernel=variant.kernel,
            last_kernel=variant.last_kernel,
            shifted=variant.shifted,
        ),
        layers=count_children(shapes, "transformer.layers."),
        heads=variant.heads,
        width=width,
        text_vocabulary=text_vocabulary,
        picture_vocabulary=shapes["image_embeddings.weight"][0],
    )


class Decoder(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        layout, width = config.layout, config.width
        self.text_embeddings = nn.Embedding(config.text_vocabulary, width)
        self.image_embeddings = nn.Embedding(config.picture_vocabulary, width)
        self.l_text_pos_embeddings = nn.Embedding(layout.text + 1, width)
        if layout.right:
            self.r_text_pos_embeddings = nn.Embedding(layout.right + 1, width)
        self.image_row_embeddings = nn.Embedding(layout.grid, width)
        self.image_col_embeddings = nn.Embedding(layout.grid, width)
        self.transformer = _Transformer(config)
        self.to_logits = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(self.vocabulary)))

    def forward(self, ids: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """What the layers make of `ids` [B, Q] at `positions` [B, Q] or [Q] of their sequences: [B, Q, width]."""
        return self.transformer(self.embed(ids, positions), attention)  # type: ignore[no-any-return]

    def embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        """The vectors of tokens in their places, [B, Q, width]. In the first text 0 stands for nothing."""
        layout, picture = self.config.layout, self.config.layout.picture
        empty = self.config.text_vocabulary - picture.start + positions
        ids = empty.where((ids == PAD) & (positions < picture.start), ids)
        in_picture = (positions >= picture.start) & (positions < picture.stop)
        of_text, of_picture = self.text_embeddings(ids.where(~in_picture, 0)), self.image_embeddings(ids * in_picture)
        cells = self.image_row_embeddings.weight[:, None] + self.image_col_embeddings.weight  # [n, n, width]
        places = [self.l_text_pos_embeddings.weight[: picture.start], cells.flatten(0, 1)]
        if layout.right:
            places.append(self.r_text_pos_embeddings.weight)
        return of_picture.where(in_picture[..., None], of_text) + torch.cat(places)[positions]  # type: ignore[no-any-return]

    def logits(self, features: Tensor, vocabulary: range) -> Tensor:
        """How likely each id of `vocabulary` comes next, float32 [..., V], for `features` [..., width]."""
        norm, head = self.to_logits
        rows = slice(vocabulary.start, vocabulary.stop)
        return linear(norm(features), head.weight[rows], head.bias[rows]).float()  # type: ignore[index]

    @property
    def vocabulary(self) -> range:
        """All that may come: ids of texts, then codes of pictures and RUDOLPH's few special ones."""
        return range(self.config.text_vocabulary + self.config.picture_vocabulary)

    @property
    def pictures(self) -> range:
        return self.vocabulary[self.config.text_vocabulary :]


class _Transformer(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self._sights = [config.layout.sight(number, config.layers) for number in range(config.layers)]
        self.layers = nn.ModuleList(_Layer(config.width, config.heads) for _ in range(config.layers))
        self.final_layernorm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, attention: Attention) -> Tensor:
        for number, (layer, sight) in enumerate(zip(self.layers, self._sights, strict=True)):
            x = layer(x, partial(attention, number, sight))
        return self.final_layernorm(x)  # type: ignore[no-any-return]


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(width)
        self.attention = _SelfAttention(width, heads)
        self.before_first_addition_layernorm = nn.LayerNorm(width)
        self.post_attention_layernorm = nn.LayerNorm(width)
        self.mlp = _MLP(width)
        self.before_second_addition_layernorm = nn.LayerNorm(width)

    def forward(self, x: Tensor, see: See) -> Tensor:
        x = x + self.before_first_addition_layernorm(self.attention(self.input_layernorm(x), see))
        return x + self.before_second_addition_layernorm(self.mlp(self.post_attention_layernorm(x)))  # type: ignore[no-any-return]


class _SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.dense = nn.Linear(width, width)

    def forward(self, x: Tensor, see: See) -> Tensor:
        query, key, value = self.query_key_value(x).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        seen = self.dense(see(query, key, value).flatten(-2))
        return seen.clamp(-LARGEST, LARGEST)  # type: ignore[no-any-return]  # infinity becomes a number that a norm can take


class _MLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(width, 4 * width)
        self.dense_4h_to_h = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense_4h_to_h(gelu(self.dense_h_to_4h(x), approximate="tanh"))  # type: ignore[no-any-return]


def build_decoder(shapes: Shapes, variant: Variant) -> nn.Module:
    """A `Decoder` with the parameter `shapes` on the meta device."""
    with torch.device("meta"):
        decoder = Decoder(infer_decoder_config(shapes, variant))
    return decoder.requires_grad_(False).eval()
