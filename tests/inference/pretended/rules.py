"""What CUDA does otherwise than the CPU, one function a rule; a rule that is learnt later is added here.

A rule sees an operator before it runs, with its arguments as tensors on the CPU, and gives back the arguments that make
the CPU answer as the card would, or raises as the card would. What each one rests on stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Arguments = tuple[Any, ...]
Rule = Callable[[str, Arguments, dict[str, Any]], Arguments]

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv_transpose2d", "convolution", "_convolution"})
PRODUCTS = CONVOLUTIONS | {"linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "einsum"}
NORMS = frozenset({"group_norm", "native_group_norm", "layer_norm", "native_layer_norm"})
ENLARGERS = frozenset({"upsample_bilinear2d", "upsample_bicubic2d", "interpolate"})
# Operators whose answer the host needs before it can go on. (`quantile` and `isfinite` are none of them.)
WAITING = frozenset(
    {
        "item", "_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "allclose", "bincount",
        "unique", "_unique2", "unique_consecutive", "linalg_solve", "linalg_inv",
    }
)  # fmt: skip
TF32_BITS = 13  # of a float32 mantissa's 23, that TF32 leaves out


def group_norm_forgets_the_layout(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    """ATen's group_norm keeps channels_last on the CPU only; elsewhere it takes and gives plain NCHW
    (aten/src/ATen/native/group_norm.cpp)."""
    return (arguments[0].contiguous(), *arguments[1:]) if name.endswith("group_norm") else arguments


def norms_take_one_dtype(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    """The CPU's norms take float32 weights for half precision maps, those of CUDA do not."""
    return _one_dtype(arguments) if name in NORMS else arguments


def products_take_one_dtype(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    return _one_dtype(arguments) if name in PRODUCTS else arguments


def products_take_no_integers(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    """"addmm_cuda" not implemented for 'Long'."""
    if name in PRODUCTS and not all(tensor.is_floating_point() for tensor in _tensors(arguments)):
        raise RuntimeError(f'"{name}_cuda" not implemented for integers')
    return arguments


def bytes_are_not_enlarged(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    """The CPU has an upsampling of uint8, CUDA has none."""
    if name in ENLARGERS and arguments[0].dtype is torch.uint8:
        raise RuntimeError(f"\"{name}_out_frame\" not implemented for 'Byte'")
    return arguments


def convolutions_round_to_tf32(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    """From Ampere on, float32 convolutions drop mantissa bits unless cuDNN is forbidden to; matrix products do not."""
    if name not in CONVOLUTIONS or not torch.backends.cudnn.allow_tf32:
        return arguments
    return tuple(_rounded(one) if isinstance(one, Tensor) else one for one in arguments)


RULES: tuple[Rule, ...] = (
    group_norm_forgets_the_layout,
    norms_take_one_dtype,
    products_take_one_dtype,
    products_take_no_integers,
    bytes_are_not_enlarged,
    convolutions_round_to_tf32,
)


def apply(name: str, arguments: Arguments, options: dict[str, Any]) -> Arguments:
    for rule in RULES:
        arguments = rule(name, arguments, options)
    return arguments


def _tensors(arguments: Arguments) -> list[Tensor]:
    return [one for one in arguments if isinstance(one, Tensor)]


def _one_dtype(arguments: Arguments) -> Arguments:
    dtypes = {tensor.dtype for tensor in _tensors(arguments)}
    if len(dtypes) > 1:
        raise RuntimeError(f"expected one scalar type but found {sorted(map(str, dtypes))}")
    return arguments


def _rounded(tensor: Tensor) -> Tensor:
    if tensor.dtype is not torch.float32:
        return tensor
    bits = tensor.contiguous().view(torch.int32)
    half = 1 << (TF32_BITS - 1)
    return ((bits + half) & ~((1 << TF32_BITS) - 1)).view(torch.float32).view(tensor.shape)
