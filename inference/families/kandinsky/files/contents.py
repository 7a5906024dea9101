"""What weight files hold, of every released layout, sorted and under the names of our nets.

Tensors stay mapped from the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from inference.checkpoints.tensors import State, state_in
from inference.families.kandinsky.files.keys import movq_to_diffusers, projection_to_official, unet_to_diffusers
from inference.families.kandinsky.nets.ip_adapter import is_adapter_name

# Projections inside U-Nets: as diffusers names them, and as the U-Nets of the IP-Adapter and HED do.
_INSIDE = re.compile(r"encoder_hid_proj\.|(?=projection_l[in]+\.)")
_OFFICIAL = ("in_layer.", "down_samples.")
_POSITION_IDS = "vision_model.embeddings.position_ids"  # counted, not learnt; older files of CLIP hold them


@dataclass(frozen=True, slots=True)
class UNetParts:
    """What a U-Net file holds: `unet` in diffusers' names, `null_embedding` flat, `projection` in official names."""

    unet: State
    null_embedding: Tensor | None
    projection: State | None


def split_unet(content: Mapping[str, Any]) -> UNetParts:
    """Sorts the content of a U-Net file of any layout.

    Known: {"unet", "null_embedding"} (3.1), the same with "projections" (3.0), flat names with "unet." in front (the
    studio's), bare official names, also with the projection inside (IP-Adapter, HED), and diffusers' names with the
    projection inside. What is grafted on a U-Net stays in it.
    """
    if isinstance(content.get("unet"), Mapping):
        unet = dict(content["unet"])
        projection = dict(content["projections"]) if content.get("projections") else None
    else:
        unet = _under("unet.", content) or {name: t for name, t in content.items() if not _belongs_beside(name)}
        projection = _under("projections.", content) or None
    inside = {_INSIDE.sub("", name, count=1): tensor for name, tensor in unet.items() if _INSIDE.match(name)}
    if inside:
        unet = {name: tensor for name, tensor in unet.items() if not _INSIDE.match(name)}
        projection = inside
    return UNetParts(
        unet=unet_to_diffusers(unet) if any(name.startswith(_OFFICIAL) for name in unet) else unet,
        null_embedding=_flat(content.get("null_embedding")),
        projection=projection_to_official(projection) if projection else None,
    )


def adapter_state(content: Mapping[str, Any]) -> State:
    """The IP-Adapter's tensors in diffusers' names, from a file of its own or from one with its U-Net."""
    return {name: tensor for name, tensor in split_unet(content).unet.items() if is_adapter_name(name)}


def clip_state(content: Mapping[str, Any]) -> State:
    """The image encoder's tensors as transformers names them; a whole CLIP also brings a text encoder."""
    kept = {name: t for name, t in content.items() if name.startswith(("vision_model.", "visual_projection."))}
    kept.pop(_POSITION_IDS, None)
    return kept


def clip_heads(path: Path) -> int | None:
    """The number of attention heads, which shapes do not tell, from the configuration beside the weights."""
    beside = path.parent / "config.json"
    stated = json.loads(beside.read_text("utf-8")) if beside.is_file() else {}
    heads: int | None = (stated.get("vision_config") or stated).get("num_attention_heads")
    return heads


def bare(content: Mapping[str, Any]) -> State:
    """A state dict that may lie under "unet" in its file."""
    return state_in(content, "unet")


def movq_state(content: Mapping[str, Any]) -> State:
    """A MoVQ state dict of either naming under diffusers' names, without codebook."""
    if any(name.startswith("encoder.down_blocks.") for name in content):
        return {name: tensor for name, tensor in content.items() if not name.startswith("quantize.")}
    return movq_to_diffusers(content)


def _under(prefix: str, content: Mapping[str, Any]) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in content.items() if name.startswith(prefix)}


def _belongs_beside(name: str) -> bool:
    return name == "null_embedding" or name.startswith("projections.")


def _flat(null_embedding: Tensor | None) -> Tensor | None:
    return None if null_embedding is None else null_embedding.reshape(-1)
