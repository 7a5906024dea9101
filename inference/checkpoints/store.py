"""What is on disk: which file holds which net, what each mode lacks, and the card that tells the bot. No torch here.

A weights folder may hold the studio's own layout (written by `convert`), the released files as they come from the hub,
or diffusers' folders; also a mixture, in which case the studio's files win.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.checkpoints.catalogue import MODES, UNET_OF_MODE, Mode, human_size, released_files
from inference.requests import Kind, ModelCard, Texts

EMBEDDED = Path(__file__).parent.parent / "nano" / "weights"
KINDS: tuple[Kind, ...] = ("flash", "full")

_DIFFUSERS_FILES = tuple(
    f"diffusion_pytorch_model{ending}" for ending in (".safetensors", ".fp16.safetensors", ".bin", ".fp16.bin")
)
# Where each net may lie, best first; "weights/" is the folder of the released repositories.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "base": ("kandinsky3.safetensors", "kandinsky3.pt", *(f"unet/{name}" for name in _DIFFUSERS_FILES)),
    "flash": ("kandinsky3_flash.safetensors", "kandinsky3_flash.pt"),
    "inpainting": ("kandinsky3_inpainting.safetensors", "kandinsky3_inpainting.pt"),
    "movq": ("movq.safetensors", "movq.pt", *(f"movq/{name}" for name in _DIFFUSERS_FILES)),
    "projection": ("projection.safetensors", "flan_ul2_encoder/projection.pt"),
    "projection_flash": ("projection_flash.safetensors", "flan_ul2_encoder/projection_flash.pt"),
    "projection_inpainting": ("projection_inpainting.safetensors", "flan_ul2_encoder/projection_inpainting.pt"),
}
TEXT_ENCODER_FOLDERS = ("text_encoder", "flan_ul2_encoder", "flan-ul2")
TOKENIZER_FOLDERS = ("tokenizer", *TEXT_ENCODER_FOLDERS)
PROJECTION_OF = {"base": "projection", "flash": "projection_flash", "inpainting": "projection_inpainting"}

_SIZES = {
    "1:1": (1024, 1024),
    "4:3": (1152, 896),
    "3:4": (896, 1152),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "16:9": (1344, 768),
    "9:16": (768, 1344),
    "21:9": (1536, 640),
}

_STATED = ("label", "native_size", "sizes", "vocabulary", "lexicon", "examples")


class MissingWeights(RuntimeError):
    """Something the checkpoint folder does not hold was asked for; the message names it and the folder."""


@dataclass(frozen=True, slots=True)
class Files:
    """Which file of `folder` holds which net. `nets` has keys of CANDIDATES; the two text parts are folders."""

    folder: Path
    nets: Mapping[str, Path]
    text_encoder: Path | None
    tokenizer: Path | None
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        configs: Mapping[str, Any] = self.manifest.get("configs", {})
        return configs


def locate(folder: Path) -> Files:
    """Looks for every net in `folder` and its subfolder "weights"; what is not there is absent from the answer."""
    roots = [root for root in (folder, folder / "weights") if root.is_dir()]
    nets = {}
    for net, names in CANDIDATES.items():
        found = next((root / name for name in names for root in roots if (root / name).is_file()), None)
        if found:
            nets[net] = found
    manifest = folder / "manifest.json"
    return Files(
        folder=folder,
        nets=nets,
        text_encoder=_first(roots, TEXT_ENCODER_FOLDERS, _holds_text_encoder),
        tokenizer=_first(
            roots, TOKENIZER_FOLDERS, lambda f: (f / "spiece.model").is_file() or (f / "tokenizer.json").is_file()
        ),
        manifest=json.loads(manifest.read_text("utf-8")) if manifest.is_file() else {},
    )


def _first(roots: list[Path], names: tuple[str, ...], test: Any) -> Path | None:
    return next((root / name for name in names for root in roots if test(root / name)), None)


def _holds_text_encoder(folder: Path) -> bool:
    """Whether `folder` has a configuration and every weight file that its index (if any) names."""
    if not (folder / "config.json").is_file():
        return False
    for index in sorted(folder.glob("*.index*.json")):
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        if all((folder / shard).is_file() for shard in shards):
            return True
    singles = ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin")
    return any((folder / single).is_file() for single in singles)


def brings_projection(unet: Path) -> bool:
    """Whether a U-Net file holds its text projection too (3.0, diffusers); reads only its table of contents."""
    if unet.suffix == ".safetensors":
        with unet.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        return any("projection_linear" in name or name.startswith("projections.") for name in header)
    if not zipfile.is_zipfile(unet):
        return False
    with zipfile.ZipFile(unet) as archive:
        tables = [name for name in archive.namelist() if name.endswith("data.pkl")]
        return any(mark in archive.read(table) for table in tables for mark in (b"projections", b"projection_linear"))


def lacking(files: Files, mode: Mode) -> list[str]:
    """The parts `mode` needs and `files` does not have, by net name; empty when it can run."""
    unet = UNET_OF_MODE[mode]
    missing = [net for net in (unet, "movq") if net not in files.nets]
    projection = PROJECTION_OF[unet]
    if projection not in files.nets and not (unet in files.nets and brings_projection(files.nets[unet])):
        missing.append(projection)
    if files.text_encoder is None or files.tokenizer is None:
        missing.append("text_encoder")
    return missing


def describe_lack(files: Files, mode: Mode) -> str:
    """The released files that would give `mode` what it lacks, with sizes; "" when nothing is missing."""
    missing = lacking(files, mode)
    wanted = [entry for entry in released_files("kandinsky-3.1", [mode]) if entry.net in missing]
    if not wanted:
        return ""
    parts: dict[str, int] = {}
    for entry in wanted:
        name = entry.path if entry.net != "text_encoder" else str(Path(entry.path).parent) + "/"
        parts[name] = parts.get(name, 0) + entry.bytes
    return ", ".join(f"{name} ({human_size(size)})" for name, size in parts.items())


def choose(weights: Path | None, embedded: Path = EMBEDDED) -> Files:
    """The files to draw with: those of `weights` if any mode can run from there, else the embedded small checkpoint.

    Raises MissingWeights when neither has what a single mode needs.
    """
    for folder in (weights, embedded):
        if folder is not None:
            files = locate(folder)
            if any(not lacking(files, mode) for mode in MODES):
                return files
    raise MissingWeights(
        f"no mode can run from {weights or embedded}: {describe_lack(locate(weights or embedded), 'flash')}"
    )


def model_card(weights: Path | None, embedded: Path = EMBEDDED) -> ModelCard:
    """What the chosen checkpoint can do and offers. `missing` tells of `weights` where given, even if incomplete."""
    files = choose(weights, embedded)
    own = locate(weights) if weights is not None else files
    stated = _card_beside(files.folder)
    return ModelCard(
        kinds=tuple(kind for kind in KINDS if not lacking(files, kind)),
        missing={kind: lack for kind in KINDS if (lack := describe_lack(own, kind))},
        embedded=files.folder == embedded,
        revisions=revisions(files),
        **stated,
    )


def _card_beside(folder: Path) -> dict[str, Any]:
    """The fields of card.json, or those that hold for the released nets."""
    path = folder / "card.json"
    if path.is_file():
        stated: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {name: stated[name] for name in _STATED if name in stated}
    return {"label": Texts(ru="Kandinsky 3.1", en="Kandinsky 3.1"), "native_size": (1024, 1024), "sizes": _SIZES}


def revisions(files: Files) -> dict[str, str]:
    """A short name of the very bytes of every net, for recipes: twelve hex digits.

    From the manifest's sha256 where there is one, from what the hub's downloader noted beside the file otherwise, and
    as a last resort from the file's size, beginning and end.
    """
    found = {net: _revision(files, path) for net, path in files.nets.items()}
    if files.text_encoder is not None:
        weights = sorted(p for p in files.text_encoder.glob("*model*") if p.suffix in (".safetensors", ".bin"))
        joint = " ".join(_revision(files, path) for path in weights)
        found["text_encoder"] = joint if len(weights) == 1 else hashlib.sha256(joint.encode()).hexdigest()[:12]
    return found


def _revision(files: Files, path: Path) -> str:
    name = path.relative_to(files.folder).as_posix()
    if stated := files.manifest.get("files", {}).get(name):
        return str(stated["sha256"])[:12]
    if noted := noted_checksum(files.folder, name):
        return noted[:12]
    size, edge = path.stat().st_size, 1 << 20
    with path.open("rb") as stream:
        head = stream.read(edge)
        stream.seek(max(0, size - edge))
        return hashlib.sha256(str(size).encode() + head + stream.read()).hexdigest()[:12]


def noted_checksum(folder: Path, name: str) -> str | None:
    """The sha256 that the hub stated for a file when it was downloaded into `folder`; None where it did not."""
    note = folder / ".cache" / "huggingface" / "download" / f"{name}.metadata"
    lines = note.read_text("utf-8").splitlines() if note.is_file() else []
    return lines[1] if len(lines) > 1 and re.fullmatch("[0-9a-f]{64}", lines[1]) else None
