"""The recordings, one function each: dimensions, cases, inputs and tolerances come from the files only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.checkpoints.load import LoadedUNet, assemble, movq_state, split_unet
from inference.conditioning import (
    MAX_TOKENS,
    Context,
    Tokens,
    encode,
    merge,
    negative_ids,
    null_context,
    project,
    tokenize,
)
from inference.nets import movq as movq_net
from inference.nets.projection import build_projection
from inference.nets.shapes import shapes_of
from inference.nets.unet import build_unet, denoise, infer_unet_config
from inference.sampling import (
    FLASH_TIMES,
    PERCENTILE,
    alphas_cumprod,
    flash_coefficients,
    flash_renoise,
    flash_x0,
    full_coefficients,
    full_step,
    guided_epsilon,
    timesteps,
)
from inference.sampling.schedule import betas
from tests.parity.golden import Golden, NotRecorded, Recording

UNET, MOVQ, TEXT = "unet_t2i_tiny", "movq_tiny", "t5_context_tiny"


@dataclass(frozen=True)
class Row:
    """One comparison: the largest absolute difference against what is tolerated. `missing` names an absent file."""

    file: str
    case: str
    difference: float = math.inf
    tolerance: float = 0.0
    missing: str = ""

    @property
    def passed(self) -> bool:
        return not self.missing and self.difference <= self.tolerance  # NaN falls short


Rows = Iterator[Row]


def replay(folder: Path, only: str | None = None) -> list[Row]:
    """All rows of the recordings in `folder`, or those of the one called `only` (KeyError if it is not known)."""
    golden = Golden(folder)
    names = list(RECORDINGS) if only is None else [only]
    rows: list[Row] = []
    for name in names:
        try:
            rows += RECORDINGS[name](golden)
        except NotRecorded as absent:
            rows.append(Row(name, "-", missing=str(absent)))
    return rows


def _gap(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return math.inf
    return (ours.double() - theirs.double()).abs().max().item() if ours.numel() else 0.0


def _unequal(ours: object, theirs: object) -> float:
    return 0.0 if ours == theirs else math.inf


def _schedule(golden: Golden) -> Rows:
    recorded = golden.read("schedule")
    yield Row(recorded.name, "betas", _gap(betas(), recorded.tensors["betas"]))
    yield Row(recorded.name, "alphas_cumprod", _gap(alphas_cumprod(), recorded.tensors["alphas_cumprod"]))
    for steps, times in recorded.meta["times_by_steps_argument"].items():
        yield Row(recorded.name, f"timesteps {steps}", _unequal(timesteps(int(steps)), times))
    yield Row(recorded.name, "flash timesteps", _unequal(list(FLASH_TIMES), recorded.meta["flash_times"]))


def _unet(golden: Golden) -> Rows:
    recorded = golden.read(UNET)
    tolerance = recorded.meta["suggested_atol"]
    with golden.checkpoint(unet=UNET) as checkpoint:
        loaded = checkpoint.load_unet("base", torch.float32, "cpu")
    for case in recorded.cases("out"):
        given = recorded.under(f"{case}.")
        x, t, context, mask = (given[name] for name in ("x", "t", "context", "context_mask"))
        probes: dict[str, Tensor] = {}
        with _watching(loaded.unet, probes):
            out = denoise(loaded.unet, x, t, context, mask, torch.full((len(x),), context.shape[1]))
        yield Row(recorded.name, case, _gap(out, given["out"]), tolerance)
        for probe, theirs in recorded.under(f"{case}.probe.").items():
            yield Row(recorded.name, f"{case} {probe}", _gap(probes[probe], theirs), tolerance)
        if "out_each_alone" in given:
            lengths = given.get("lens", mask.sum(1))
            out = denoise(loaded.unet, x, t, context, mask, (lengths + 1).clamp(max=MAX_TOKENS))
            yield Row(recorded.name, f"{case} each alone", _gap(out, given["out_each_alone"]), tolerance)


class _watching:
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


def _movq(golden: Golden) -> Rows:
    recorded = golden.read(MOVQ)
    tolerance = recorded.meta["suggested_atol"]
    levels = math.ceil(tolerance * 255 / 2)  # what the tolerance can move among 256 brightness levels
    with golden.checkpoint(movq=MOVQ) as checkpoint:
        movq = checkpoint.load_movq(torch.float32, "cpu")
    for name, theirs in recorded.tensors.items():
        suffix = name.removeprefix("latent").removeprefix("decoded_u8").removeprefix("decoded")
        if name == f"latent{suffix}" and f"image{suffix}" in recorded.tensors:
            latents = movq_net.encode(movq, recorded.tensors[f"image{suffix}"])
            yield Row(recorded.name, f"encode to {name}", _gap(latents, theirs), tolerance)
        if name == f"decoded{suffix}":
            images = movq_net.decode(movq, recorded.tensors[f"latent{suffix}"])
            yield Row(recorded.name, f"decode to {name}", _gap(images, theirs), tolerance)
            if (pixels := recorded.tensors.get(f"decoded_u8{suffix}")) is not None:
                yield Row(recorded.name, f"pixels decoded_u8{suffix}", _gap(movq_net.to_uint8(images), pixels), levels)


def _ids(row: Tensor, mask: Tensor) -> tuple[int, ...]:
    """The ids of one recorded row that are attended to."""
    return tuple(row[0, : int(mask.sum())].tolist())


def _text(golden: Golden) -> Rows:
    recorded = golden.read(TEXT)
    tolerance, limit = recorded.meta["suggested_atol"], recorded.meta["tokens_length"]
    with golden.checkpoint(unet=UNET, text=TEXT) as checkpoint:
        tokenizer = checkpoint.load_tokenizer() if golden.tokenizer.is_file() else None
        encoder = checkpoint.load_encoder(torch.float32, "cpu")
        projection = checkpoint.load_unet("base", torch.float32, "cpu").projection

    for number, told in enumerate(recorded.meta["text_cases"]):
        case, given = f"case{number}", recorded.under(f"case{number}.")
        ids = _ids(given["input_ids"], given["attention_mask"])
        if tokenizer is not None:
            tokens = tokenize(tokenizer, told["prompt"], limit)
            yield Row(recorded.name, f"{case} ids", _unequal(tokens.ids, ids))
            yield Row(recorded.name, f"{case} length", _unequal(tokens.total, len(told["ids_untruncated"])))
        [rows] = encode(encoder, [ids])
        yield Row(recorded.name, f"{case} hidden", _gap(rows, given["hidden"][0, : len(ids)]), tolerance)
        yield from _same_context(recorded, case, project(projection, rows, limit), given, "", tolerance)
        if "neg_input_ids" not in given:
            continue
        full = told["negative_ids_untruncated"]
        cut = full if len(full) <= limit else [*full[: limit - 1], full[-1]]
        ours = negative_ids(Tokens(ids, len(ids), ""), Tokens(tuple(cut), len(full), ""), "official")
        theirs = _ids(given["neg_input_ids"], given["neg_attention_mask"])
        yield Row(recorded.name, f"{case} negative ids", _unequal(ours, theirs))
        [rows] = encode(encoder, [ours])
        yield from _same_context(
            recorded, f"{case} negative", project(projection, rows, limit), given, "neg_", tolerance
        )

    for case in [name for name in recorded.cases("input_ids") if len(recorded.tensors[f"{name}.input_ids"]) > 1]:
        given = recorded.under(f"{case}.")
        pairs = zip(given["input_ids"].split(1), given["attention_mask"].split(1), strict=True)
        batch = encode(encoder, [_ids(row, mask) for row, mask in pairs])
        together = merge([project(projection, rows, limit) for rows in batch], given["context"].shape[1])
        yield from _same_context(recorded, case, together, given, "", tolerance)


def _same_context(
    recorded: Recording, case: str, ours: Context, given: dict[str, Tensor], prefix: str, tolerance: float
) -> Rows:
    yield Row(recorded.name, f"{case} context", _gap(ours.rows, given[f"{prefix}context"]), tolerance)
    yield Row(recorded.name, f"{case} mask", _gap(ours.mask, given[f"{prefix}context_mask"]))


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


def _sampler(name: str, *, flash: bool) -> Callable[[Golden], Rows]:
    def rows(golden: Golden) -> Rows:
        recorded = golden.read(name)
        tolerance = recorded.meta["suggested_atol"]
        with golden.checkpoint(unet=recorded.meta.get("weights_file", UNET)) as checkpoint:
            loaded = checkpoint.load_unet("flash" if flash else "base", torch.float32, "cpu")
        for case, told in recorded.meta["cases"].items():
            given, trace = recorded.under(f"{case}."), {}
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
            yield Row(recorded.name, f"{case} times", _unequal(ours, told["times"]))
            yield Row(recorded.name, case, _gap(out, given["out"]), tolerance)
            for kind, theirs in recorded.under(f"{case}.trace.").items():
                yield Row(recorded.name, f"{case} trace {kind}", _gap(torch.stack(trace[kind]), theirs), tolerance)

    return rows


def _pipeline(golden: Golden) -> Rows:
    recorded = golden.read("pipeline_t2i_tiny")
    tolerances = recorded.meta["suggested_atol"]
    with golden.checkpoint(unet=UNET, movq=MOVQ, text=TEXT) as checkpoint:
        unets = {name: checkpoint.load_unet(name, torch.float32, "cpu") for name in ("base", "flash")}
        movq = checkpoint.load_movq(torch.float32, "cpu")
        encoder = checkpoint.load_encoder(torch.float32, "cpu")
    limit = golden.read(TEXT).meta["tokens_length"]
    for case, told in recorded.meta["cases"].items():
        given, parts = recorded.under(f"{case}."), []
        loaded = unets["flash" if told["gan"] else "base"]

        def context(prefix: str, given: dict[str, Tensor] = given, loaded: LoadedUNet = loaded) -> Context:
            [rows] = encode(encoder, [_ids(given[f"{prefix}input_ids"], given[f"{prefix}attention_mask"])])
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
        yield Row(recorded.name, f"{case} latents", _gap(latents, given["out_latent"]), tolerance)
        # Unthresholded Flash latents of random weights reach 130 and the random decoder magnifies their rounding: even
        # float64 arithmetic lands 4 grey levels beside this recording. So there the decoder starts from the latents
        # recorded.
        drawn = given["out_latent"] if told["gan"] else latents
        pixels = movq_net.to_uint8(movq_net.decode(movq, drawn)).permute(0, 2, 3, 1)
        yield Row(recorded.name, f"{case} pixels", _gap(pixels, given["out_image_u8_nhwc"]), tolerances["image_u8"])


def _key_shapes(golden: Golden) -> Rows:
    """Full-size nets on the meta device take every released layout strictly and have the stated parameter counts."""
    told = golden.read("official_key_shapes").meta
    counts, name = told["param_counts"], "official_key_shapes"

    def meta(kind: str, **overrides: list[int]) -> dict[str, Tensor]:
        return {key: torch.empty(shape, device="meta") for key, shape in {**told[kind], **overrides}.items()}

    null = torch.empty(1, told["unet_t2i"]["feature_pooling.attention.to_key.weight"][1], device="meta")
    plain, nine = meta("unet_t2i"), meta("unet_t2i", **told["unet_inpainting_overrides"])
    projection = meta("projection")
    layouts: dict[str, tuple[dict[str, Any], str]] = {
        "3.1 base and flash": ({"unet": plain, "null_embedding": null}, "unet_t2i"),
        "3.1 inpainting": ({"unet": nine, "null_embedding": null[0]}, "unet_inpainting"),
        "3.0 with projections": (
            {"unet": plain, "null_embedding": null[None], "projections": {f"t5.{k}": t for k, t in projection.items()}},
            "unet_t2i",
        ),
        "flat with prefix": ({**{f"unet.{k}": t for k, t in plain.items()}, "null_embedding": null}, "unet_t2i"),
        "bare state dict": (plain, "unet_t2i"),
    }
    diffusers = {**split_unet(plain).unet, "encoder_hid_proj.projection_linear.weight": projection["0.weight"]}
    diffusers |= {f"encoder_hid_proj.projection_norm.{part}": projection[f"1.{part}"] for part in ("weight", "bias")}
    layouts["diffusers"] = (diffusers, "unet_t2i")
    for layout, (content, kind) in layouts.items():
        parts = split_unet(content)
        net = assemble(
            lambda state=parts.unet: build_unet(infer_unet_config(shapes_of(state))),
            parts.unet,
            layout,
            torch.float32,
            "meta",
        )
        yield Row(name, f"unet {layout}", abs(_parameters(net) - counts[kind]))
        if parts.projection is not None:
            yield _projection_row(name, f"projection {layout}", parts.projection, counts["projection"])
    yield _projection_row(name, "projection file", projection, counts["projection"])
    state = movq_state(meta("movq"))
    movq = assemble(
        lambda: movq_net.build_movq(movq_net.infer_movq_config(shapes_of(state))), state, "movq", torch.float32, "meta"
    )
    yield Row(name, "movq", abs(_parameters(movq) - counts["movq"]))


def _projection_row(name: str, case: str, state: dict[str, Tensor], count: int) -> Row:
    net = assemble(lambda: build_projection(shapes_of(state)), state, case, torch.float32, "meta")
    return Row(name, case, abs(_parameters(net) - count))


def _parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


RECORDINGS: dict[str, Callable[[Golden], Rows]] = {
    "schedule": _schedule,
    UNET: _unet,
    MOVQ: _movq,
    TEXT: _text,
    "sampler_full": _sampler("sampler_full", flash=False),
    "sampler_flash": _sampler("sampler_flash", flash=True),
    "pipeline_t2i_tiny": _pipeline,
    "official_key_shapes": _key_shapes,
}
