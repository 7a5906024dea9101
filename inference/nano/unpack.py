"""Training states out of a written checkpoint, so that training goes on from what is shipped.

Optimizers, the codebook and the heads of CLIP and text encoder are not shipped: they start afresh. Of the nets
themselves only what fp16 rounds off is lost.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from torch import nn
from transformers import T5EncoderModel

from inference.checkpoints.tensors import State, read_tensors
from inference.families.kandinsky.files.contents import adapter_state, bare, movq_state, split_unet
from inference.families.kandinsky.files.keys import unet_to_diffusers
from inference.families.kandinsky.files.store import PROJECTION_OF, STUDIO_FILES
from inference.nano import clip, edges, inpainting, movq, ranking, reading, steering, superres, text, unet
from inference.nano.export import WEIGHTS
from inference.nano.tokenizer import READER, load_tokenizer
from inference.nano.training import save

Net = TypeVar("Net", bound=nn.Module)

_NETS = {"unet": "base", "flash": "flash", "inpainting": "inpainting"}


def unpack(out: Path, folder: Path = WEIGHTS) -> list[str]:
    """Writes `<part>.pt` and the tokenizer into `out` for every part that the checkpoint in `folder` says was trained.

    Returns their names. Raises FileExistsError where training has left states already.
    """
    if any(out.glob("*.pt")):
        raise FileExistsError(f"{out} holds training states; unpack into another folder (--out)")
    trained: Mapping[str, Mapping[str, Any]] = json.loads((folder / "manifest.json").read_text("utf-8"))["trained"]
    for tokenizer in ("tokenizer", READER):  # who reads people reads captions, too
        (out / tokenizer).mkdir(parents=True, exist_ok=True)
        for name in ("spiece.model", "tokenizer_config.json"):
            shutil.copyfile(folder / "text_encoder" / name, out / tokenizer / name)
    for part, spent in trained.items():
        state: dict[str, object] = {"model": _net(folder, part).float().state_dict()}
        state |= {"minutes": spent["minutes"], "step": spent["steps"]}
        if part == "text":
            state["namer"] = text.Namer().state_dict()
        save(out / f"{part}.pt", state)
    return list(trained)


def _net(folder: Path, part: str) -> nn.Module:
    """The net that `part` trains, in training form."""
    if part in _NETS:
        return _denoiser(folder, part)
    if part in ("movq", "decoder"):
        codec: nn.Module = _filled(movq.build(), movq_state(read_tensors(folder / STUDIO_FILES["movq"])))
        return codec
    if part == "text":
        encoder: nn.Module = T5EncoderModel.from_pretrained(folder / "text_encoder")
        return encoder
    if part == "hed":
        return _filled(edges.build(), bare(read_tensors(folder / STUDIO_FILES["hed_detector"])))
    if part == "reading":
        return reading.Both(T5EncoderModel.from_pretrained(folder / "text_encoder"))
    if part in ("clip", "ranker"):
        return _matcher(folder)
    if part.startswith("superres_"):
        name = cast(superres.Name, part.removeprefix("superres_"))
        return _filled(superres.build(name), bare(read_tensors(folder / f"{part}.safetensors")))
    return _steered(folder, cast(steering.Part, part))


def _denoiser(folder: Path, part: str) -> unet.Denoiser:
    net = _NETS[part]
    model = inpainting.widen(unet.Denoiser()) if part == "inpainting" else unet.Denoiser()
    parts = split_unet(read_tensors(folder / STUDIO_FILES[net]))  # type: ignore[index]
    _filled(model.unet, parts.unet)
    _filled(model.projection, read_tensors(folder / STUDIO_FILES[PROJECTION_OF[net]]))
    assert parts.null_embedding is not None
    model.null_embedding.data = parts.null_embedding.float()
    return model


def _matcher(folder: Path) -> clip.Matcher:
    model = clip.Matcher(len(load_tokenizer(folder / "text_encoder")))
    both = (STUDIO_FILES["image_encoder"], ranking.WEIGHTS)
    _filled(model.clip, {name: tensor for file in both for name, tensor in read_tensors(folder / file).items()})
    return model


def _steered(folder: Path, part: steering.Part) -> steering.Steered:
    model = steering.BUILD[part](_denoiser(folder, "unet"))
    if part == "adapter":
        _filled(model.net, adapter_state(read_tensors(folder / STUDIO_FILES["ip_adapter"])))
    elif part == "scribble":
        assert model.control is not None
        _filled(model.control, unet_to_diffusers(bare(read_tensors(folder / STUDIO_FILES["control_scribble"]))))
    else:
        parts = split_unet(read_tensors(folder / STUDIO_FILES["hed_unet"]))
        _filled(model.net, parts.unet)
        _filled(model.projection, cast(State, parts.projection))
    return model


def _filled(net: Net, tensors: State) -> Net:
    """The net with the tensors in it; what it has besides stays fresh, what it has not is an error."""
    strange = net.load_state_dict(tensors, strict=False).unexpected_keys
    if strange:
        raise ValueError(f"{type(net).__name__} has no {', '.join(strange[:3])}")
    return net
