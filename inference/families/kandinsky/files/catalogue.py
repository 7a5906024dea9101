"""Every net of Kandinsky 3.1, which of them each kind of request takes, and where their files lie on the hub.

Sizes are what a person should expect to download; the exact ones are asked from the hub before a download starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Literal

from inference.checkpoints.released import ReleasedFile
from inference.requests import Kind

Net = Literal[
    "base", "flash", "inpainting", "ip_unet", "hed_unet", "projection", "projection_flash", "projection_inpainting",
    "movq", "text_encoder", "ip_adapter", "image_encoder", "control_depth", "control_scribble", "hed_detector",
    "superres_x2", "superres_x4", "superres_flash_x2",
]  # fmt: skip
UNet = Literal["full", "flash", "inpainting", "mix", "mix_flash", "hed"]  # a whole one, as a pass goes through it
Layout = Literal["kandinsky-3.1", "kandinsky-3.0", "diffusers"]

CONTROLS: tuple[Net, ...] = ("control_depth", "control_scribble")
SUPERRES: tuple[Net, ...] = ("superres_x2", "superres_x4", "superres_flash_x2")

# The nets that each U-Net is made of. Where there are several ways, the first complete one is taken: the
# released IP-Adapter is one file with its own U-Net, which conversion splits where that U-Net is the base one.
UNET_PARTS: Mapping[UNet, tuple[tuple[Net, ...], ...]] = {
    "full": (("base", "projection"),),
    "flash": (("flash", "projection_flash"),),
    "inpainting": (("inpainting", "projection_inpainting"),),
    "mix": (("base", "projection", "ip_adapter"), ("ip_unet",)),
    "mix_flash": (("flash", "projection_flash", "ip_adapter"), ("flash", "projection_flash", "ip_unet")),
    "hed": (("hed_unet",),),
}

# In which format conversion keeps a net, where that is not the one of U-Nets.
EXACT: tuple[Net, ...] = ("movq", "image_encoder", "hed_detector")  # small, and sensitive to rounding: float32
IN_HALVES: tuple[Net, ...] = ("control_depth", "control_scribble", "superres_x4", "hed_detector")  # released in 16 bits

_DRAWING: tuple[Net, ...] = ("movq", "text_encoder")
# The U-Net of each kind of request, and its other nets.
_TAKES: Mapping[Kind, tuple[UNet | None, tuple[Net, ...]]] = {
    "flash": ("flash", _DRAWING),
    "full": ("full", _DRAWING),
    "refine": ("full", _DRAWING),
    "inpaint": ("inpainting", _DRAWING),
    "outpaint": ("inpainting", _DRAWING),
    "mix": ("mix", (*_DRAWING, "image_encoder")),
    "mix_flash": ("mix_flash", (*_DRAWING, "image_encoder")),
    "hed": ("hed", (*_DRAWING, "hed_detector")),
    "depth": ("full", (*_DRAWING, "control_depth")),
    "scribble": ("full", (*_DRAWING, "control_scribble", "hed_detector")),
    "x2": (None, ("superres_x2",)),
    "x4": (None, ("superres_x4",)),
    "flash_x2": ("flash", (*_DRAWING, "superres_flash_x2")),
}
FORMATS = ("unet", "text", "movq", "superres")  # what an owner may choose the number formats of
KINDS = tuple(_TAKES)  # those that draw; language models are no part of a checkpoint


def ways(kind: Kind) -> tuple[tuple[Net, ...], ...]:
    """The sets of nets that a kind of request can work with, the preferred one first; an empty one for texts."""
    unet, others = _TAKES.get(kind, (None, ()))
    return tuple((*parts, *others) for parts in UNET_PARTS[unet]) if unet else (others,)


def moved_for(kind: Kind) -> tuple[Net | UNet, ...]:
    """What goes to the device for a kind of request: its U-Net as a whole, and its other nets; nothing for texts."""
    unet, others = _TAKES.get(kind, (None, ()))
    return (unet, *others) if unet else others


# Repositories whose files bear the same names as others' get folders of their own.
FOLDERS: Mapping[str, str] = {
    "ai-forever/kandinsky3_ip_adapter": "ip_adapter",
    "ai-forever/kandinsky3_controlnet_hed": "controlnet_hed",
    "ai-forever/kandinsky3_controlnet_v2_depth": "controlnet_depth",
    "ai-forever/kandinsky3_controlnet_v2_scribble": "controlnet_scribble",
    "ai-forever/KandiSuperRes": "superres",
    "lllyasviel/Annotators": "annotators",
}

_V31_REPO = "ai-forever/Kandinsky3.1"


def _v31(path: str, net: Net, size: int) -> ReleasedFile:
    return ReleasedFile("kandinsky-3.1", _V31_REPO, f"weights/{path}", net, size)


def _text_encoder(layout: Layout) -> Iterator[ReleasedFile]:
    """The FLAN-UL2 encoder. 3.0 took it from google/flan-ul2, where a decoder comes along; it was frozen in both
    trainings, so that of 3.1 serves 3.0 as well."""
    small = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    sizes = dict.fromkeys(small, _SMALL) | {"spiece.model": 791_656, "pytorch_model.bin.index.json": 20_000}
    sizes |= {f"pytorch_model-{shard:05}-of-00004.bin": 34_887_190_528 // 4 for shard in range(1, 5)}
    for name, size in sizes.items():
        yield ReleasedFile(layout, _V31_REPO, f"weights/flan_ul2_encoder/{name}", "text_encoder", size)


def _v30(path: str, net: Net, size: int) -> ReleasedFile:
    return ReleasedFile("kandinsky-3.0", "ai-forever/Kandinsky3.0", f"weights/{path}", net, size)


def _diffusers(path: str, net: Net, size: int) -> ReleasedFile:
    return ReleasedFile("diffusers", "kandinsky-community/kandinsky-3", path, net, size)


def _added(repo: str, path: str, net: Net, size: int) -> ReleasedFile:
    return ReleasedFile("kandinsky-3.1", repo, path, net, size, FOLDERS.get(repo, ""))


_UNET = 12_154_673_000  # 3,038,562,820 float32 parameters and the archive's own bytes
_PROJECTION = 67_144_000
_MOVQ = 1_082_577_000
_SMALL = 3_000

CATALOGUE: tuple[ReleasedFile, ...] = (
    _v31("kandinsky3.pt", "base", _UNET),
    _v31("kandinsky3_flash.pt", "flash", _UNET),
    _v31("kandinsky3_inpainting.pt", "inpainting", _UNET),
    _v31("movq.pt", "movq", _MOVQ),
    _v31("flan_ul2_encoder/projection.pt", "projection", _PROJECTION),
    _v31("flan_ul2_encoder/projection_flash.pt", "projection_flash", _PROJECTION),
    _v31("flan_ul2_encoder/projection_inpainting.pt", "projection_inpainting", _PROJECTION),
    *_text_encoder("kandinsky-3.1"),
    # The other modes of 3.1. The IP-Adapter comes in one file with its U-Net, the one for outlines (HED) is a U-Net.
    _added("ai-forever/kandinsky3_ip_adapter", "unet/diffusion_pytorch_model.bin", "ip_unet", 13_737_400_000),
    _added("ai-forever/kandinsky3_ip_adapter", "image_encoder/config.json", "image_encoder", _SMALL),
    _added("ai-forever/kandinsky3_ip_adapter", "image_encoder/model.safetensors", "image_encoder", 1_215_981_830),
    _added("ai-forever/kandinsky3_controlnet_hed", "unet/diffusion_pytorch_model.bin", "hed_unet", 12_224_600_000),
    _added(
        "ai-forever/kandinsky3_controlnet_v2_depth",
        "unet_controlnet/diffusion_pytorch_model.bin",
        "control_depth",
        939_300_000,
    ),
    _added(
        "ai-forever/kandinsky3_controlnet_v2_scribble",
        "unet_controlnet/diffusion_pytorch_model.bin",
        "control_scribble",
        939_300_000,
    ),
    _added("lllyasviel/Annotators", "ControlNetHED.pth", "hed_detector", 29_444_406),
    _added("ai-forever/KandiSuperRes", "KandiSuperRes.ckpt", "superres_x4", 826_600_000),
    _added("ai-forever/KandiSuperRes", "KandiSuperRes_x2.ckpt", "superres_x2", 1_653_000_000),
    _added("ai-forever/KandiSuperRes", "KandiSuperRes_flash_x2.pt", "superres_flash_x2", 1_653_000_000),
    # 3.0: the projections are inside the U-Net files.
    *_text_encoder("kandinsky-3.0"),
    _v30("kandinsky3.pt", "base", 12_221_798_439),
    _v30("kandinsky3_inpainting.pt", "inpainting", 12_221_834_000),
    _v30("movq.pt", "movq", _MOVQ),
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


def released_files(layout: Layout, kinds: Iterable[Kind]) -> tuple[ReleasedFile, ...]:
    """Files of one release that any of `kinds` needs, in the order to fetch them: small ones first, U-Nets last."""
    return files_of(layout, chain.from_iterable(released_way(layout, kind) for kind in kinds))


def files_of(layout: Layout, nets: Iterable[Net]) -> tuple[ReleasedFile, ...]:
    """Files of one release that hold any of `nets`, small ones first."""
    wanted = frozenset(nets)
    found = [entry for entry in CATALOGUE if entry.layout == layout and entry.net in wanted]
    return tuple(sorted(found, key=lambda entry: entry.bytes))


def held_bytes(net: Net) -> int:
    """Bytes that a net of 3.1 takes on the device, and on disk once it is converted: most go from 32 bits to 16."""
    released = sum(entry.bytes for entry in files_of("kandinsky-3.1", [net]) if entry.bytes > _SMALL)
    return released * (4 if net in EXACT else 2) // (2 if net in IN_HALVES else 4)


def released_way(layout: Layout, kind: Kind) -> tuple[Net, ...]:
    """The nets by which a release serves a kind of request, projections inside U-Nets left out; () if it does not."""
    nets = {entry.net for entry in CATALOGUE if entry.layout == layout}
    inside = {"projection", "projection_inpainting"} if layout != "kandinsky-3.1" else set()
    for way in ways(kind):
        if set(way) - inside <= nets:
            return tuple(net for net in way if net in nets)
    return ()


def offers(layout: Layout, kind: Kind) -> bool:
    """Whether a release has everything that a kind of request takes."""
    return bool(released_way(layout, kind))
