"""Recordings of the nets: schedule, U-Net, MoVQ and text."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.previews import to_uint8
from inference.families.kandinsky.conditioning import (
    MAX_TOKENS,
    Context,
    Tokens,
    encode,
    merge,
    negative_ids,
    project,
    tokenize,
)
from inference.families.kandinsky.files.load import LoadedUNet
from inference.families.kandinsky.nets import movq as movq_net
from inference.families.kandinsky.nets.projection import build_projection
from inference.families.kandinsky.nets.unet import denoise
from inference.families.kandinsky.sampling import (
    FLASH_TIMES,
    alphas_cumprod,
    timesteps,
)
from inference.families.kandinsky.sampling.schedule import betas
from tests.parity.golden import Golden, Recording
from tests.parity.rows import MOVQ, TEXT, UNET, Row, Rows, attended_ids, gap, unequal


def schedule(golden: Golden) -> Rows:
    recorded = golden.read("schedule")
    yield Row(recorded.name, "betas", gap(betas(), recorded.tensors["betas"]))
    yield Row(recorded.name, "alphas_cumprod", gap(alphas_cumprod(), recorded.tensors["alphas_cumprod"]))
    for steps, times in recorded.meta["times_by_steps_argument"].items():
        yield Row(recorded.name, f"timesteps {steps}", unequal(timesteps(int(steps)), times))
    yield Row(recorded.name, "flash timesteps", unequal(list(FLASH_TIMES), recorded.meta["flash_times"]))


def unet(golden: Golden) -> Rows:
    recorded = golden.read(UNET)
    with golden.checkpoint(unet=UNET) as checkpoint:
        loaded = checkpoint.load_unet("full", torch.float32, "cpu")
    yield from unet_passes(recorded, loaded)


def unet_passes(recorded: Recording, loaded: LoadedUNet) -> Rows:
    """Every recorded pass of a U-Net, with the activations on the way where they were recorded."""
    tolerance = recorded.meta["suggested_atol"]
    for case in recorded.cases("out"):
        given = recorded.under(f"{case}.")
        x, t, context, mask = (given[name] for name in ("x", "t", "context", "context_mask"))
        probes: dict[str, Tensor] = {}
        with watching(loaded.unet, probes):
            out = denoise(loaded.unet, x, t, context, mask, torch.full((len(x),), context.shape[1]))
        yield Row(recorded.name, case, gap(out, given["out"]), tolerance)
        for probe, theirs in recorded.under(f"{case}.probe.").items():
            yield Row(recorded.name, f"{case} {probe}", gap(probes[probe], theirs), tolerance)
        if "out_each_alone" in given:
            lengths = given.get("lens", mask.sum(1))
            out = denoise(loaded.unet, x, t, context, mask, (lengths + 1).clamp(max=MAX_TOKENS))
            yield Row(recorded.name, f"{case} each alone", gap(out, given["out_each_alone"]), tolerance)


class watching:
    """Collects the activations that the recordings name, while a U-Net runs."""

    def __init__(self, unet: Any, probes: dict[str, Tensor]) -> None:
        named = {"time_embed": unet.time_embedding, "in_layer": unet.conv_in}
        named |= {f"down{level}": block for level, block in enumerate(unet.down_blocks)}
        named |= {f"up{level}": block for level, block in enumerate(unet.up_blocks)}
        self._hooks = [module.register_forward_hook(self._keep(probes, name)) for name, module in named.items()]
        first = unet.down_blocks[0]
        self._hooks.append(
            first.register_forward_pre_hook(lambda _, inputs: probes.update(time_embed_pooled=inputs[1].clone()))
        )

    @staticmethod
    def _keep(probes: dict[str, Tensor], name: str) -> Callable[[Any, Any, Tensor], None]:
        return lambda _, __, output: probes.update({name: output.clone()})

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()


def movq(golden: Golden) -> Rows:
    recorded = golden.read(MOVQ)
    tolerance = recorded.meta["suggested_atol"]
    levels = math.ceil(tolerance * 255 / 2)  # what the tolerance can move among 256 brightness levels
    with golden.checkpoint(movq=MOVQ) as checkpoint:
        movq = checkpoint.load_movq(torch.float32, "cpu")
    for name, theirs in recorded.tensors.items():
        suffix = name.removeprefix("latent").removeprefix("decoded_u8").removeprefix("decoded")
        if name == f"latent{suffix}" and f"image{suffix}" in recorded.tensors:
            latents = movq_net.encode(movq, recorded.tensors[f"image{suffix}"])
            yield Row(recorded.name, f"encode to {name}", gap(latents, theirs), tolerance)
        if name == f"decoded{suffix}":
            images = movq_net.decode(movq, recorded.tensors[f"latent{suffix}"])
            yield Row(recorded.name, f"decode to {name}", gap(images, theirs), tolerance)
            if (pixels := recorded.tensors.get(f"decoded_u8{suffix}")) is not None:
                yield Row(recorded.name, f"pixels decoded_u8{suffix}", gap(to_uint8(images), pixels), levels)


def text(golden: Golden) -> Rows:
    recorded = golden.read(TEXT)
    tolerance, limit = recorded.meta["suggested_atol"], recorded.meta["tokens_length"]
    with golden.checkpoint(text=TEXT) as checkpoint:
        tokenizer = checkpoint.load_tokenizer() if golden.tokenizer.is_file() else None
        encoder = checkpoint.load_encoder(torch.float32, "cpu")
    state = recorded.under("projection.")
    projection = assemble(lambda: build_projection(shapes_of(state)), state, TEXT, torch.float32, "cpu")

    for number, told in enumerate(recorded.meta["text_cases"]):
        case, given = f"case{number}", recorded.under(f"case{number}.")
        ids = attended_ids(given["input_ids"], given["attention_mask"])
        if tokenizer is not None:
            tokens = tokenize(tokenizer, told["prompt"], limit)
            yield Row(recorded.name, f"{case} ids", unequal(tokens.ids, ids))
            yield Row(recorded.name, f"{case} length", unequal(tokens.total, len(told["ids_untruncated"])))
        [rows] = encode(encoder, [ids])
        yield Row(recorded.name, f"{case} hidden", gap(rows, given["hidden"][0, : len(ids)]), tolerance)
        yield from _same_context(recorded, case, project(projection, rows, limit), given, "", tolerance)
        if "neg_input_ids" not in given:
            continue
        full = told["negative_ids_untruncated"]
        cut = full if len(full) <= limit else [*full[: limit - 1], full[-1]]
        ours = negative_ids(Tokens(ids, len(ids), ""), Tokens(tuple(cut), len(full), ""), "official")
        theirs = attended_ids(given["neg_input_ids"], given["neg_attention_mask"])
        yield Row(recorded.name, f"{case} negative ids", unequal(ours, theirs))
        [rows] = encode(encoder, [ours])
        yield from _same_context(
            recorded, f"{case} negative", project(projection, rows, limit), given, "neg_", tolerance
        )

    for case in [name for name in recorded.cases("input_ids") if len(recorded.tensors[f"{name}.input_ids"]) > 1]:
        given = recorded.under(f"{case}.")
        pairs = zip(given["input_ids"].split(1), given["attention_mask"].split(1), strict=True)
        batch = encode(encoder, [attended_ids(row, mask) for row, mask in pairs])
        together = merge([project(projection, rows, limit) for rows in batch], given["context"].shape[1])
        yield from _same_context(recorded, case, together, given, "", tolerance)


def _same_context(
    recorded: Recording, case: str, ours: Context, given: dict[str, Tensor], prefix: str, tolerance: float
) -> Rows:
    yield Row(recorded.name, f"{case} context", gap(ours.rows, given[f"{prefix}context"]), tolerance)
    yield Row(recorded.name, f"{case} mask", gap(ours.mask, given[f"{prefix}context_mask"]))
