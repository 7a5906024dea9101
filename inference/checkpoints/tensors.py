"""Weight files as tensors, and tensors into nets.

Tensors stay mapped from the file until they are placed, modules are built on the meta device and take the tensors over,
so that loading never holds a net twice. Pickles are read with `weights_only` and nothing else.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of

State = dict[str, Tensor]


class UnreadableCheckpoint(ValueError):
    """A file is not a checkpoint of the net it should hold; the message names the file and the first misfits."""


def read_tensors(path: Path) -> dict[str, Any]:
    """Names and tensors of a weights file, still mapped from disk; a `.pt` may nest them one level deep.

    Raises UnreadableCheckpoint when it is no such file or holds anything but tensors.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as opened:
                return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # each reader has its own family of errors
        raise UnreadableCheckpoint(f"{path.name} cannot be read as weights: {error}") from error
    if not isinstance(content, dict):
        raise UnreadableCheckpoint(f"{path.name} holds {type(content).__name__}, not a state dict")
    return content


def state_in(content: Mapping[str, Any], *nests: str) -> State:
    """The tensors of a file that may keep them under one of the names `nests`, the first that is there.

    Raises UnreadableCheckpoint when there is anything else among them.
    """
    inner = next((content[name] for name in nests if isinstance(content.get(name), Mapping)), content)
    strange = next((name for name, value in inner.items() if not isinstance(value, Tensor)), None)
    if strange is not None:
        raise UnreadableCheckpoint(f"{strange!r} in it is no tensor but {type(inner[strange]).__name__}")
    return dict(inner)


def assemble(
    build: Callable[[], nn.Module], state: State, origin: str, dtype: torch.dtype, device: torch.device | str
) -> nn.Module:
    """Builds a net on the meta device and lets it take over the tensors of `state`, each placed on `device` in `dtype`.

    Strict: unless names and shapes are exactly the net's, raises UnreadableCheckpoint that names `origin` and the
    first misfits.
    """
    try:
        module: nn.Module = build()
        expected = shapes_of(module.state_dict())
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise UnreadableCheckpoint(f"{origin}: its tensors do not describe such a net ({error!r})") from error
    got = shapes_of(state)
    if expected != got:
        misfits = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
        shown = "; ".join(f"{name}: expected {expected.get(name)}, found {got.get(name)}" for name in misfits[:3])
        raise UnreadableCheckpoint(f"{origin} does not fit in {len(misfits)} places: {shown}")
    # On a GPU the cast happens there, so that the CPU never holds a converted copy.
    placed = {name: tensor.to(device).to(dtype) for name, tensor in state.items()}
    module.load_state_dict(placed, strict=True, assign=True)
    return module.requires_grad_(False).eval()
