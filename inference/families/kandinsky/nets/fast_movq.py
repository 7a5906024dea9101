"""A MoVQ decoder that computes the same picture with less work.

Every norm of the decoder is scaled and shifted by two 1×1 convolutions of the latent, which diffusers enlarges to the
size of the feature map first. A 1×1 convolution commutes with nearest-neighbour enlargement, and enlarging by a whole
factor is only broadcasting: so the convolutions can run on the small map, and the enlarged maps need not exist.
"""

from __future__ import annotations

import types

import torch
from diffusers.models.attention_processor import Attention, SpatialNorm
from torch import Tensor, nn


def broadcast_spatial_norms(movq: nn.Module) -> int:
    """Lets every spatial norm of `movq` broadcast instead of enlarge, and returns how many there were.

    The parameters stay what and where they are. Raises ValueError when there is none: then this is no MoVQ decoder.
    """
    norms = [module for module in movq.modules() if isinstance(module, SpatialNorm)]
    if not norms:
        raise ValueError("no spatial norm here: not a MoVQ decoder")
    for norm in norms:
        norm.forward = types.MethodType(_broadcast_norm, norm)
    return len(norms)


def keep_plain_layout(movq: nn.Module) -> None:
    """Lets the attentions of `movq` answer in plain NCHW.

    diffusers hands their maps on as the transposed rows they were, which is the layout channels_last, and all later
    maps keep it, up to the size of the picture. Outside the CPU every group norm would have to copy them back.
    """
    for module in movq.modules():
        if isinstance(module, Attention):
            module.register_forward_hook(_plain)


def _plain(attention: nn.Module, given: object, maps: Tensor) -> Tensor:
    return maps.contiguous()


def _broadcast_norm(norm: SpatialNorm, features: Tensor, latent: Tensor) -> Tensor:
    """`norm(features)·conv_y(latent) + conv_b(latent)` for features [B, C, s·h, s·w] and the latent [B, 4, h, w]."""
    batch, channels, height, width = features.shape
    h, w = latent.shape[-2:]
    if height % h or width % w:  # an odd size, which no released net produces
        return SpatialNorm.forward(norm, features, latent)  # type: ignore[no-any-return]
    split = (batch, channels, h, height // h, w, width // w)
    # Not `view`: outside the CPU a group norm gives another memory layout than the convolutions beside it.
    scale = norm.conv_y(latent).reshape(batch, channels, h, 1, w, 1)
    shift = norm.conv_b(latent).reshape(batch, channels, h, 1, w, 1)
    normed = norm.norm_layer(features).reshape(split)
    return torch.addcmul(shift, normed, scale).reshape(features.shape)
