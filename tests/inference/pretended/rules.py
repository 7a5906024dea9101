"""What CUDA does otherwise than the CPU, one function a rule; a rule that is learnt later is added here.

A rule sees an operator before it runs, with its arguments as tensors on the CPU, and gives back the arguments that make
the CPU answer as the card would, or raises as the card would. What each one rests on stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Arguments = tuple[Any, ...]
Rule = Callable[[Arguments], Arguments]

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


def group_norm_forgets_the_layout(arguments: Arguments) -> Arguments:
    """ATen's group_norm keeps channels_last on the CPU only; elsewhere it takes and gives plain NCHW
    (aten/src/ATen/native/group_norm.cpp)."""
    return (arguments[0].contiguous(), *arguments[1:])


def one_dtype(arguments: Arguments) -> Arguments:
    """The CPU's norms take float32 weights for half precision maps, those of CUDA do not; its products neither."""
    dtypes = {tensor.dtype for tensor in _tensors(arguments)}
    if len(dtypes) > 1:
        raise RuntimeError(f"expected one scalar type but found {sorted(map(str, dtypes))}")
    return arguments


def no_integers(arguments: Arguments) -> Arguments:
    """The CPU multiplies matrices of any numbers, CUDA those of floats."""
    if not all(tensor.is_floating_point() for tensor in _tensors(arguments)):
        raise RuntimeError("\"addmm_cuda\" not implemented for 'Long'")
    return arguments


def no_bytes(arguments: Arguments) -> Arguments:
    """The CPU has an upsampling of uint8, CUDA has none."""
    if arguments[0].dtype is torch.uint8:
        raise RuntimeError("\"upsample_bilinear2d_out_frame\" not implemented for 'Byte'")
    return arguments


def tf32(arguments: Arguments) -> Arguments:
    """From Ampere on, float32 convolutions drop mantissa bits unless cuDNN is forbidden to; matrix products do not."""
    if not torch.backends.cudnn.allow_tf32:
        return arguments
    return tuple(_rounded(one) if isinstance(one, Tensor) else one for one in arguments)


RULES: tuple[tuple[frozenset[str], Rule], ...] = (
    (frozenset({"group_norm", "native_group_norm"}), group_norm_forgets_the_layout),
    (NORMS, one_dtype),
    (PRODUCTS, one_dtype),
    (PRODUCTS, no_integers),
    (ENLARGERS, no_bytes),
    (CONVOLUTIONS, tf32),
)


def apply(name: str, arguments: Arguments) -> Arguments:
    """The arguments with which the CPU answers as a card would. Raises RuntimeError where a card would."""
    for rule in _rules_of(name):
        arguments = rule(arguments)
    return arguments


@cache
def _rules_of(name: str) -> tuple[Rule, ...]:
    return tuple(rule for names, rule in RULES if name in names)


class Ruled(TorchDispatchMode):
    """Everything on the CPU, but by a card's rules: what a card must give exactly."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*apply(function._schema.name.removeprefix("aten::"), args), **(kwargs or {}))


def _tensors(arguments: Arguments) -> list[Tensor]:
    return [one for one in arguments if isinstance(one, Tensor)]


def _rounded(tensor: Tensor) -> Tensor:
    if tensor.dtype is not torch.float32:
        return tensor
    bits = tensor.contiguous().view(torch.int32)
    half = 1 << (TF32_BITS - 1)
    return ((bits + half) & ~((1 << TF32_BITS) - 1)).view(torch.float32).view(tensor.shape)
