"""Released weights into the studio's own layout, once: safetensors in a smaller number format and a manifest of sha256.

Every file is written beside its place and moved there when complete, and the manifest grows with it, so that an
interrupted conversion continues where it stopped and a finished one is never half there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from inference.checkpoints.convert import check_room
from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.manifest import Manifest, Report
from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, read_tensors
from inference.families.kandinsky.files.catalogue import EXACT, IN_HALVES, Net
from inference.families.kandinsky.files.contents import UNetParts, bare, clip_state, movq_state, split_unet
from inference.families.kandinsky.files.keys import (
    movq_to_official,
    projection_to_official,
    unet_to_diffusers,
    unet_to_official,
)
from inference.families.kandinsky.files.load import movq_extras, superres_extras, unet_extras
from inference.families.kandinsky.files.store import PROJECTION_OF, STUDIO_FILES, Files, locate, revisions
from inference.families.kandinsky.nets.control import infer_control_config
from inference.families.kandinsky.nets.ip_adapter import is_adapter_name
from inference.families.kandinsky.nets.movq import infer_movq_config
from inference.families.kandinsky.nets.superres import infer_superres_config
from inference.families.kandinsky.nets.unet import infer_unet_config

TOKENIZER_FILES = (
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


def convert(source: Path, target: Path, dtype: torch.dtype = torch.bfloat16, report: Report = print) -> dict[str, Any]:
    """Converts every net found in `source` into `target` and returns the manifest written there.

    U-Nets, projections, ControlNets and text encoder are stored in `dtype`, super-resolution in float16 where `dtype`
    has 16 bits (as released; bfloat16 would round pixels to 128 levels), MoVQ and the nets that look at pictures in
    float32. Of the released IP-Adapter only the adapter is kept if the U-Net in its file is, tensor by tensor, the base
    one of `source`; otherwise the whole file is.

    Files that are in `target` already, in that format and from the same source, are left alone. `report` gets one line
    a file. Raises MissingWeights when `source` holds no net at all, DoesNotFit when the disk is too small,
    UnreadableCheckpoint when a file is not what its name says.
    """
    files = locate(source)
    if not files.nets and files.text_encoder is None:
        raise MissingWeights(f"nothing to convert in {source}")
    target.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(target, report)
    manifest.configs |= {"unet": {}, "movq": {}, "text_encoder": {}} | manifest.configs
    work = _Conversion(files, manifest, dtype, revisions(files))
    check_room(_to_write(work), target)
    for net in files.nets:
        _converter(cast(Net, net))(work, cast(Net, net))
    if files.text_encoder is not None:
        _convert_text_encoder(files.text_encoder, dtype, manifest, work.origins["text_encoder"])
    if files.tokenizer is not None:
        for path in (files.tokenizer / name for name in TOKENIZER_FILES):
            if path.is_file():
                manifest.copy(path, f"text_encoder/{path.name}")
    return manifest.write()


@dataclass(frozen=True, slots=True)
class _Conversion:
    """What every step needs; `origins` are the revisions of the source's nets."""

    files: Files
    manifest: Manifest
    dtype: torch.dtype
    origins: Mapping[str, str]

    def has(self, net: Net, origin: Net | None = None) -> bool:
        return self.manifest.has(STUDIO_FILES[net], self.origins[origin or net], _format(net, self.dtype))

    def read(self, net: Net) -> dict[str, Any]:
        return read_tensors(self.files.nets[net])

    def write(self, net: Net, state: Mapping[str, Tensor], origin: Net | None = None) -> None:
        self.manifest.add(STUDIO_FILES[net], _cast(state, _format(net, self.dtype)), self.origins[origin or net])


def _converter(net: Net) -> Callable[[_Conversion, Net], None]:
    if net in PROJECTION_OF:
        return _convert_unet
    if net.startswith("control_"):
        return _convert_control
    if net.startswith("superres_"):
        return _convert_superres
    others: dict[Net, Callable[[_Conversion, Net], None]] = {
        "ip_unet": _convert_ip_unet,
        "hed_unet": _convert_whole_unet,
        "movq": _convert_movq,
        "image_encoder": _convert_image_encoder,
        "ip_adapter": _convert_bare,
        "hed_detector": _convert_bare,
    }
    return others.get(net, lambda work, net: None)  # projections come with their U-Nets


def _convert_unet(work: _Conversion, net: Net) -> None:
    """A U-Net and its projection, each into its own file."""
    files, projection_net = work.files, PROJECTION_OF[net]
    brought = projection_net not in files.nets
    has_projection = work.has(projection_net, net if brought else None)
    if work.has(net) and has_projection:
        return
    parts = split_unet(work.read(net))
    projection = parts.projection
    if projection is None:
        if brought:
            raise MissingWeights(f"{files.nets[net].name} needs its projection, which is not in {files.folder}")
        projection = projection_to_official(work.read(projection_net))
    if not work.has(net):
        work.write(net, _unet_state(work, net, parts))
    if not has_projection:
        work.write(projection_net, projection, net if brought else None)


def _convert_whole_unet(work: _Conversion, net: Net) -> None:
    """A U-Net with its projection inside, into one file."""
    if work.has(net):
        return
    parts = split_unet(work.read(net))
    projection = {f"projections.{name}": tensor for name, tensor in (parts.projection or {}).items()}
    work.write(net, {**_unet_state(work, net, parts), **projection})


def _unet_state(work: _Conversion, net: Net, parts: UNetParts) -> State:
    config = infer_unet_config(shapes_of(parts.unet), **unet_extras(work.files, net))
    work.manifest.configs["unet"] = {**config, "in_channels": 4}  # the inpainting net's nine show in its shapes
    state = {f"unet.{name}": tensor for name, tensor in unet_to_official(parts.unet).items()}
    if parts.null_embedding is not None:
        state["null_embedding"] = parts.null_embedding
    return state


def _convert_ip_unet(work: _Conversion, net: Net) -> None:
    if work.has("ip_adapter", net) or work.has(net):
        return
    different = _differences(work, net)
    if different:
        work.manifest.report(f"the IP-Adapter's U-Net is not the base one ({different}): kept whole")
        _convert_whole_unet(work, net)
    else:
        adapter = {name: it for name, it in split_unet(work.read(net)).unet.items() if is_adapter_name(name)}
        work.write("ip_adapter", unet_to_official(adapter), net)


def _differences(work: _Conversion, net: Net) -> str:
    """In what the U-Net and projection in the adapter's file differ from the base ones, "" for nothing at all."""
    if "base" not in work.files.nets:
        return "the base one is not here"
    ours, theirs = split_unet(work.read(net)), split_unet(work.read("base"))
    projection = theirs.projection
    if projection is None and "projection" in work.files.nets:
        projection = projection_to_official(work.read("projection"))
    unet = {name: tensor for name, tensor in ours.unet.items() if not is_adapter_name(name)}
    found = _unequal(unet, theirs.unet) + _unequal(ours.projection or {}, projection or {})
    return f"{len(found)} tensors differ, {found[0]} for one" if found else ""


def _unequal(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[str]:
    def same(name: str) -> bool:
        a, b = ours.get(name), theirs.get(name)
        return a is not None and b is not None and a.dtype == b.dtype and torch.equal(a, b)

    return sorted(name for name in ours.keys() | theirs.keys() if not same(name))


def _convert_control(work: _Conversion, net: Net) -> None:
    if work.has(net):
        return
    state = unet_to_diffusers(bare(work.read(net)))
    if not work.manifest.configs["unet"]:
        config = infer_control_config(shapes_of(state), **unet_extras(work.files, net))
        work.manifest.configs["unet"] = {**config, "in_channels": 4}
    work.write(net, unet_to_official(state))


def _convert_superres(work: _Conversion, net: Net) -> None:
    if work.has(net):
        return
    state = bare(work.read(net))
    work.manifest.configs["superres"] = infer_superres_config(shapes_of(state), **superres_extras(work.files))
    work.write(net, state)


def _convert_movq(work: _Conversion, net: Net) -> None:
    if work.has(net):
        return
    state = movq_state(work.read(net))
    work.manifest.configs["movq"] = infer_movq_config(shapes_of(state), **movq_extras(work.files))
    work.write(net, movq_to_official(state))


def _convert_image_encoder(work: _Conversion, net: Net) -> None:
    config = work.files.nets[net].parent / "config.json"
    if config.is_file():
        work.manifest.copy(config, str(Path(STUDIO_FILES[net]).parent / "config.json"))
    if not work.has(net):
        work.write(net, clip_state(work.read(net)))


def _convert_bare(work: _Conversion, net: Net) -> None:
    if not work.has(net):
        work.write(net, bare(work.read(net)))


def _convert_text_encoder(folder: Path, dtype: torch.dtype, manifest: Manifest, origin: str) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    manifest.configs["text_encoder"] = config
    manifest.copy(folder / "config.json", "text_encoder/config.json")
    shards = list(_encoder_files(folder))
    weight_map: dict[str, str] = {}
    for name, shard in zip(_shard_names(len(shards)), shards, strict=True):
        state = _encoder_state(read_tensors(shard))
        weight_map |= dict.fromkeys(state, name)
        if not manifest.has(f"text_encoder/{name}", origin, dtype):
            manifest.add(f"text_encoder/{name}", _cast(state, dtype), origin)
    if len(shards) > 1:
        index = json.dumps({"metadata": {}, "weight_map": weight_map}, indent=1)
        manifest.add_text("text_encoder/model.safetensors.index.json", index)


def _shard_names(count: int) -> list[str]:
    """What the files of a text encoder are called in the studio's layout."""
    return (
        ["model.safetensors"]
        if count == 1
        else [f"model-{n:05}-of-{count:05}.safetensors" for n in range(1, count + 1)]
    )


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


def _format(net: Net, dtype: torch.dtype) -> torch.dtype:
    """The number format that a net is stored in when U-Nets are in `dtype`."""
    if net in EXACT:
        return torch.float32
    return torch.float16 if net.startswith("superres_") and dtype.itemsize == 2 else dtype


def still_to_write(source: Path, target: Path, dtype: torch.dtype = torch.bfloat16) -> int:
    """About how many bytes `convert` would add to `target`: those of what is there already are left out."""
    files = locate(source)
    return _to_write(_Conversion(files, Manifest(target, lambda line: None), dtype, revisions(files)))


def _to_write(work: _Conversion) -> int:
    files = work.files
    size = 0
    for net in (cast(Net, name) for name in files.nets):
        if not work.has(net) and not (net == "ip_unet" and work.has("ip_adapter", net)):
            size += _size_in(_format(net, work.dtype), files.nets[net], net)
    if files.text_encoder is not None:
        shards = list(_encoder_files(files.text_encoder))
        for name, shard in zip(_shard_names(len(shards)), shards, strict=True):
            if not work.manifest.has(f"text_encoder/{name}", work.origins["text_encoder"], work.dtype):
                size += _size_in(work.dtype, shard)
    return size


def _size_in(dtype: torch.dtype, released: Path, net: str = "") -> int:
    """Bytes of a released file once it is in `dtype`: most are float32, unless their names tell of fp16."""
    return released.stat().st_size * dtype.itemsize // (2 if "fp16" in released.name or net in IN_HALVES else 4)
