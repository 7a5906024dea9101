"""Parameter names: those of the released Kandinsky 3.1 files ("official") and those of diffusers, both ways.

Every function takes a whole state dict (meta tensors will do) and returns it renamed; nothing is copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from torch import Tensor

from inference.checkpoints.tensors import State

# Pairs of dotted name parts, official first. {n} is an index, {n+1} the same index one higher. They are applied in
# order to every name, one after another, so in reading a pair backwards an earlier one wins.
UNET_PARTS = (
    ("to_time_embed.1", "time_embedding.linear_1"),
    ("to_time_embed.3", "time_embedding.linear_2"),
    ("feature_pooling", "add_time_condition"),
    ("in_layer", "conv_in"),
    ("out_layer.0", "conv_norm_out"),
    ("out_layer.2", "conv_out"),
    ("down_samples", "down_blocks"),
    ("up_samples", "up_blocks"),
    ("self_attention_block", "attentions.0"),
    ("resnet_attn_blocks.{n}.0", "resnets_in.{n}"),
    ("resnet_attn_blocks.{n}.1", "attentions.{n+1}"),
    ("resnet_attn_blocks.{n}.2", "resnets_out.{n}"),
    ("attention.to_query", "attention.to_q"),
    ("attention.to_key", "attention.to_k"),
    ("attention.to_value", "attention.to_v"),
    ("attention.output_layer", "attention.to_out.0"),
)
MOVQ_PARTS = (
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
ENCODER_NORMS = (
    ("norm.norm_layer", "group_norm"),
    ("norm1.norm_layer", "norm1"),
    ("norm2.norm_layer", "norm2"),
    ("conv_norm_out.norm_layer", "conv_norm_out"),
)
DECODER_NORMS = (("norm", "spatial_norm"),)
PROJECTION_PARTS = (
    ("0.weight", "projection_linear.weight"),
    ("1.weight", "projection_norm.weight"),
    ("1.bias", "projection_norm.bias"),
    ("0.weight", "projection_lin.weight"),
    ("1.weight", "projection_ln.weight"),
    ("1.bias", "projection_ln.bias"),
)

Parts = Iterable[tuple[str, str]]


def _rename(name: str, parts: Parts) -> str:
    for found, wanted in parts:
        pattern, insert = _rule(found, wanted)
        name = pattern.sub(insert, name)
    return name


@cache
def _rule(found: str, wanted: str) -> tuple[re.Pattern[str], Callable[[re.Match[str]], str]]:
    """The pattern of one pair in one direction, between dots or ends of the name, and what to put there."""
    index = re.escape(found).replace(r"\{n\}", r"(\d+)").replace(r"\{n\+1\}", r"(\d+)")
    shift = ("{n+1}" in wanted) - ("{n+1}" in found)
    template = wanted.replace("{n+1}", "{n}")

    def insert(match: re.Match[str]) -> str:
        return template.format(n=int(match[1]) + shift) if match.groups() else template

    return re.compile(rf"(?<![^.]){index}(?![^.])"), insert


def _backwards(parts: Parts) -> Parts:
    return tuple((diffusers, official) for official, diffusers in parts)


def unet_to_diffusers(state: Mapping[str, Tensor]) -> State:
    """An official U-Net state dict under the names of diffusers' `Kandinsky3UNet`."""
    return {_rename(name, UNET_PARTS): tensor for name, tensor in state.items()}


def unet_to_official(state: Mapping[str, Tensor]) -> State:
    """A `Kandinsky3UNet` state dict (without its text projection) under the official names."""
    return {_rename(name, _backwards(UNET_PARTS)): tensor for name, tensor in state.items()}


def projection_to_official(state: Mapping[str, Tensor]) -> State:
    """A text projection under the names "0.weight", "1.weight", "1.bias".

    It may come with those already, with those of the 3.0 files ("t5.0.weight", …), with those inside
    `Kandinsky3UNet.encoder_hid_proj`, or with those inside the U-Nets of the IP-Adapter and HED ("projection_lin.…").
    """
    return {_rename(name.removeprefix("t5."), _backwards(PROJECTION_PARTS)): tensor for name, tensor in state.items()}


def movq_to_diffusers(state: Mapping[str, Tensor]) -> State:
    """An official MoVQ state dict under the names of diffusers' `VQModel`; 1×1 attention kernels become matrices.

    The two count the decoder's levels from opposite ends.
    """
    renamed = {_rename(name, (*MOVQ_PARTS, *_norms(name))): tensor for name, tensor in state.items()}
    return _flip_levels({name: _as_matrix(name, tensor) for name, tensor in renamed.items()})


def movq_to_official(state: Mapping[str, Tensor]) -> State:
    """A `VQModel` state dict under the official names, without its codebook, which the released file does not have."""
    kept = _flip_levels({name: tensor for name, tensor in state.items() if not name.startswith("quantize.")})
    return {
        _rename(name, (*_backwards(_norms(name)), *_backwards(MOVQ_PARTS))): _as_kernel(name, tensor)
        for name, tensor in kept.items()
    }


def _norms(name: str) -> tuple[tuple[str, str], ...]:
    return ENCODER_NORMS if name.startswith("encoder.") else DECODER_NORMS


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
