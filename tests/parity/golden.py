"""A folder of recorded tensors: reading it, and giving its small random weights to the project's own loader."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.families.kandinsky.files.load import Checkpoint

_WITHOUT_TENSORS = (
    "official_key_shapes",
    "addons_key_shapes",
    "ru_family_key_shapes",
    "inpaint_size_rules",
    "yttm_tiny",
)
_PROJECTIONS = {  # file -> prefix in the recording
    "projection": "projection.",
    "projection_flash": "projection.",
    "projection_inpainting": "projection_inpainting.",
}


class NotRecorded(FileNotFoundError):
    """The folder lacks a file that the replay knows."""


@dataclass(frozen=True)
class Recording:
    """One recorded file: `meta` is its JSON, `tensors` what lies beside it."""

    name: str
    meta: dict[str, Any]
    tensors: dict[str, Tensor]

    def under(self, prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in self.tensors.items() if name.startswith(prefix)}

    def cases(self, mark: str) -> list[str]:
        """Case names, in order of appearance: whatever stands before ".mark"."""
        return sorted(name.removesuffix(f".{mark}") for name in self.tensors if name.endswith(f".{mark}"))


@dataclass(frozen=True)
class Golden:
    folder: Path

    def read(self, name: str) -> Recording:
        """The recording `name`; raises NotRecorded."""
        meta, tensors = self.folder / f"{name}.json", self.folder / f"{name}.safetensors"
        for path in (meta, *([] if name in _WITHOUT_TENSORS else [tensors])):
            if not path.is_file():
                raise NotRecorded(path.name)
        return Recording(name, json.loads(meta.read_text("utf-8")), load_file(tensors) if tensors.is_file() else {})

    def file(self, name: str) -> Path:
        """A recorded file of another kind; raises NotRecorded."""
        if not (self.folder / name).is_file():
            raise NotRecorded(name)
        return self.folder / name

    @contextmanager
    def checkpoint(
        self, *, unet: str = "", inpainting: str = "", movq: str = "", text: str = ""
    ) -> Iterator[Checkpoint]:
        """The named recordings' weights as a checkpoint in the studio's layout, opened by the project's loader: either
        of `unet`, for base and Flash, or of `inpainting`."""
        with tempfile.TemporaryDirectory() as temporary:
            folder, configs = Path(temporary), {}
            if unet or inpainting:
                weights = self.read(unet or inpainting)
                kept = {n: t for n, t in weights.tensors.items() if n.startswith("unet.") or n == "null_embedding"}
                for name in ("kandinsky3", "kandinsky3_flash") if unet else ("kandinsky3_inpainting",):
                    save_file(kept, folder / f"{name}.safetensors")
                configs["unet"] = _official_unet(weights.meta["unet_config_official"])
            if movq:
                save_file(self.read(movq).under("movq."), folder / "movq.safetensors")
            if text:
                self._write_text(self.read(text), folder)
            elif unet or inpainting:
                _write_no_projection(folder, weights.tensors["null_embedding"].numel())
            (folder / "manifest.json").write_text(json.dumps({"configs": configs}))
            yield Checkpoint.open(folder)

    def _write_text(self, recording: Recording, folder: Path) -> None:
        for name, prefix in _PROJECTIONS.items():
            save_file(recording.under(prefix), folder / f"{name}.safetensors")
        encoder = folder / "text_encoder"
        encoder.mkdir()
        config = {"architectures": ["T5EncoderModel"], "model_type": "t5", **recording.meta["t5_config"]}
        (encoder / "config.json").write_text(json.dumps(config))
        save_file(recording.under("t5."), encoder / "model.safetensors", metadata={"format": "pt"})
        if self.tokenizer.is_file():
            shutil.copy(self.tokenizer, encoder / "spiece.model")

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer_tiny" / "spiece.model"


def _official_unet(config: dict[str, Any]) -> dict[str, int]:
    return {"groups": config["groups"], "attention_head_dim": config["head_dim"]}


def _write_no_projection(folder: Path, width: int) -> None:
    """A projection of the right width for a net that will be given projected contexts."""
    weights = {"0.weight": torch.eye(width), "1.weight": torch.ones(width), "1.bias": torch.zeros(width)}
    for name in _PROJECTIONS:
        save_file(weights, folder / f"{name}.safetensors")
