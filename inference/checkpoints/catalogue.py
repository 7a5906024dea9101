"""Every released file of Kandinsky 3.1 text to image, Flash and inpainting, and where it lies on the Hugging Face hub.

Sizes are what a person should expect to download; the exact ones are asked from the hub before a download starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Net = Literal[
    "base", "flash", "inpainting", "projection", "projection_flash", "projection_inpainting", "movq", "text_encoder"
]
Mode = Literal["full", "flash", "inpainting"]
Layout = Literal["kandinsky-3.1", "kandinsky-3.0", "diffusers"]

MODES: tuple[Mode, ...] = ("full", "flash", "inpainting")
UNET_OF_MODE: dict[Mode, Literal["base", "flash", "inpainting"]] = {
    "full": "base",
    "flash": "flash",
    "inpainting": "inpainting",
}


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """One file of a release: `bytes` is approximate, `modes` are those that need it, `optional` ones may not exist."""

    layout: Layout
    repo: str
    path: str
    net: Net
    modes: tuple[Mode, ...]
    bytes: int
    revision: str = "main"

    @property
    def optional(self) -> bool:
        return self.path.endswith(("special_tokens_map.json", "added_tokens.json"))


_V31_REPO = "ai-forever/Kandinsky3.1"


def _v31(path: str, net: Net, modes: tuple[Mode, ...], size: int) -> ReleasedFile:
    return ReleasedFile("kandinsky-3.1", _V31_REPO, f"weights/{path}", net, modes, size)


def _text_encoder(layout: Layout, modes: tuple[Mode, ...]) -> Iterator[ReleasedFile]:
    """The FLAN-UL2 encoder. 3.0 took it from google/flan-ul2, where a decoder comes along; it was frozen in both
    trainings, so that of 3.1 serves 3.0 as well."""
    small = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    sizes = dict.fromkeys(small, _SMALL) | {"spiece.model": 791_656, "pytorch_model.bin.index.json": 20_000}
    sizes |= {f"pytorch_model-{shard:05}-of-00004.bin": 34_887_190_528 // 4 for shard in range(1, 5)}
    for name, size in sizes.items():
        yield ReleasedFile(layout, _V31_REPO, f"weights/flan_ul2_encoder/{name}", "text_encoder", modes, size)


def _v30(path: str, net: Net, modes: tuple[Mode, ...], size: int) -> ReleasedFile:
    return ReleasedFile("kandinsky-3.0", "ai-forever/Kandinsky3.0", f"weights/{path}", net, modes, size)


def _diffusers(path: str, net: Net, size: int) -> ReleasedFile:
    return ReleasedFile("diffusers", "kandinsky-community/kandinsky-3", path, net, ("full",), size)


_UNET = 12_154_673_000  # 3,038,562,820 float32 parameters and the archive's own bytes
_PROJECTION = 67_144_000
_MOVQ = 1_082_577_000
_SMALL = 3_000

CATALOGUE: tuple[ReleasedFile, ...] = (
    _v31("kandinsky3.pt", "base", ("full",), _UNET),
    _v31("kandinsky3_flash.pt", "flash", ("flash",), _UNET),
    _v31("kandinsky3_inpainting.pt", "inpainting", ("inpainting",), _UNET),
    _v31("movq.pt", "movq", MODES, _MOVQ),
    _v31("flan_ul2_encoder/projection.pt", "projection", ("full",), _PROJECTION),
    _v31("flan_ul2_encoder/projection_flash.pt", "projection_flash", ("flash",), _PROJECTION),
    _v31("flan_ul2_encoder/projection_inpainting.pt", "projection_inpainting", ("inpainting",), _PROJECTION),
    *_text_encoder("kandinsky-3.1", MODES),
    # 3.0: the projections are inside the U-Net files.
    *_text_encoder("kandinsky-3.0", ("full", "inpainting")),
    _v30("kandinsky3.pt", "base", ("full",), 12_221_798_439),
    _v30("kandinsky3_inpainting.pt", "inpainting", ("inpainting",), 12_221_834_000),
    _v30("movq.pt", "movq", ("full", "inpainting"), _MOVQ),
    # 3.0 in the layout of diffusers: half precision, projection inside the U-Net, no null embedding anywhere.
    _diffusers("unet/config.json", "base", _SMALL),
    _diffusers("unet/diffusion_pytorch_model.fp16.safetensors", "base", 6_110_823_000),
    _diffusers("movq/config.json", "movq", _SMALL),
    _diffusers("movq/diffusion_pytorch_model.fp16.safetensors", "movq", 541_384_000),
    _diffusers("tokenizer/spiece.model", "text_encoder", 791_656),
    _diffusers("tokenizer/tokenizer_config.json", "text_encoder", _SMALL),
    _diffusers("tokenizer/special_tokens_map.json", "text_encoder", _SMALL),
    _diffusers("tokenizer/added_tokens.json", "text_encoder", _SMALL),
    _diffusers("text_encoder/config.json", "text_encoder", _SMALL),
    _diffusers("text_encoder/model.safetensors.index.fp16.json", "text_encoder", 20_000),
    *(
        _diffusers(f"text_encoder/model.fp16-{shard:05}-of-00005.safetensors", "text_encoder", 21_738_000_000 // 5)
        for shard in range(1, 6)
    ),
)


def released_files(layout: Layout, modes: Iterable[str]) -> tuple[ReleasedFile, ...]:
    """Files of one release that any of `modes` needs, in the order to fetch them: small ones first, U-Nets last."""
    wanted = set(modes)
    found = [entry for entry in CATALOGUE if entry.layout == layout and wanted & set(entry.modes)]
    return tuple(sorted(found, key=lambda entry: entry.bytes))


def offers(layout: Layout, mode: Mode) -> bool:
    """Whether a release has the U-Net of a mode at all."""
    return any(entry.net == UNET_OF_MODE[mode] for entry in released_files(layout, [mode]))


def human_size(count: int) -> str:
    """A byte count for people, in decimal units: "12.2 GB", "67 MB", "3 kB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            value = count / factor
            return f"{value:.1f} {unit}" if value < 100 and unit == "GB" else f"{value:.0f} {unit}"
    return f"{count} B"
