"""Recordings of whole runs: both samplers on recorded noise, and token ids to pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from inference.engine.previews import to_uint8
from inference.families.kandinsky.conditioning import (
    Context,
    encode,
    merge,
    null_context,
    project,
)
from inference.families.kandinsky.files.load import LoadedUNet
from inference.families.kandinsky.nets import movq as movq_net
from inference.families.kandinsky.nets.unet import denoise
from inference.families.kandinsky.sampling import (
    PERCENTILE,
    flash_coefficients,
    flash_renoise,
    flash_x0,
    full_coefficients,
    full_step,
    guided_epsilon,
)
from tests.parity.golden import Golden
from tests.parity.rows import MOVQ, TEXT, UNET, Row, Rows, attended_ids, gap, unequal

Trace = dict[str, list[Tensor]]


def _draw_full(
    loaded: LoadedUNet,
    context: Context,
    unconditional: Context,
    noise: list[Tensor],
    case: dict[str, Any],
    trace: Trace,
) -> Tensor:
    """The full sampler on recorded noise: N0 first, then one tensor a step."""
    x, weight = noise[0], case["w"]
    both = merge([context, unconditional])
    for step, fresh in zip(full_coefficients(case["steps"], case.get("eta", 1.0)), noise[1:], strict=True):
        t = torch.full((2 * len(x),), float(step.t))
        e_c, e_u = denoise(loaded.unet, torch.cat([x, x]), t, both.rows, both.mask, both.pool_len).chunk(2)
        percentile = case.get("percentile", PERCENTILE)
        x, x0 = full_step(x, e_c, e_u, guidance_scale=weight, step=step, percentile=percentile, noise=fresh)
        for name, tensor in (("eps", guided_epsilon(e_c, e_u, weight)), ("x0", x0), ("x", x)):
            trace.setdefault(name, []).append(tensor)
    return x


def _draw_flash(loaded: LoadedUNet, context: Context, noise: list[Tensor], trace: Trace) -> Tensor:
    x0 = noise[0]
    for step, fresh in zip(flash_coefficients(), noise[1:], strict=True):
        x = flash_renoise(x0, fresh, step)
        t = torch.full((len(x),), float(step.t))
        eps = denoise(loaded.unet, x, t, context.rows, context.mask, context.pool_len)
        x0 = flash_x0(x, eps, step)
        for name, tensor in (("eps", eps), ("x0", x0), ("x", x)):
            trace.setdefault(name, []).append(tensor)
    return x0


def _context_of(given: dict[str, Tensor], prefix: str = "") -> Context:
    rows, mask = given[f"{prefix}context"], given[f"{prefix}context_mask"]
    return Context(rows, mask, torch.full((len(rows),), rows.shape[1]))


def sampler(name: str, *, flash: bool) -> Callable[[Golden], Rows]:
    def rows(golden: Golden) -> Rows:
        recorded = golden.read(name)
        tolerance = recorded.meta["suggested_atol"]
        with golden.checkpoint(unet=recorded.meta.get("weights_file", UNET)) as checkpoint:
            loaded = checkpoint.load_unet("flash" if flash else "full", torch.float32, "cpu")
        for case, told in recorded.meta["cases"].items():
            given = recorded.under(f"{case}.")
            trace: dict[str, Any] = {}
            noise = [given["noise_init"], *given["noise_steps"]]
            context = _context_of(given)
            if flash:
                ours = [step.t for step in flash_coefficients()]
                out = _draw_flash(loaded, context, noise, trace)
            else:
                ours = [step.t for step in full_coefficients(told["steps"], told["eta"])]
                unconditional = (
                    _context_of(given, "negative_")
                    if told["negative"]
                    else null_context(loaded.null_embedding).repeat(len(context))
                )
                out = _draw_full(loaded, context, unconditional, noise, told, trace)
            yield Row(recorded.name, f"{case} times", unequal(ours, told["times"]))
            yield Row(recorded.name, case, gap(out, given["out"]), tolerance)
            for kind, theirs in recorded.under(f"{case}.trace.").items():
                yield Row(recorded.name, f"{case} trace {kind}", gap(torch.stack(trace[kind]), theirs), tolerance)

    return rows


def pipeline(golden: Golden) -> Rows:
    recorded = golden.read("pipeline_t2i_tiny")
    tolerances = recorded.meta["suggested_atol"]
    with golden.checkpoint(unet=UNET, movq=MOVQ, text=TEXT) as checkpoint:
        unets = {name: checkpoint.load_unet(name, torch.float32, "cpu") for name in ("full", "flash")}
        movq = checkpoint.load_movq(torch.float32, "cpu")
        encoder = checkpoint.load_encoder(torch.float32, "cpu")
    limit = golden.read(TEXT).meta["tokens_length"]
    for case, told in recorded.meta["cases"].items():
        given, parts = recorded.under(f"{case}."), []
        loaded = unets["flash" if told["gan"] else "full"]

        def context(prefix: str, given: dict[str, Tensor] = given, loaded: LoadedUNet = loaded) -> Context:
            [rows] = encode(encoder, [attended_ids(given[f"{prefix}input_ids"], given[f"{prefix}attention_mask"])])
            return project(loaded.projection, rows, limit)

        negative = context("neg_") if "neg_input_ids" in given else null_context(loaded.null_embedding)
        for number, pictures in enumerate(told["minibatches"]):
            noise = [given[f"noise_init.mb{number}"], *given[f"noise_steps.mb{number}"]]
            prompt = context("").repeat(pictures)
            if told["gan"]:
                parts.append(_draw_flash(loaded, prompt, noise, {}))
            else:
                parts.append(_draw_full(loaded, prompt, negative.repeat(pictures), noise, told, {}))
        latents = torch.cat(parts)
        tolerance = tolerances["latent_flash" if told["gan"] else "latent_base"]
        yield Row(recorded.name, f"{case} latents", gap(latents, given["out_latent"]), tolerance)
        # Unthresholded Flash latents of random weights reach 130 and the random decoder magnifies their rounding: even
        # float64 arithmetic lands 4 grey levels beside this recording. So there the decoder starts from the latents
        # recorded.
        drawn = given["out_latent"] if told["gan"] else latents
        pixels = to_uint8(movq_net.decode(movq, drawn)).permute(0, 2, 3, 1)
        yield Row(recorded.name, f"{case} pixels", gap(pixels, given["out_image_u8_nhwc"]), tolerances["image_u8"])
