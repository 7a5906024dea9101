"""Checkpoint files into nets: every released layout, straight into the wanted dtype and device."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.shapes import Shapes, shapes_of
from inference.checkpoints.tensors import UnreadableCheckpoint, assemble, read_tensors
from inference.families.kandinsky.files.catalogue import Net, UNet
from inference.families.kandinsky.files.contents import (
    UNetParts,
    adapter_state,
    bare,
    clip_heads,
    clip_state,
    movq_state,
    split_unet,
)
from inference.families.kandinsky.files.keys import projection_to_official, unet_to_diffusers
from inference.families.kandinsky.files.store import PROJECTION_OF, Files, locate, revisions, unet_nets
from inference.families.kandinsky.nets.clip import build_clip, infer_clip_config
from inference.families.kandinsky.nets.control import STEM, build_control, graft_stem
from inference.families.kandinsky.nets.hed import build_hed
from inference.families.kandinsky.nets.ip_adapter import graft_adapter, is_adapter_name
from inference.families.kandinsky.nets.movq import build_movq, infer_movq_config
from inference.families.kandinsky.nets.projection import build_projection
from inference.families.kandinsky.nets.superres import build_superres, infer_superres_config
from inference.families.kandinsky.nets.unet import build_unet, infer_unet_config, keep_output_exact

log = logging.getLogger(__name__)

_ENCODER_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedUNet:
    """A U-Net for `kandinsky.nets.unet.denoise`, its null embedding [C] and the text projection that belongs to it."""

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

    def load_unet(self, name: UNet, dtype: torch.dtype, device: torch.device | str) -> LoadedUNet:
        """A U-Net with what belongs to it on `device`, in `dtype` but for its float32 output layers.

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
        unet = assemble(
            lambda: build_any_unet(shapes, **unet_extras(self.files, net)), parts.unet, path.name, dtype, device
        )
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
        self._check_text_width(projection["0.weight"].shape[1], path.name)
        projection_net = assemble(lambda: build_projection(shapes_of(projection)), projection, path.name, dtype, device)
        return LoadedUNet(unet, null.reshape(-1).to(device, dtype), projection_net)

    def _check_text_width(self, width: int, unet: str) -> None:
        """Nets of different sizes read different text encoders (3.0 Small a narrower one), which only this tells
        apart."""
        config = self.files.text_encoder / "config.json" if self.files.text_encoder else None
        found = json.loads(config.read_text("utf-8")).get("d_model", width) if config else width
        if found != width:
            raise UnreadableCheckpoint(
                f"{unet} reads texts {width} wide, the text encoder here writes them {found} wide"
            )

    def _unet_net(self, name: UNet) -> Net:
        """The net whose file brings the U-Net itself."""
        if name == "mix":
            return unet_nets(self.files, "mix")[0]
        nets: dict[UNet, Net] = {"full": "base", "mix_flash": "flash", "hed": "hed_unet"}
        return nets.get(name) or cast(Net, name)

    def _unet_parts(self, name: UNet, net: Net) -> UNetParts:
        parts = split_unet(read_tensors(self._path(net)))
        if name not in ("mix", "mix_flash") or net == "ip_unet":
            return parts
        source: Net = "ip_adapter" if "ip_adapter" in self.files.nets else "ip_unet"
        return replace(parts, unet={**parts.unet, **adapter_state(read_tensors(self._path(source)))})

    def load_control(self, net: Net, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """A ControlNet for `kandinsky.nets.control`. Same errors as `load_unet`."""
        path = self._path(net)
        state = unet_to_diffusers(bare(read_tensors(path)))
        extras = unet_extras(self.files, net)
        return assemble(lambda: build_control(shapes_of(state), **extras), state, path.name, dtype, device)

    def load_superres(self, net: Net, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """A super-resolution net for `kandinsky.nets.superres`. Same errors."""
        path = self._path(net)
        state = bare(read_tensors(path))
        extras = superres_extras(self.files)
        return assemble(
            lambda: build_superres(infer_superres_config(shapes_of(state), **extras)), state, path.name, dtype, device
        )

    def load_clip(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The image encoder of the IP-Adapter for `inference.families.kandinsky.nets.clip`. Same errors."""
        path = self._path("image_encoder")
        state = clip_state(read_tensors(path))
        heads = clip_heads(path)
        return assemble(
            lambda: build_clip(infer_clip_config(shapes_of(state), heads=heads)), state, path.name, dtype, device
        )

    def load_hed(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """The edge detector for `inference.families.kandinsky.nets.hed`. Same errors."""
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


def superres_extras(files: Files) -> dict[str, int]:
    """The same for `infer_superres_config`."""
    groups = (files.config.get("superres") or {}).get("groups")
    return {"groups": groups} if groups else {}


def _stated_config(files: Files, net: str, kind: str) -> Mapping[str, Any]:
    """Stated dimensions of a net: from diffusers' config.json beside its file, from the manifest, or none."""
    path = files.nets[net]
    beside = path.parent / "config.json"
    if path.name.startswith("diffusion_pytorch_model") and beside.is_file():
        stated: dict[str, Any] = json.loads(beside.read_text("utf-8"))
        return stated
    return files.config.get(kind) or {}


def build_any_unet(shapes: Shapes, **extras: int) -> nn.Module:
    """The U-Net of these shapes on the meta device, with an adapter or a hint stem where they have one."""
    unet = build_unet(infer_unet_config(shapes, **extras))
    if any(map(is_adapter_name, shapes)):
        graft_adapter(unet, shapes)
    if any(name.startswith(STEM) for name in shapes):
        graft_stem(unet, shapes)
    return unet
