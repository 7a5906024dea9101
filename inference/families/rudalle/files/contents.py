"""What the released weight files hold, under the names of our nets. Tensors stay mapped from the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.checkpoints.autoencoders import to_diffusers
from inference.checkpoints.tensors import State, state_in

_MASKS = {f"transformer.{kind}_mask" for kind in ("row", "col", "conv", "last_conv")}  # counted, not learnt
_TEXT_PLACES = "text_pos_embeddings."  # of ruDALL-E, which has one text; RUDOLPH's first and second are "l_" and "r_"
_TRAINING = "loss."
_DWT_DECODER, _DWT_FILTERS, _UNUSED = "decoder.decoder.", "decoder.idwt.", "post_quant_conv."


def decoder_state(content: Mapping[str, Any]) -> State:
    """The parameters of a decoder's file, under RUDOLPH's names."""
    kept = {name: tensor for name, tensor in content.items() if name not in _MASKS}
    return {f"l_{name}" if name.startswith(_TEXT_PLACES) else name: tensor for name, tensor in kept.items()}


def vqgan_state(content: Mapping[str, Any]) -> State:
    """The parameters of either VQ-GAN file: the state dict of a training checkpoint, or that alone.

    The one whose pictures are joined from wavelets brings a second, unused convolution after its codebook, and the
    filters of the wavelets, which are Haar's.
    """
    found = state_in(content, "state_dict")
    state = {name.removeprefix("model."): tensor for name, tensor in found.items() if not name.startswith(_TRAINING)}
    if any(name.startswith(_DWT_DECODER) for name in state):
        kept = {name: tensor for name, tensor in state.items() if not name.startswith((_DWT_FILTERS, _UNUSED))}
        state = {_without_wrapping(name): tensor for name, tensor in kept.items()}
    return to_diffusers(state)


def _without_wrapping(name: str) -> str:
    if name.startswith(_DWT_DECODER):
        return name.removeprefix("decoder.")
    return name.removeprefix("decoder.") if name.startswith(f"decoder.{_UNUSED}") else name
