"""Recordings of the IP-Adapter and the ControlNets: their nets, and a whole run of a mixture of two pictures."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.asks import Aside, Ask
from inference.families.kandinsky.asks import Denoise, EmbedImages, ImageTokens
from inference.families.kandinsky.conditioning import Context, merge
from inference.families.kandinsky.files.keys import unet_to_diffusers
from inference.families.kandinsky.nets.clip import build_clip, clip_pixels, embed_pictures, infer_clip_config
from inference.families.kandinsky.nets.control import build_control, control_residuals, graft_stem, hint_features
from inference.families.kandinsky.nets.ip_adapter import TextAndImage, cross_attentions, graft_adapter, image_tokens
from inference.families.kandinsky.nets.unet import Extras, attention_bias, build_unet, denoise, infer_unet_config
from inference.families.kandinsky.pipelines.adapted import denoise_adapted, look_at
from inference.families.kandinsky.sampling import PictureNoise, ddpm_coefficients, ddpm_step, ddpm_timesteps
from inference.requests import Mix, WeighedSource
from tests.parity.golden import Golden, Recording
from tests.parity.rows import Row, Rows, gap, unequal

ADAPTER, MIXTURE, CONTROL = "ip_adapter_tiny", "ip_adapter_sampling", "controlnet_tiny"
Graft = Callable[[nn.Module, Shapes], None]


def adapter(golden: Golden) -> Rows:
    recorded = golden.read(ADAPTER)
    unet, tolerance = _adapted_unet(recorded), recorded.meta["tolerance"]["atol"]
    given, out = recorded.under("in/"), recorded.under("out/")
    tokens = image_tokens(unet, given["image_embeds"])
    yield Row(ADAPTER, "image tokens", gap(tokens, out["image_tokens"]), tolerance)

    layer = next(cross_attentions(unet))
    bias = attention_bias(given["context_mask"], torch.float32)
    text = layer(given["attn_x"], given["context"], bias)
    yield Row(ADAPTER, "attention to text only", gap(text, out["attn_text_only"]), tolerance)
    for name in (name for name in out if name.startswith("attn_w")):
        scale = torch.full((len(tokens), 1, 1), float(name.removeprefix("attn_w")))
        both = layer(given["attn_x"], TextAndImage(given["context"], tokens, scale), bias)
        yield Row(ADAPTER, name, gap(both, out[name]), tolerance)

    plain = _pass(unet, given, Extras())
    yield Row(ADAPTER, "plain U-Net", gap(plain, out["base_unet"]), tolerance)
    for name in (name for name in out if name.startswith("unet_w")):
        scale = torch.full((len(tokens),), float(name.removeprefix("unet_w")))
        eps = _pass(unet, given, Extras(image_tokens=tokens, image_scale=scale))
        yield Row(ADAPTER, name, gap(eps, out[name]), tolerance)
        if not scale.any():
            yield Row(ADAPTER, f"{name} is the plain one", gap(eps, plain))


def mixture(golden: Golden) -> Rows:
    recorded = golden.read(MIXTURE)
    unet, clip = _adapted_unet(golden.read(ADAPTER)), _clip(recorded)
    given, out, tolerance = recorded.under("in/"), recorded.under("out/"), recorded.meta["tolerance"]
    steps, size = recorded.meta["steps"], recorded.meta["image_encoder_config"]["image_size"]
    yield Row(MIXTURE, "timesteps", unequal(ddpm_timesteps(steps), recorded.meta["timesteps"]))
    for number in range(len(recorded.meta["weights"])):
        pixels = clip_pixels(given[f"image_{number}"], size)[None]
        yield Row(MIXTURE, f"pixels {number}", gap(pixels, given[f"pixel_values_{number}"]), 1e-6)

    run = _Run(unet, clip, given)
    latents = run.play(_mixture(recorded, run))
    strict = tolerance["first_step_atol"]
    for name, embedding in zip(["image_embeds_0", "image_embeds_1", "zero_image_embeds"], run.embeddings, strict=True):
        yield Row(MIXTURE, name, gap(embedding[None], out[name]), strict)
    yield Row(MIXTURE, "mixed embedding", gap(run.mixed.flip(0), given["image_features"]), strict)
    for index in range(steps):
        allowed = strict if index == 0 else tolerance["atol"]
        yield Row(MIXTURE, f"predictions {index}", gap(run.predictions[index], out[f"unet_eps_{index}"]), allowed)
    for index, state in enumerate([*run.states[1:], latents]):
        allowed = strict if index == 0 else tolerance["atol"]
        yield Row(MIXTURE, f"latents {index}", gap(state, out[f"latents_step_{index}"]), allowed)
    yield Row(MIXTURE, "latents", gap(latents, out["latents_final"]), tolerance["atol"])
    yield from _steps_alone(recorded)


def _steps_alone(recorded: Recording) -> Rows:
    """Every step of the sampler from the recorded state and predictions before it, so that no error adds up."""
    meta, out, state = recorded.meta, recorded.under("out/"), recorded.tensors["noise/0"]
    for index, step in enumerate(ddpm_coefficients(meta["steps"])):
        uncond, cond = out[f"unet_eps_{index}"].split(1)
        noise = recorded.tensors[f"noise/{index + 1}"]
        x, _ = ddpm_step(state, cond, uncond, guidance_scale=meta["guidance_scale"], step=step, noise=noise)
        state = out[f"latents_step_{index}"]
        yield Row(MIXTURE, f"step {index} alone", gap(x, state), meta["tolerance"]["first_step_atol"])


def control(golden: Golden) -> Rows:
    recorded = golden.read(CONTROL)
    given, out, tolerance = recorded.under("in/"), recorded.under("out/"), recorded.meta["tolerance"]["atol"]
    unet = _unet(recorded, recorded.under("sd_unet/"))
    state = unet_to_diffusers(_float(recorded.under("sd_controlnet/")))
    net = assemble(lambda: build_control(shapes_of(state), **_extras(recorded)), state, CONTROL, torch.float32, "cpu")
    latent_size = given["x"].shape[-2:]
    features = hint_features(net, given["hint"], latent_size)
    yield Row(CONTROL, "hint stem", gap(features, out["hint_features"]), tolerance)
    yield Row(CONTROL, "plain U-Net", gap(_pass(unet, given, Extras()), out["unet_plain"]), tolerance)

    def residuals(scale: float) -> tuple[Tensor, ...]:
        rows = torch.full((len(given["x"]),), scale)
        return control_residuals(net, given["x"], given["time"], *_text(given), features, rows)

    for level, residual in enumerate(residuals(1.0)):
        yield Row(CONTROL, f"residual {level}", gap(residual, out[f"residual_{level}"]), tolerance)
    for name in (name for name in out if name.startswith("unet_k")):
        held = _pass(unet, given, Extras(residuals=residuals(float(name.removeprefix("unet_k")))))
        yield Row(CONTROL, name, gap(held, out[name]), tolerance)

    stem = {name: t for name, t in recorded.under("sd_controlnet/").items() if name.startswith("input_hint_block.")}
    hed = _unet(recorded, {**recorded.under("sd_unet/"), **stem}, graft_stem)
    eps = _pass(hed, given, Extras(hint_features=hint_features(hed, given["hint"], latent_size)))
    yield Row(CONTROL, "hed_v1_unet", gap(eps, out["hed_v1_unet"]), tolerance)


class _Run:
    """Answers a pipeline with the recorded nets and keeps what it computed."""

    def __init__(self, unet: nn.Module, clip: nn.Module, given: dict[str, Tensor]) -> None:
        self._unet, self._clip, self._given = unet, clip, given
        self.device = torch.device("cpu")
        self.embeddings: tuple[Tensor, ...] = ()
        self.mixed = torch.empty(0)
        self.predictions: list[Tensor] = []
        self.states: list[Tensor] = []

    def picture(self, digest: str) -> Tensor:
        return self._given[f"image_{int(digest)}"]

    def play(self, pipeline: Generator[Ask, Any, Tensor]) -> Tensor:
        reply: object = None
        while True:
            try:
                ask = pipeline.send(reply)
            except StopIteration as end:
                return end.value
            reply = None if isinstance(ask, Aside) else self._answer(ask)

    def _answer(self, ask: Ask) -> tuple[Tensor, ...]:
        match ask:
            case EmbedImages():
                self.embeddings = tuple(embed_pictures(self._clip, ask.pictures))
                return self.embeddings
            case ImageTokens():
                self.mixed = torch.stack(ask.embeddings)
                return image_tokens(self._unet, self.mixed).split(1)
            case Denoise():
                return self._denoise(ask)
        raise TypeError(f"nothing recorded answers {type(ask).__name__}")

    def _denoise(self, ask: Denoise) -> tuple[Tensor, ...]:
        text = merge(ask.contexts)
        t = torch.full((ask.rows,), float(ask.t))
        scale = torch.full((ask.rows,), ask.image_scale)
        extras = Extras(image_tokens=torch.cat(ask.image_tokens), image_scale=scale)
        x = torch.cat([ask.x for _ in ask.contexts])
        eps = denoise(self._unet, x, t, text.rows, text.mask, text.pool_len, extras)
        self.states.append(ask.x)
        self.predictions.append(eps.flip(0))  # recorded with the unconditional row first
        return eps.split(1)


class _Recorded(PictureNoise):
    """Noise in the order in which it was recorded."""

    def __init__(self, noise: list[Tensor]) -> None:
        self._noise = iter(noise)

    def next(self, shape: tuple[int, ...] | None = None) -> Tensor:
        return next(self._noise)


def _mixture(recorded: Recording, run: _Run) -> Generator[Ask, Any, Tensor]:
    meta, given = recorded.meta, recorded.under("in/")
    request = Mix(
        prompt="",
        seeds=(0,),
        images=tuple(
            WeighedSource(blob=f"{number:064}", width=1, height=1, weight=weight)
            for number, weight in enumerate(meta["weights"])
        ),
        image_scale=meta["img_weight"],
        steps=meta["steps"],
        guidance_scale=meta["guidance_scale"],
        width=meta["width"],
        height=meta["height"],
    )
    tokens = yield from look_at(request.images, "mix", guided=True, tools=run)
    length = torch.tensor([given["prompt_embeds"].shape[1]])
    contexts = tuple(
        Context(given[f"{prefix}prompt_embeds"], given[f"{prefix}attention_mask"], length)
        for prefix in ("", "negative_")
    )
    noise = [_Recorded([recorded.tensors[f"noise/{number}"][0] for number in range(meta["n_noises"])])]
    return (
        yield from denoise_adapted(
            request, "mix", contexts, noise, run.device, image_tokens=tokens, image_scale=request.image_scale
        )
    )


def _text(given: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    context = given["context"]
    return context, given["context_mask"], torch.full((len(context),), context.shape[1])


def _pass(unet: nn.Module, given: dict[str, Tensor], extras: Extras) -> Tensor:
    return denoise(unet, given["x"], given["time"], *_text(given), extras)


def _adapted_unet(recorded: Recording) -> nn.Module:
    return _unet(recorded, recorded.under("sd/"), graft_adapter)


def _unet(recorded: Recording, official: dict[str, Tensor], graft: Graft = lambda unet, shapes: None) -> nn.Module:
    """A recorded U-Net with what is grafted on it. Its text projection has been applied to the recorded contexts."""
    state = unet_to_diffusers(_float(official))
    state = {name: tensor for name, tensor in state.items() if not name.startswith("projection_l")}

    def build() -> nn.Module:
        unet = build_unet(infer_unet_config(shapes_of(state), **_extras(recorded)))
        graft(unet, shapes_of(state))
        return unet

    return assemble(build, state, recorded.name, torch.float32, "cpu")


def _clip(recorded: Recording) -> nn.Module:
    state = _float(recorded.under("sd_image_encoder/"))
    config = infer_clip_config(shapes_of(state), heads=recorded.meta["image_encoder_config"]["num_attention_heads"])
    return assemble(lambda: build_clip(config), state, recorded.name, torch.float32, "cpu")


def _extras(recorded: Recording) -> dict[str, int]:
    return {"groups": recorded.meta["config"]["groups"], "head_dim": recorded.meta["config"]["head_dim"]}


def _float(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in state.items()}
