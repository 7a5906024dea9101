"""Autoencoders in the layout of taming-transformers (Esser et al. 2021, arXiv:2012.09841) as diffusers' `VQModel`.

The two differ in names, in the shape of attention weights (1×1 kernels and matrices), and count the decoder's levels
from opposite ends. What an autoencoder has for norms, and whether it has a codebook, is its own matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from inference.checkpoints.renaming import Parts, backwards, rename
from inference.checkpoints.shapes import Shapes, count_children
from inference.checkpoints.tensors import State

PARTS = (
    ("mid.attn_1", "mid_block.attentions.0"),
    ("mid.block_1", "mid_block.resnets.0"),
    ("mid.block_2", "mid_block.resnets.1"),
    ("down.{n}", "down_blocks.{n}"),
    ("up.{n}", "up_blocks.{n}"),
    ("block.{n}", "resnets.{n}"),
    ("attn.{n}", "attentions.{n}"),
    ("downsample.conv", "downsamplers.0.conv"),
    ("upsample.conv", "upsamplers.0.conv"),
    ("nin_shortcut", "conv_shortcut"),
    ("norm_out", "conv_norm_out"),
    ("q", "to_q"),
    ("k", "to_k"),
    ("v", "to_v"),
    ("proj_out", "to_out.0"),
)
GROUP_NORMS = (("norm", "group_norm"),)  # of attentions; the others have the same names

NormsOf = Callable[[str], Parts]


def to_diffusers(state: Mapping[str, Tensor], norms: NormsOf = lambda name: GROUP_NORMS) -> State:
    """A taming state dict under the names of `VQModel`. `norms` gives the pairs for the norms of a parameter's part."""
    renamed = {rename(name, (*PARTS, *norms(name))): tensor for name, tensor in state.items()}
    return _flip_levels({name: _as_matrix(name, tensor) for name, tensor in renamed.items()})


def to_taming(state: Mapping[str, Tensor], norms: NormsOf = lambda name: GROUP_NORMS) -> State:
    """A `VQModel` state dict under the names of taming-transformers."""
    return {
        rename(name, (*backwards(norms(name)), *backwards(PARTS))): _as_kernel(name, tensor)
        for name, tensor in _flip_levels(dict(state)).items()
    }


def infer_config(shapes: Shapes) -> dict[str, Any]:
    """Keyword arguments of `VQModel` that give the parameter `shapes` (diffusers' names), but for those of its norms
    and codebook, which these do not tell."""
    levels = range(count_children(shapes, "decoder.up_blocks."))
    attentive = [f"decoder.up_blocks.{level}.attentions.0.to_q.weight" in shapes for level in levels]
    widths = [shapes[f"decoder.up_blocks.{level}.resnets.0.conv2.weight"][0] for level in levels]
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "vq_embed_dim": shapes["post_quant_conv.weight"][1],
        "block_out_channels": widths[::-1],
        "layers_per_block": count_children(shapes, "decoder.up_blocks.0.resnets.") - 1,
        "down_block_types": ["AttnDownEncoderBlock2D" if yes else "DownEncoderBlock2D" for yes in attentive[::-1]],
        "up_block_types": ["AttnUpDecoderBlock2D" if yes else "UpDecoderBlock2D" for yes in attentive],
    }


def _is_attention_matrix(name: str) -> bool:
    return re.search(r"\.attentions\.\d+\.to_(q|k|v|out\.0)\.weight$", name) is not None


def _as_matrix(name: str, tensor: Tensor) -> Tensor:
    return tensor[:, :, 0, 0] if _is_attention_matrix(name) and tensor.dim() == 4 else tensor


def _as_kernel(name: str, tensor: Tensor) -> Tensor:
    return tensor[:, :, None, None] if _is_attention_matrix(name) else tensor


def _flip_levels(state: State) -> State:
    level = re.compile(r"^decoder\.up_blocks\.(\d+)\.")
    found = [int(match[1]) for match in map(level.match, state) if match]
    flip: Callable[[re.Match[str]], str] = lambda match: f"decoder.up_blocks.{max(found) - int(match[1])}."  # noqa: E731
    return {level.sub(flip, name): tensor for name, tensor in state.items()}
