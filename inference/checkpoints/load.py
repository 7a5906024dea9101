"""Checkpoint files into nets: every released layout, straight into the wanted dtype and device.

Tensors stay mapped from the file until they are placed, modules are built on the meta device and take the tensors over,
so that loading never holds a net twice. Pickles are read with `weights_only` and nothing else.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from inference.checkpoints.catalogue import Net, UNetName
from inference.checkpoints.keys import State, movq_to_diffusers, projection_to_official, unet_to_diffusers
from inference.checkpoints.store import PROJECTION_OF, Files, MissingWeights, locate, revisions, unet_nets
from inference.nets.clip import build_clip, infer_clip_config
from inference.nets.control import STEM, build_control, graft_stem
from inference.nets.hed import build_hed
from inference.nets.ip_adapter import graft_adapter, is_adapter_name
from inference.nets.movq import build_movq, infer_movq_config
from inference.nets.projection import build_projection
from inference.nets.shapes import Shapes, shapes_of
from inference.nets.superres import build_superres, infer_superres_config
from inference.nets.unet import build_unet, infer_unet_config, keep_output_exact

log = logging.getLogger(__name__)

# Projections inside U-Nets: as diffusers names them, and as the U-Nets of the IP-Adapter and HED do.
_INSIDE = re.compile(r"encoder_hid_proj\.|(?=projection_l[in]+\.)")
_OFFICIAL = ("in_layer.", "down_samples.")
_POSITION_IDS = "vision_model.embeddings.position_ids"  # counted, not learnt; older files of CLIP hold them
_ENCODER_FILES = ("model.safetensors", "pytorch_model.bin")


class UnreadableCheckpoint(ValueError):
    """A file is not a checkpoint of the net it should hold; the message names the file and the first misfits."""


@dataclass(frozen=True, slots=True)
class UNetParts:
    """What a U-Net file holds: `unet` in diffusers' names, `null_embedding` flat, `projection` in official names."""

    unet: State
    null_embedding: Tensor | None
    projection: State | None


@dataclass(frozen=True, slots=True, eq=False)
class LoadedUNet:
    """A U-Net for `inference.nets.unet.denoise`, its null embedding [C] and the text projection that belongs to it."""

    unet: nn.Module
    null_embedding: Tensor
    projection: nn.Module


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder of weights. Opening looks at file names only; each `load_…` reads what it names, anew on every call."""

    files: Files

    @classmethod
    def open(cls, folder: Path) -> Checkpoint:
        """The checkpoint in `folder`, in any layout that `store.locate` knows."""
        return cls(locate(folder))

    @property
    def revisions(self) -> dict[str, str]:
        """Short names of the very bytes of every net, for recipes."""
        return revisions(self.files)

    def load_unet(self, name: UNetName, dtype: torch.dtype, device: torch.device | str) -> LoadedUNet:
        """The U-Net of one mode with what belongs to it on `device`, in `dtype` but for its float32 output layers.

        "mix" is a U-Net with the IP-Adapter grafted on it: the released file, or the base U-Net and the adapter that
        was split off; "mix_flash" the Flash U-Net with that adapter. "hed" has a stem for hints.

        Raises MissingWeights when the file or its projection is not there, UnreadableCheckpoint when it does not fit. A
        file without null embedding gets the bias of its projection's norm: diffusers' pipeline projects rows of zeros
        there and masks them all alike, which amounts to attending to just that. "mix" and "hed" never ask for it.
        """
        net = self._unet_net(name)
        path = self._path(net)
        parts = self._unet_parts(name, net)
        projection = parts.projection
        if projection is None:
            projection = projection_to_official(read_tensors(self._path(PROJECTION_OF[net])))
        shapes = shapes_of(parts.unet)
        unet = assemble(lambda: _build(shapes, unet_extras(self.files, net)), parts.unet, path.name, dtype, device)
        keep_output_exact(unet)
        context_width = shapes["add_time_condition.attention.to_k.weight"][1]
        null = parts.null_embedding
        if null is None:
            if name not in ("mix", "hed"):
                log.warning("%s has no null embedding; doing without as diffusers does", path.name)
            null = projection["1.bias"]
        if null.numel() != context_width or projection["0.weight"].shape[0] != context_width:
            raise UnreadableCheckpoint(
                f"{path.name}: null embedding or projection does not have the width {context_width}"
            )
        projection_net = assemble(lambda: build_projection(shapes_of(projection)), projection, path.name, dtype, device)
        return LoadedUNet(unet, null.reshape(-1).to(device, dtype), projection_net)

    def _unet_net(self, name: UNetName) -> Net:
        """The net whose file brings the U-Net itself."""
        if name == "mix":
            return unet_nets(self.files, "mix")[0]
        nets: dict[UNetName, Net] = {"mix_flash": "flash", "hed": "hed_unet"}
        return nets.get(name) or cast(Net, name)

    def _unet_parts(self, name: UNetName, net: Net) -> UNetParts:
        parts = split_unet(read_tensors(self._path(net)))
        if name not in ("mix", "mix_flash") or net == "ip_unet":
            return parts
        source: Net = "ip_adapter" if "ip_adapter" in self.files.nets else "ip_unet"
        return replace(parts, unet={**parts.unet, **adapter_state(read_tensors(self._path(source)))})

    def load_control(self, name: str, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The ControlNet "depth" or "scribble" for `inference.nets.control`. Same errors as `load_unet`."""
        path = self._path(f"control_{name}")
        state = unet_to_diffusers(bare(read_tensors(path)))
        extras = unet_extras(self.files, f"control_{name}")
        return assemble(lambda: build_control(shapes_of(state), **extras), state, path.name, dtype, device)

    def load_superres(self, name: str, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The super-resolution net "x2", "x4" or "flash_x2" for `inference.nets.superres`. Same errors."""
        path = self._path(f"superres_{name}")
        state = bare(read_tensors(path))
        groups = (self.files.config.get("superres") or {}).get("groups")
        extras = {"groups": groups} if groups else {}
        return assemble(
            lambda: build_superres(infer_superres_config(shapes_of(state), **extras)), state, path.name, dtype, device
        )

    def load_clip(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The image encoder of the IP-Adapter for `inference.nets.clip`. Same errors."""
        path = self._path("image_encoder")
        state = clip_state(read_tensors(path))
        heads = clip_heads(path)
        return assemble(
            lambda: build_clip(infer_clip_config(shapes_of(state), heads=heads)), state, path.name, dtype, device
        )

    def load_hed(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The edge detector for `inference.nets.hed`. Same errors."""
        path = self._path("hed_detector")
        state = bare(read_tensors(path))
        return assemble(lambda: build_hed(shapes_of(state)), state, path.name, dtype, device)

    def load_movq(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The image autoencoder as a `VQModel` without codebook. Same errors as `load_unet`."""
        path = self._path("movq")
        state = movq_state(read_tensors(path))
        extras = movq_extras(self.files)
        return assemble(
            lambda: build_movq(infer_movq_config(shapes_of(state), **extras)), state, path.name, dtype, device
        )

    def load_text_encoder(self, dtype: torch.dtype, device: torch.device | str) -> tuple[Any, nn.Module]:
        """The tokenizer and the encoder together."""
        return self.load_tokenizer(), self.load_encoder(dtype, device)

    def load_encoder(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The T5 encoder. In float16 transformers keeps the last matrix of each block in float32."""
        folder = self.files.text_encoder
        if folder is None:
            raise MissingWeights(f"no text encoder in {self.files.folder}")
        from transformers import T5EncoderModel
        from transformers.utils import logging as transformers_logging

        if not sys.stderr.isatty():  # a bar drawn into a log file is noise
            transformers_logging.disable_progress_bar()
        plain = (folder / f"{name}{index}" for name in _ENCODER_FILES for index in ("", ".index.json"))
        variant = None if any(path.is_file() for path in plain) else "fp16"
        encoder: nn.Module = T5EncoderModel.from_pretrained(
            folder, dtype=dtype, variant=variant, device_map={"": device}, local_files_only=True, weights_only=True
        )
        return encoder.requires_grad_(False).eval()

    def load_tokenizer(self) -> Any:
        """The T5 tokenizer alone: needs no weights of the encoder."""
        if self.files.tokenizer is None:
            raise MissingWeights(f"no tokenizer in {self.files.folder}")
        from transformers import T5Tokenizer

        return T5Tokenizer.from_pretrained(self.files.tokenizer, local_files_only=True)

    def _path(self, net: str) -> Path:
        try:
            return self.files.nets[net]
        except KeyError:
            raise MissingWeights(f"no {net} weights in {self.files.folder}") from None


def unet_extras(files: Files, net: str) -> dict[str, int]:
    """What the shapes of a U-Net do not tell, where the folder states it: arguments of `infer_unet_config`."""
    config = _stated_config(files, net, "unet")
    named = {"groups": config.get("groups"), "head_dim": config.get("attention_head_dim") or config.get("head_dim")}
    return {name: value for name, value in named.items() if value}


def movq_extras(files: Files) -> dict[str, int]:
    """The same for `infer_movq_config`."""
    groups = _stated_config(files, "movq", "movq").get("norm_num_groups")
    return {"groups": groups} if groups else {}


def _stated_config(files: Files, net: str, kind: str) -> Mapping[str, Any]:
    """Stated dimensions of a net: from diffusers' config.json beside its file, from the manifest, or none."""
    path = files.nets[net]
    beside = path.parent / "config.json"
    if path.name.startswith("diffusion_pytorch_model") and beside.is_file():
        stated: dict[str, Any] = json.loads(beside.read_text("utf-8"))
        return stated
    return files.config.get(kind) or {}


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


def _build(shapes: Shapes, extras: dict[str, int]) -> nn.Module:
    """The U-Net of these shapes, with an adapter or a hint stem where they have one."""
    unet = build_unet(infer_unet_config(shapes, **extras))
    if any(map(is_adapter_name, shapes)):
        graft_adapter(unet, shapes)
    if any(name.startswith(STEM) for name in shapes):
        graft_stem(unet, shapes)
    return unet


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
    nested = content.get("unet")
    return dict(nested if isinstance(nested, Mapping) else content)


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
