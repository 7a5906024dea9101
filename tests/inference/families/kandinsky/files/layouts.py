"""The tiny checkpoint in each layout that the real one was released in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from inference.checkpoints.shapes import shapes_of
from inference.families.kandinsky.files.catalogue import Net
from inference.families.kandinsky.files.keys import movq_to_diffusers, movq_to_official, unet_to_official
from inference.families.kandinsky.nets.unet import build_unet
from tests.inference.random_checkpoint import CLIP, read_net
from tests.inference.tiny import MOVQ, UNET

RELEASED_UNETS = {"kandinsky3": "projection", "kandinsky3_flash": "projection_flash"}


def _unet(tiny: Path, name: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    tensors = load_file(tiny / f"{name}.safetensors")
    null = tensors.pop("null_embedding")
    return unet_to_official({key.removeprefix("unet."): tensor for key, tensor in tensors.items()}), null


def _movq(tiny: Path) -> dict[str, torch.Tensor]:
    return movq_to_official(load_file(tiny / "movq.safetensors"))


def state_dims(folder: Path) -> None:
    """Real weights need no such note: theirs are the default dimensions."""
    (folder / "manifest.json").write_text(json.dumps({"configs": {"unet": UNET, "movq": MOVQ}}))


def write_v31(tiny: Path, folder: Path) -> Path:
    """As ai-forever/Kandinsky3.1 is laid out, text encoder in two pickled shards."""
    encoder = folder / "weights" / "flan_ul2_encoder"
    encoder.mkdir(parents=True)
    for name, projection in RELEASED_UNETS.items():
        unet, null = _unet(tiny, name)
        torch.save({"unet": unet, "null_embedding": null[None, None]}, folder / "weights" / f"{name}.pt")
        torch.save(load_file(tiny / f"{projection}.safetensors"), encoder / f"{projection}.pt")
    shapes = shapes_of(build_unet({**UNET, "in_channels": 9}).state_dict())
    nine = {key: torch.randn(shape) for key, shape in shapes.items()}
    torch.save(
        {"unet": unet_to_official(nine), "null_embedding": torch.zeros(UNET["cross_attention_dim"])},
        folder / "weights" / "kandinsky3_inpainting.pt",
    )
    torch.save(load_file(tiny / "projection.safetensors"), encoder / "projection_inpainting.pt")
    torch.save(_movq(tiny), folder / "weights" / "movq.pt")
    _write_pickled_encoder(tiny, encoder)
    state_dims(folder)
    return folder


def write_hub(tiny: Path, root: Path) -> Path:
    """The main repository as the hub has it, in a folder of repositories: the names that the catalogue knows."""
    folder = write_v31(tiny, root / "ai-forever" / "Kandinsky3.1")
    encoder = folder / "weights" / "flan_ul2_encoder"
    (encoder / "tokenizer_config.json").write_text("{}")
    for number in range(1, 5):  # the catalogue knows four shards; the tiny index names two others
        (encoder / f"pytorch_model-{number:05}-of-00004.bin").write_bytes(bytes([number]) * 4000)
    index = (encoder / "pytorch_model.bin.index.json").read_text()
    for number in (1, 2):
        shard = f"pytorch_model-{number:05}-of-00002.bin"
        four = f"pytorch_model-{number:05}-of-00004.bin"
        (encoder / shard).replace(encoder / four)
        index = index.replace(shard, four)
    (encoder / "pytorch_model.bin.index.json").write_text(index)
    (folder / "manifest.json").unlink()
    return root


def _write_pickled_encoder(tiny: Path, encoder: Path) -> None:
    tensors = load_file(tiny / "text_encoder" / "model.safetensors")
    names = sorted(tensors)
    shards = {"pytorch_model-00001-of-00002.bin": names[:5], "pytorch_model-00002-of-00002.bin": names[5:]}
    for shard, kept in shards.items():
        torch.save({name: tensors[name].clone() for name in kept}, encoder / shard)
    weight_map = {name: shard for shard, kept in shards.items() for name in kept}
    (encoder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    for name in ("config.json", "spiece.model"):
        shutil.copy(tiny / "text_encoder" / name, encoder / name)


def write_v30(tiny: Path, folder: Path) -> Path:
    """As ai-forever/Kandinsky3.0: the projection inside the U-Net file."""
    encoder = folder / "weights" / "flan_ul2_encoder"
    encoder.mkdir(parents=True)
    unet, null = _unet(tiny, "kandinsky3")
    projections = {f"t5.{name}": tensor for name, tensor in load_file(tiny / "projection.safetensors").items()}
    torch.save(
        {"unet": unet, "null_embedding": null[None], "projections": projections}, folder / "weights" / "kandinsky3.pt"
    )
    torch.save(_movq(tiny), folder / "weights" / "movq.pt")
    _write_pickled_encoder(tiny, encoder)
    state_dims(folder)
    return folder


def write_diffusers(tiny: Path, folder: Path) -> Path:
    """As kandinsky-community/kandinsky-3: half-precision variants, projection inside the U-Net, a codebook in MoVQ."""
    for name in ("unet", "movq", "text_encoder", "tokenizer"):
        (folder / name).mkdir(parents=True)
    tensors = load_file(tiny / "kandinsky3.safetensors")
    unet = {key.removeprefix("unet."): t for key, t in tensors.items() if key != "null_embedding"}
    projection = load_file(tiny / "projection.safetensors")
    unet["encoder_hid_proj.projection_linear.weight"] = projection["0.weight"]
    unet["encoder_hid_proj.projection_norm.weight"] = projection["1.weight"]
    unet["encoder_hid_proj.projection_norm.bias"] = projection["1.bias"]
    movq = {**movq_to_diffusers(_movq(tiny)), "quantize.embedding.weight": torch.zeros(16, 4)}
    for name, state, config in (("unet", unet, UNET), ("movq", movq, MOVQ)):
        half = {key: tensor.half().contiguous() for key, tensor in state.items()}
        save_file(half, folder / name / "diffusion_pytorch_model.fp16.safetensors")
        (folder / name / "config.json").write_text(json.dumps(config))
    encoder = {key: tensor.half() for key, tensor in load_file(tiny / "text_encoder" / "model.safetensors").items()}
    weight_map: dict[str, str] = {}
    for number, names in enumerate((sorted(encoder)[::2], sorted(encoder)[1::2]), 1):
        shard = f"model.fp16-{number:05}-of-00002.safetensors"
        weight_map |= dict.fromkeys(names, shard)
        save_file({name: encoder[name] for name in names}, folder / "text_encoder" / shard, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "text_encoder" / "model.safetensors.index.fp16.json").write_text(json.dumps(index))
    shutil.copy(tiny / "text_encoder" / "config.json", folder / "text_encoder")
    shutil.copy(tiny / "text_encoder" / "spiece.model", folder / "tokenizer")
    return folder


def write_added(random: Path, folder: Path) -> Path:
    """The other modes as they are released, each repository in its own folder; `random` is the checkpoint they become.

    The IP-Adapter's file holds the base U-Net too.
    """
    base, projection = read_net(random, "base"), read_net(random, "projection")
    unet = unet_to_official({name.removeprefix("unet."): t for name, t in base.items() if name != "null_embedding"})
    fork = _fork_projection(projection)
    _save({**unet, **fork, **read_net(random, "ip_adapter")}, folder / "ip_adapter/unet/diffusion_pytorch_model.bin")
    hed = read_net(random, "hed_unet")
    inside = {name.removeprefix("projections."): t for name, t in hed.items() if name.startswith("projections.")}
    stem = {name.removeprefix("unet."): t for name, t in hed.items() if name.startswith("unet.")}
    _save({**stem, **_fork_projection(inside)}, folder / "controlnet_hed/unet/diffusion_pytorch_model.bin")
    controls: dict[str, Net] = {"depth": "control_depth", "scribble": "control_scribble"}
    for control, net in controls.items():
        half = {name: tensor.bfloat16() for name, tensor in read_net(random, net).items()}
        _save(half, folder / f"controlnet_{control}/unet_controlnet/diffusion_pytorch_model.bin")
    x4 = {name: tensor.half() for name, tensor in read_net(random, "superres_x4").items()}
    _save(x4, folder / "superres/KandiSuperRes.ckpt")
    _save({"unet": read_net(random, "superres_x2")}, folder / "superres/KandiSuperRes_x2.ckpt")
    _save(read_net(random, "superres_flash_x2"), folder / "superres/KandiSuperRes_flash_x2.pt")
    _save(read_net(random, "hed_detector"), folder / "annotators/ControlNetHED.pth")
    encoder = folder / "ip_adapter" / "image_encoder"
    encoder.mkdir(parents=True)
    ids = {"vision_model.embeddings.position_ids": torch.arange(5)[None]}
    save_file({**read_net(random, "image_encoder"), **ids}, encoder / "model.safetensors", metadata={"format": "pt"})
    (encoder / "config.json").write_text(json.dumps({"model_type": "clip_vision_model", **CLIP}))
    configs = json.loads((random / "manifest.json").read_text())["configs"]
    (folder / "manifest.json").write_text(json.dumps({"configs": configs}))
    return folder


def _fork_projection(projection: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = {"0.weight": "projection_lin.weight", "1.weight": "projection_ln.weight", "1.bias": "projection_ln.bias"}
    return {names[name]: tensor for name, tensor in projection.items()}


def _save(content: object, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
