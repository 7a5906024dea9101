"""What is on disk: which file holds which net, what each kind of request lacks, and the card that tells the bot. No
torch here.

A weights folder may hold the studio's own layout (written by `convert`), the released files as they come from the hub,
diffusers' folders, or the hub's own cache (`models--owner--name/snapshots/…`); also a mixture, in which case the
studio's files win. Released files lie where `weights download` puts them: those of ai-forever/Kandinsky3.1 in the
folder itself or in `weights/`, those of the other repositories in the folders `catalogue.FOLDERS`.

The studio's layout, every file of which may be absent:

    kandinsky3.safetensors  kandinsky3_flash.safetensors  kandinsky3_inpainting.safetensors  kandinsky3_hed.safetensors
    projection.safetensors  projection_flash.safetensors  projection_inpainting.safetensors
    ip_adapter.safetensors (or kandinsky3_ip.safetensors, with its own U-Net)   image_encoder/   text_encoder/
    control_depth.safetensors  control_scribble.safetensors  hed.safetensors   movq.safetensors
    superres_x2.safetensors  superres_x4.safetensors  superres_flash_x2.safetensors   manifest.json  card.json

Language models are looked for elsewhere (`families.language.files`).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from inference.checkpoints.folders import MissingWeights, first_folder, holds_model, snapshots, stated, weights_in
from inference.checkpoints.released import human_size
from inference.checkpoints.revisions import revision_of, revision_of_folder
from inference.families.kandinsky.files.catalogue import CATALOGUE, FOLDERS, KINDS, UNET_PARTS, Net, UNet, ways
from inference.requests import Ability, Kind, ModelCard, Texts

EMBEDDED = Path(__file__).parents[3] / "nano" / "weights"
FROM_WORDS: tuple[Kind, ...] = ("flash", "full")  # without one of these a folder is no studio

_DIFFUSERS_FILES = tuple(
    f"diffusion_pytorch_model{ending}" for ending in (".safetensors", ".fp16.safetensors", ".bin", ".fp16.bin")
)
_WEIGHT_FILES = ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin")
# Where each net may lie, best first: the studio's name, then names in the released repositories.
STUDIO_FILES: Mapping[Net, str] = {
    "base": "kandinsky3.safetensors",
    "flash": "kandinsky3_flash.safetensors",
    "inpainting": "kandinsky3_inpainting.safetensors",
    "ip_unet": "kandinsky3_ip.safetensors",
    "hed_unet": "kandinsky3_hed.safetensors",
    "movq": "movq.safetensors",
    "projection": "projection.safetensors",
    "projection_flash": "projection_flash.safetensors",
    "projection_inpainting": "projection_inpainting.safetensors",
    "ip_adapter": "ip_adapter.safetensors",
    "image_encoder": "image_encoder/model.safetensors",
    "control_depth": "control_depth.safetensors",
    "control_scribble": "control_scribble.safetensors",
    "hed_detector": "hed.safetensors",
    "superres_x2": "superres_x2.safetensors",
    "superres_x4": "superres_x4.safetensors",
    "superres_flash_x2": "superres_flash_x2.safetensors",
}
_RELEASED: Mapping[Net, tuple[str, ...]] = {
    "base": ("kandinsky3.pt", *(f"unet/{name}" for name in _DIFFUSERS_FILES)),
    "flash": ("kandinsky3_flash.pt",),
    "inpainting": ("kandinsky3_inpainting.pt",),
    "movq": ("movq.pt", *(f"movq/{name}" for name in _DIFFUSERS_FILES)),
    "projection": ("flan_ul2_encoder/projection.pt",),
    "projection_flash": ("flan_ul2_encoder/projection_flash.pt",),
    "projection_inpainting": ("flan_ul2_encoder/projection_inpainting.pt",),
    "ip_unet": tuple(f"unet/{name}" for name in _DIFFUSERS_FILES),
    "hed_unet": tuple(f"unet/{name}" for name in _DIFFUSERS_FILES),
    "image_encoder": tuple(f"image_encoder/{name}" for name in _WEIGHT_FILES),
    "control_depth": tuple(f"unet_controlnet/{name}" for name in _DIFFUSERS_FILES),
    "control_scribble": tuple(f"unet_controlnet/{name}" for name in _DIFFUSERS_FILES),
    "hed_detector": ("ControlNetHED.pth",),
    "superres_x2": ("KandiSuperRes_x2.ckpt",),
    "superres_x4": ("KandiSuperRes.ckpt",),
    "superres_flash_x2": ("KandiSuperRes_flash_x2.pt",),
}
TEXT_ENCODER_FOLDERS = ("text_encoder", "flan_ul2_encoder", "flan-ul2", "flan-t5-xl")
TOKENIZER_FOLDERS = ("tokenizer", *TEXT_ENCODER_FOLDERS)
PROJECTION_OF: Mapping[str, Net] = {
    "base": "projection",
    "flash": "projection_flash",
    "inpainting": "projection_inpainting",
}
_MAIN_REPOS = ("ai-forever/Kandinsky3.1", "ai-forever/Kandinsky3.0", "kandinsky-community/kandinsky-3")

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

_OF_ALL = (
    "label",
    "vocabulary",
    "lexicon",
    "examples",
    "styles",
    "refines",
)  # in card.json; the rest it says of each of its kinds

_WORTH_TELLING = 1_000_000  # bytes; configurations come along with the weights beside them


@dataclass(frozen=True, slots=True)
class Files:
    """Which file of `folder` holds which net. `nets` maps to weight files; text encoder and tokenizer are folders."""

    folder: Path
    nets: Mapping[str, Path]
    text_encoder: Path | None
    tokenizer: Path | None
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        configs: Mapping[str, Any] = self.manifest.get("configs", {})
        return configs

    def has(self, net: Net) -> bool:
        """Whether a net is there; a projection also inside its U-Net's file."""
        if net == "text_encoder":
            return self.text_encoder is not None and self.tokenizer is not None
        if net in self.nets:
            return True
        owner = next((unet for unet, projection in PROJECTION_OF.items() if projection == net), None)
        return owner in self.nets and brings_projection(self.nets[cast(str, owner)])

    def size(self, nets: Iterable[Net]) -> int:
        """Bytes of the weight files of `nets`; those that are absent count nothing."""
        return sum(path.stat().st_size for net in nets for path in self._weights(net))

    def _weights(self, net: Net) -> Iterator[Path]:
        if net == "text_encoder" and self.text_encoder is not None:
            yield from weights_in(self.text_encoder)
        elif net in self.nets:
            yield self.nets[net]


def locate(folder: Path) -> Files:
    """Looks for every net in `folder`; what is not there is absent from the answer."""
    roots = [root for root in (folder, folder / "weights", *snapshots(folder, *_MAIN_REPOS)) if root.is_dir()]
    nets: dict[str, Path] = {}
    for net in STUDIO_FILES:
        found = next((path for path in _places(folder, roots, net) if path.is_file()), None)
        if found:
            nets[net] = found
    return Files(
        folder=folder,
        nets=nets,
        text_encoder=first_folder(roots, TEXT_ENCODER_FOLDERS, holds_model),
        tokenizer=first_folder(
            roots, TOKENIZER_FOLDERS, lambda f: (f / "spiece.model").is_file() or (f / "tokenizer.json").is_file()
        ),
        manifest=stated(folder),
    )


def _places(folder: Path, roots: list[Path], net: Net) -> Iterator[Path]:
    yield from (root / STUDIO_FILES[net] for root in roots)
    own = {entry.repo for entry in CATALOGUE if entry.net == net} & FOLDERS.keys()
    if own:
        roots = [*(folder / FOLDERS[repo] for repo in own), *snapshots(folder, *own)]
    yield from (root / name for name in _RELEASED.get(net, ()) for root in roots)


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


def nets_of(files: Files, kind: Kind) -> tuple[Net, ...]:
    """The nets that a kind of request works with here: those of the first way that is complete, or of the preferred
    one."""
    return _complete(files, ways(kind)) or ways(kind)[0]


def unet_nets(files: Files, unet: UNet) -> tuple[Net, ...]:
    """The nets that a U-Net is made of here, chosen in the same manner."""
    return _complete(files, UNET_PARTS[unet]) or UNET_PARTS[unet][0]


def _complete(files: Files, choices: Iterable[tuple[Net, ...]]) -> tuple[Net, ...] | None:
    return next((nets for nets in choices if all(files.has(net) for net in nets)), None)


def lacking(files: Files, kind: Kind) -> list[Net]:
    """The nets that a kind of request needs and `files` does not have; empty when it can run.

    Where there are several ways, those of the way with the least to download.
    """
    if _complete(files, ways(kind)):
        return []
    open_ways = [[net for net in way if not files.has(net)] for way in ways(kind)]
    downloadable = {entry.net for entry in CATALOGUE}
    return min(
        (missing for missing in open_ways if downloadable.issuperset(missing)),
        key=lambda missing: sum(entry.bytes for entry in CATALOGUE if entry.net in missing),
    )


def describe_lack(files: Files, kind: Kind) -> str:
    """The released files that would give a kind of request what it lacks, with sizes; "" when nothing is missing."""
    missing = lacking(files, kind)
    parts: dict[str, int] = {}
    for entry in CATALOGUE:
        whole = entry.net == "text_encoder" or entry.bytes >= _WORTH_TELLING
        if entry.layout == "kandinsky-3.1" and entry.net in missing and whole:
            name = entry.place if entry.net != "text_encoder" else str(Path(entry.place).parent) + "/"
            parts[name] = parts.get(name, 0) + entry.bytes
    by_size = sorted(parts.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} ({human_size(size)})" for name, size in by_size)


def choose(weights: Path | None, embedded: Path = EMBEDDED) -> Files:
    """The files to draw with: those of `weights` if they can draw from words, else the embedded small checkpoint.

    Raises MissingWeights when neither can.
    """
    for folder in (weights, embedded):
        if folder is not None:
            files = locate(folder)
            if any(not lacking(files, kind) for kind in FROM_WORDS):
                return files
    raise MissingWeights(
        f"no mode can run from {weights or embedded}: {describe_lack(locate(weights or embedded), 'flash')}"
    )


def model_card(weights: Path | None, embedded: Path = EMBEDDED) -> ModelCard:
    """What the chosen checkpoint can do and offers. `missing` tells of `weights` where given, even if incomplete."""
    files = choose(weights, embedded)
    own = locate(weights) if weights is not None else files
    stated = _card_beside(files.folder)
    ability = Ability(**{name: stated[name] for name in Ability.model_fields if name in stated})
    return ModelCard(
        abilities={kind: ability for kind in KINDS if not lacking(files, kind)},
        missing={kind: lack for kind in KINDS if (lack := describe_lack(own, kind))},
        revisions=revisions(files),
        **{name: stated[name] for name in _OF_ALL if name in stated},
    )


def _card_beside(folder: Path) -> dict[str, Any]:
    """The fields of card.json, or those that hold for the released nets."""
    path = folder / "card.json"
    if path.is_file():
        stated: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return stated
    return {"label": Texts(ru="Kandinsky 3.1", en="Kandinsky 3.1"), "native_size": (1024, 1024), "sizes": _SIZES}


def revisions(files: Files) -> dict[str, str]:
    """A short name of the very bytes of every net, for recipes: twelve hex digits."""
    found = {net: revision_of(files.folder, path, files.manifest) for net, path in files.nets.items()}
    if files.text_encoder is not None:
        found["text_encoder"] = revision_of_folder(files.folder, weights_in(files.text_encoder), files.manifest)
    return found
