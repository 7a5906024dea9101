"""Full-size nets on the meta device: every released file has exactly their names and shapes, whatever its layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, shapes_of
from inference.checkpoints.tensors import assemble
from inference.families.kandinsky.files.contents import adapter_state, bare, movq_state, split_unet
from inference.families.kandinsky.files.keys import unet_to_diffusers
from inference.families.kandinsky.files.load import build_any_unet
from inference.families.kandinsky.nets.control import build_control
from inference.families.kandinsky.nets.hed import build_hed
from inference.families.kandinsky.nets.movq import build_movq, infer_movq_config
from inference.families.kandinsky.nets.projection import build_projection
from inference.families.kandinsky.nets.superres import build_superres, infer_superres_config
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows

OFFICIAL, ADDED = "official_key_shapes", "addons_key_shapes"

State = dict[str, Tensor]


def official(golden: Golden) -> Rows:
    """The files of 3.1 and 3.0: U-Nets in every layout, projections, MoVQ."""
    told = golden.read(OFFICIAL).meta
    counts = told["param_counts"]
    null = torch.empty(1, told["unet_t2i"]["feature_pooling.attention.to_key.weight"][1], device="meta")
    plain, projection = _meta(told["unet_t2i"]), _meta(told["projection"])
    nine = {**plain, **_meta(told["unet_inpainting_overrides"])}
    layouts: dict[str, tuple[dict[str, Any], str]] = {
        "3.1 base and flash": ({"unet": plain, "null_embedding": null}, "unet_t2i"),
        "3.1 inpainting": ({"unet": nine, "null_embedding": null[0]}, "unet_inpainting"),
        "3.0 with projections": (
            {"unet": plain, "null_embedding": null[None], "projections": {f"t5.{k}": t for k, t in projection.items()}},
            "unet_t2i",
        ),
        "flat with prefix": ({**{f"unet.{k}": t for k, t in plain.items()}, "null_embedding": null}, "unet_t2i"),
        "bare state dict": (plain, "unet_t2i"),
    }
    diffusers = {**split_unet(plain).unet, "encoder_hid_proj.projection_linear.weight": projection["0.weight"]}
    diffusers |= {f"encoder_hid_proj.projection_norm.{part}": projection[f"1.{part}"] for part in ("weight", "bias")}
    layouts["diffusers"] = (diffusers, "unet_t2i")
    for layout, (content, kind) in layouts.items():
        parts = split_unet(content)
        yield _row(OFFICIAL, f"unet {layout}", build_any_unet, parts.unet, counts[kind])
        if parts.projection is not None:
            yield _row(OFFICIAL, f"projection {layout}", build_projection, parts.projection, counts["projection"])
    yield _row(OFFICIAL, "projection file", build_projection, projection, counts["projection"])
    yield _row(OFFICIAL, "movq", _build_movq, movq_state(_meta(told["movq"])), counts["movq"])


def added(golden: Golden) -> Rows:
    """The files of the other modes: IP-Adapter, HED, ControlNets, super-resolution, edge detector."""
    told, base = golden.read(ADDED).meta, golden.read(OFFICIAL).meta
    counts, plain_count = told["param_counts"], base["param_counts"]["unet_t2i"]
    plain, fork = _meta(base["unet_t2i"]), _meta(told["unet_fork_only"])
    for name, extra in (("ip_adapter", "ip_adapter_extra"), ("hed v1", "hed_v1_extra")):
        for layout, content in _both({**plain, **fork, **_meta(told[extra])}):
            parts = split_unet(content)
            yield _row(ADDED, f"{name} unet, {layout}", build_any_unet, parts.unet, plain_count + counts[extra])
            projection = parts.projection or {}
            yield _row(ADDED, f"{name} projection, {layout}", build_projection, projection, counts["unet_fork_only"])
    whole = {**plain, **fork, **_meta(told["ip_adapter_extra"])}
    for source, content in (("whole file", whole), ("own file", _meta(told["ip_adapter_extra"]))):
        grafted = {**split_unet({"unet": plain}).unet, **adapter_state(content)}
        count = plain_count + counts["ip_adapter_extra"]
        yield _row(ADDED, f"ip_adapter of {source}, grafted", build_any_unet, grafted, count)
    nets: dict[str, tuple[str, Callable[[Shapes], nn.Module]]] = {
        "controlnet v2": ("controlnet_v2", build_control),
        "superres": ("superres_unet", lambda shapes: build_superres(infer_superres_config(shapes))),
        "hed": ("hed", build_hed),
    }
    for name, (kind, build) in nets.items():
        for layout, content in _both(_meta(told[kind])):
            state = unet_to_diffusers(bare(content)) if kind == "controlnet_v2" else bare(content)
            yield _row(ADDED, f"{name}, {layout}", build, state, counts[kind])


def _both(state: State) -> tuple[tuple[str, dict[str, Any]], ...]:
    return ("bare", state), ("nested", {"unet": state})


def _meta(shapes: dict[str, list[int]]) -> State:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _build_movq(shapes: Shapes) -> nn.Module:
    return build_movq(infer_movq_config(shapes))


def _row(recording: str, case: str, build: Callable[[Shapes], nn.Module], state: State, count: int) -> Row:
    """Loads strictly; the difference is that of the parameter counts."""
    net = assemble(lambda: build(shapes_of(state)), state, case, torch.float32, "meta")
    return Row(recording, case, abs(sum(parameter.numel() for parameter in net.parameters()) - count))
