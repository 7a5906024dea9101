"""Parameter names: those of the released Kandinsky 3.1 files ("official") and those of diffusers, both ways.

Every function takes a whole state dict (meta tensors will do) and returns it renamed; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from inference.checkpoints.autoencoders import to_diffusers, to_taming
from inference.checkpoints.renaming import backwards, rename
from inference.checkpoints.tensors import State

# Pairs of name parts, official first.
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


def unet_to_diffusers(state: Mapping[str, Tensor]) -> State:
    """An official U-Net state dict under the names of diffusers' `Kandinsky3UNet`."""
    return {rename(name, UNET_PARTS): tensor for name, tensor in state.items()}


def unet_to_official(state: Mapping[str, Tensor]) -> State:
    """A `Kandinsky3UNet` state dict (without its text projection) under the official names."""
    return {rename(name, backwards(UNET_PARTS)): tensor for name, tensor in state.items()}


def projection_to_official(state: Mapping[str, Tensor]) -> State:
    """A text projection under the names "0.weight", "1.weight", "1.bias".

    It may come with those already, with those of the 3.0 files ("t5.0.weight", …), with those inside
    `Kandinsky3UNet.encoder_hid_proj`, or with those inside the U-Nets of the IP-Adapter and HED ("projection_lin.…").
    """
    return {rename(name.removeprefix("t5."), backwards(PROJECTION_PARTS)): tensor for name, tensor in state.items()}


def movq_to_diffusers(state: Mapping[str, Tensor]) -> State:
    """An official MoVQ state dict under the names of diffusers' `VQModel`; 1×1 attention kernels become matrices."""
    return to_diffusers(state, _norms)


def movq_to_official(state: Mapping[str, Tensor]) -> State:
    """A `VQModel` state dict under the official names, without its codebook, which the released file does not have."""
    return to_taming({name: tensor for name, tensor in state.items() if not name.startswith("quantize.")}, _norms)


def _norms(name: str) -> tuple[tuple[str, str], ...]:
    return ENCODER_NORMS if name.startswith("encoder.") else DECODER_NORMS
