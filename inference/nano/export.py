"""Writes the checkpoint: fp16 safetensors, names and layout of the released Kandinsky 3.1, a manifest."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import VQModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import T5EncoderModel

from inference.families.kandinsky.files.contents import clip_state
from inference.families.kandinsky.files.keys import movq_to_official, unet_to_official
from inference.families.kandinsky.files.store import STUDIO_FILES
from inference.families.kandinsky.nets.ip_adapter import is_adapter_name
from inference.nano import clip, decoder, edges, inpainting, movq, ranking, reading, steering, superres, text, unet
from inference.nano.card import card
from inference.nano.tokenizer import READER, load_tokenizer, train_tokenizer
from inference.nano.training import load

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Parts:
    """Everything that makes a checkpoint, in training form. `trained` goes into the manifest: steps and minutes."""

    base: unet.Denoiser
    flash: unet.Denoiser
    encoder: T5EncoderModel
    codec: VQModel
    tokenizer: Path
    trained: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)  # nets of other modes by file name
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of those that need one, by file name


def gather(out: Path) -> Parts:
    """The parts that training left in `out`. Until there is a Flash student the base stands in for it, and says so."""
    base, (_, encoder) = unet.trained(out)[0], reading.trained(out)
    trained: dict[str, Any] = {}
    for name in ("text", "reading", "ranker", "movq", "unet", "decoder", "flash", *OTHERS):
        state = load(out / f"{name}.pt")
        if state is not None:
            trained[name] = {"minutes": round(float(state["minutes"]), 1), "steps": int(state["step"])}  # type: ignore
    flash = copy.deepcopy(base)
    if "flash" in trained:
        flash.load_state_dict(load(out / "flash.pt")["model"])  # type: ignore
    others: dict[str, Mapping[str, Tensor]] = {}
    for name, files_of in OTHERS.items():
        if name in trained:
            others |= files_of(out)
    tokenizer = out / (READER if "reading" in trained else "tokenizer")
    configs = clip_configs(len(load_tokenizer(tokenizer))) if "clip" in trained else {}
    return Parts(base, flash, encoder, decoder.trained(out), tokenizer, trained, others, configs)


def _inpainting(out: Path) -> dict[str, Mapping[str, Tensor]]:
    net = inpainting.trained(out)
    tensors = {f"unet.{key}": value for key, value in unet_to_official(net.unet.state_dict()).items()}
    return {
        STUDIO_FILES["inpainting"]: {**tensors, "null_embedding": net.null_embedding.data},
        STUDIO_FILES["projection_inpainting"]: net.projection.state_dict(),
    }


def _clip(out: Path) -> dict[str, Mapping[str, Tensor]]:
    return clip_files(clip.ranking(out))


def clip_files(matcher: clip.Matcher) -> dict[str, Mapping[str, Tensor]]:
    """The image encoder and, beside it, what else ranks pictures."""
    whole = matcher.clip.state_dict()
    return {STUDIO_FILES["image_encoder"]: clip_state(whole), ranking.WEIGHTS: ranking.text_tower(whole)}


def clip_configs(vocabulary: int) -> dict[str, Mapping[str, Any]]:
    """The dimensions of those two, for a tokenizer of that many pieces."""
    both = clip.config(vocabulary)
    image_encoder = Path(STUDIO_FILES["image_encoder"]).with_name("config.json").as_posix()
    return {image_encoder: both.vision_config.to_dict(), ranking.CONFIG: both.text_config.to_dict()}


def _adapter(out: Path) -> dict[str, Mapping[str, Tensor]]:
    state = steering.trained(out, "adapter").net.state_dict()
    return {STUDIO_FILES["ip_adapter"]: unet_to_official({k: v for k, v in state.items() if is_adapter_name(k)})}


def _outlines(out: Path) -> dict[str, Mapping[str, Tensor]]:
    model = steering.trained(out, "outlines")
    tensors = {f"unet.{key}": value for key, value in unet_to_official(model.net.state_dict()).items()}
    projection = {f"projections.{key}": value for key, value in model.projection.state_dict().items()}
    return {STUDIO_FILES["hed_unet"]: {**tensors, **projection}}


def _scribble(out: Path) -> dict[str, Mapping[str, Tensor]]:
    control = steering.trained(out, "scribble").control
    assert control is not None
    return {STUDIO_FILES["control_scribble"]: unet_to_official(control.state_dict())}


def _superres(name: superres.Name) -> Callable[[Path], dict[str, Mapping[str, Tensor]]]:
    return lambda out: {f"superres_{name}.safetensors": superres.trained(out, name).state_dict()}


# The other modes: what training calls each part, and the files that it becomes.
OTHERS: Mapping[str, Callable[[Path], dict[str, Mapping[str, Tensor]]]] = {
    "inpainting": _inpainting,
    "clip": _clip,
    "adapter": _adapter,
    "outlines": _outlines,
    "scribble": _scribble,
    "hed": lambda out: {STUDIO_FILES["hed_detector"]: edges.trained(out).state_dict()},
    "superres_x2": _superres("x2"),
    "superres_x4": _superres("x4"),
    "superres_flash_x2": _superres("flash_x2"),
}


def untrained(folder: Path, seed: int = 0) -> Parts:
    """Parts with fresh random weights, for trying a loader; `folder` takes the tokenizer."""
    torch.manual_seed(seed)
    train_tokenizer(folder, scenes=2000)
    encoder = T5EncoderModel(text.config(len(load_tokenizer(folder))))
    return Parts(unet.Denoiser(), unet.Denoiser(), encoder, movq.build(), folder, {})


def export(parts: Parts, target: Path = WEIGHTS) -> dict[str, Any]:
    """Writes the checkpoint beside `target`, puts it in place at once and returns its manifest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".weights-") as scratch:
        fresh, gone = Path(scratch, "new"), Path(scratch, "old")
        manifest = _write(parts, fresh)
        fresh.chmod(0o755)
        if target.exists():
            target.rename(gone)
        fresh.rename(target)
    return manifest


def _write(parts: Parts, folder: Path) -> dict[str, Any]:
    (folder / "text_encoder").mkdir(parents=True)
    for net, name, projection in (
        (parts.base, "kandinsky3", "projection"),
        (parts.flash, "kandinsky3_flash", "projection_flash"),
    ):
        tensors = {f"unet.{key}": value for key, value in unet_to_official(net.unet.state_dict()).items()}
        _save({**tensors, "null_embedding": net.null_embedding.data}, folder / f"{name}.safetensors")
        _save(net.projection.state_dict(), folder / f"{projection}.safetensors")
    _save(movq_to_official(parts.codec.state_dict()), folder / "movq.safetensors")
    for name, net_tensors in parts.others.items():
        (folder / name).parent.mkdir(exist_ok=True)
        _save(net_tensors, folder / name)
    for name, config in parts.configs.items():
        _dump(config, folder / name)
    copy.deepcopy(parts.encoder).half().save_pretrained(folder / "text_encoder")
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copyfile(parts.tokenizer / name, folder / "text_encoder" / name)
    _dump(card(), folder / "card.json")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    files = {
        path.relative_to(folder).as_posix(): _fingerprint(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    manifest = {
        "name": "nano",
        "revision": hashlib.sha256("".join(f["sha256"] for f in files.values()).encode()).hexdigest()[:12],
        "files": files,
        "configs": {
            "unet": unet.CONFIG,
            "movq": movq.CONFIG,
            "superres": superres.CONFIG,
            "text_encoder": json.loads((folder / "text_encoder" / "config.json").read_text("utf-8")),
        },
        "trained": dict(parts.trained),
    }
    _dump(manifest, folder / "manifest.json")
    return manifest


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}, path)


def _dump(content: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _fingerprint(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
