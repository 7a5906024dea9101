"""Released weights into the studio's own layout, once: safetensors in a smaller number format and a manifest of sha256.

Every file is written beside its place and moved there when complete, and the manifest grows with it, so that an
interrupted conversion continues where it stopped and a finished one is never half there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from inference.checkpoints.contents import movq_state, read_tensors, split_unet
from inference.checkpoints.keys import State, movq_to_official, projection_to_official, unet_to_official
from inference.checkpoints.load import movq_extras, unet_extras
from inference.checkpoints.store import PROJECTION_OF, Files, MissingWeights, locate, revisions
from inference.nets.movq import infer_movq_config
from inference.nets.shapes import shapes_of
from inference.nets.unet import infer_unet_config

UNET_FILES = {
    "base": "kandinsky3.safetensors",
    "flash": "kandinsky3_flash.safetensors",
    "inpainting": "kandinsky3_inpainting.safetensors",
}
TOKENIZER_FILES = (
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)

Report = Callable[[str], None]


class DoesNotFit(OSError):
    """The target disk has too little room."""


def convert(source: Path, target: Path, dtype: torch.dtype = torch.bfloat16, report: Report = print) -> dict[str, Any]:
    """Converts every net found in `source` into `target` and returns the manifest written there.

    U-Nets, projections and text encoder are stored in `dtype`; MoVQ stays in float32. Files that are in `target`
    already, in that format and from the same source, are left alone. `report` gets one line a file. Raises
    MissingWeights when `source` holds no net at all, DoesNotFit when the disk is too small, UnreadableCheckpoint when
    a file is not what its name says.
    """
    files = locate(source)
    if not files.nets and files.text_encoder is None:
        raise MissingWeights(f"nothing to convert in {source}")
    target.mkdir(parents=True, exist_ok=True)
    _check_room(files, target, dtype)
    manifest = _Manifest(target, report)
    manifest.configs |= {"unet": {}, "movq": {}, "text_encoder": {}} | manifest.configs
    origins = revisions(files)

    for net, name in UNET_FILES.items():
        if net in files.nets:
            _convert_unet(files, net, name, dtype, manifest, origins)
    if "movq" in files.nets and not manifest.has("movq.safetensors", origins["movq"], torch.float32):
        state = movq_state(read_tensors(files.nets["movq"]))
        manifest.configs["movq"] = infer_movq_config(shapes_of(state), **movq_extras(files))
        manifest.add("movq.safetensors", _cast(movq_to_official(state), torch.float32), origins["movq"])
    if files.text_encoder is not None:
        _convert_text_encoder(files.text_encoder, dtype, manifest, origins["text_encoder"])
    if files.tokenizer is not None:
        for path in (files.tokenizer / name for name in TOKENIZER_FILES):
            if path.is_file():
                manifest.copy(path, f"text_encoder/{path.name}")
    return manifest.write()


def _convert_unet(
    files: Files, net: str, name: str, dtype: torch.dtype, manifest: _Manifest, origins: Mapping[str, str]
) -> None:
    projection_name = f"{PROJECTION_OF[net]}.safetensors"
    projection_origin = origins.get(PROJECTION_OF[net], origins[net])
    has_unet = manifest.has(name, origins[net], dtype)
    has_projection = manifest.has(projection_name, projection_origin, dtype)
    if has_unet and has_projection:
        return
    parts = split_unet(read_tensors(files.nets[net]))
    projection = parts.projection
    if projection is None:
        if PROJECTION_OF[net] not in files.nets:
            raise MissingWeights(f"{files.nets[net].name} needs its projection, which is not in {files.folder}")
        projection = projection_to_official(read_tensors(files.nets[PROJECTION_OF[net]]))
    config = infer_unet_config(shapes_of(parts.unet), **unet_extras(files, net))
    manifest.configs["unet"] = {**config, "in_channels": 4}  # the inpainting net's nine show in its shapes
    state = {f"unet.{key}": tensor for key, tensor in unet_to_official(parts.unet).items()}
    if parts.null_embedding is not None:
        state["null_embedding"] = parts.null_embedding
    if not has_unet:
        manifest.add(name, _cast(state, dtype), origins[net])
    if not has_projection:
        manifest.add(projection_name, _cast(projection, dtype), projection_origin)


def _convert_text_encoder(folder: Path, dtype: torch.dtype, manifest: _Manifest, origin: str) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    manifest.configs["text_encoder"] = config
    manifest.copy(folder / "config.json", "text_encoder/config.json")
    shards = list(_encoder_files(folder))
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = "model.safetensors" if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        state = _encoder_state(read_tensors(shard))
        weight_map |= dict.fromkeys(state, name)
        if not manifest.has(f"text_encoder/{name}", origin, dtype):
            manifest.add(f"text_encoder/{name}", _cast(state, dtype), origin)
    if len(shards) > 1:
        index = json.dumps({"metadata": {}, "weight_map": weight_map}, indent=1)
        manifest.add_text("text_encoder/model.safetensors.index.json", index)


def _encoder_files(folder: Path) -> Iterator[Path]:
    """Weight files of the text encoder: those of the first index whose files are all there, or the single file."""
    for index in sorted(folder.glob("*.index*.json"), reverse=True):
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        if all((folder / name).is_file() for name in names):
            yield from (folder / name for name in names)
            return
    for name in ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            yield folder / name
            return


def _encoder_state(content: Mapping[str, Tensor]) -> State:
    """The encoder's tensors: a full T5 also brings a decoder, and the embedding twice."""
    kept = {name: tensor for name, tensor in content.items() if name.startswith(("shared.", "encoder."))}
    if "shared.weight" in kept:
        kept.pop("encoder.embed_tokens.weight", None)
    return kept


def _cast(state: Mapping[str, Tensor], dtype: torch.dtype) -> State:
    return {name: tensor.to(dtype).contiguous() for name, tensor in state.items()}


def _check_room(files: Files, target: Path, dtype: torch.dtype) -> None:
    encoder = _encoder_files(files.text_encoder) if files.text_encoder else ()
    needed = sum(_size_in(dtype, path) for net, path in files.nets.items() if net != "movq")
    needed += sum(_size_in(dtype, path) for path in encoder)
    needed += _size_in(torch.float32, files.nets["movq"]) if "movq" in files.nets else 0
    free = shutil.disk_usage(target).free
    written = sum(path.stat().st_size for path in target.rglob("*.safetensors"))
    if needed - written > free:
        raise DoesNotFit(f"converting needs about {needed - written:,} bytes in {target}, {free:,} are free")


def _size_in(dtype: torch.dtype, released: Path) -> int:
    """Bytes of a released file once it is in `dtype`: the releases are float32, unless their names tell of fp16."""
    return released.stat().st_size * dtype.itemsize // (2 if "fp16" in released.name else 4)


class _Manifest:
    """manifest.json of the target folder and the files it vouches for."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self._report = report
        path = folder / "manifest.json"
        known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        self.configs: dict[str, Any] = known.get("configs", {})
        self._files: dict[str, dict[str, Any]] = known.get("files", {})

    def has(self, name: str, origin: str, dtype: torch.dtype) -> bool:
        """Whether the file is there, made from `origin` in `dtype`."""
        path, entry = self._folder / name, self._files.get(name, {})
        wanted = {"origin": origin, "dtype": _name(dtype)}
        return entry.items() >= wanted.items() and path.is_file() and path.stat().st_size == entry["bytes"]

    def add(self, name: str, state: State, origin: str) -> None:
        """Writes tensors as safetensors; `origin` is the revision of the file they came from."""
        extra = {"origin": origin, "dtype": _name(next(iter(state.values())).dtype)}
        self._place(name, lambda path: save_file(state, path, metadata={"format": "pt"}), extra)

    def add_text(self, name: str, text: str) -> None:
        self._place(name, lambda path: path.write_text(text, "utf-8"), {})

    def copy(self, source: Path, name: str) -> None:
        self._place(name, lambda path: shutil.copyfile(source, path), {})

    def _place(self, name: str, write: Callable[[Path], object], extra: dict[str, Any]) -> None:
        final = self._folder / name
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{final.name}.partial")
        write(partial)
        self._files[name] = {"sha256": sha256(partial), "bytes": partial.stat().st_size, **extra}
        partial.replace(final)
        self.write()
        self._report(f"{name}  {self._files[name]['bytes']:,} bytes")

    def write(self) -> dict[str, Any]:
        origins = " ".join(sorted({entry["origin"] for entry in self._files.values() if "origin" in entry}))
        content = {
            "revision": hashlib.sha256(origins.encode()).hexdigest()[:12],
            "configs": self.configs,
            "files": dict(sorted(self._files.items())),
        }
        partial = self._folder / ".manifest.json.partial"
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
        partial.replace(self._folder / "manifest.json")
        return content


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def sha256(path: Path) -> str:
    """The sha256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
