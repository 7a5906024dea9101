"""Recordings of KandiSuperRes: its net, panoramas from windows, and Flash x2 with its refiner, picture to picture."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.asks import Ask
from inference.families.kandinsky.asks import Denoise, Encode, Enlarge, ToLatent, ToPixels
from inference.families.kandinsky.conditioning import EOS, Context, Tokens
from inference.families.kandinsky.files.catalogue import Net
from inference.families.kandinsky.files.contents import movq_state, split_unet
from inference.families.kandinsky.nets import movq as movq_net
from inference.families.kandinsky.nets.superres import build_superres, enlarged, infer_superres_config, predict_clean
from inference.families.kandinsky.nets.unet import build_unet, denoise, infer_unet_config
from inference.families.kandinsky.pipelines.enlarging import Frames, enlarge
from inference.families.kandinsky.pipelines.refining import Refiner
from inference.families.kandinsky.pipelines.upscale import Plan, upscale
from inference.families.kandinsky.sampling import PictureNoise
from inference.families.kandinsky.sampling.superres import solver_times, turbo_coefficients
from inference.requests import Source, Upscale
from tests.parity.golden import Golden, Recording
from tests.parity.rows import Row, Rows, gap, unequal

UNET, PANORAMAS, FLASH = "superres_unet_tiny", "superres_multidiffusion", "superres_flash"
HALF = 2e-3  # what is left of a tensor that was recorded in float16


def unet(golden: Golden) -> Rows:
    recorded = golden.read(UNET)
    net, given, tolerance = _net(golden), recorded.under("in/"), recorded.meta["tolerance"]["atol"]
    yield Row(UNET, "time_embed", gap(net.embed_time(given["time"]), recorded.tensors["out/time_embed"]), tolerance)
    for suffix in ("", "_odd", "_same"):
        x0 = predict_clean(net, given["x"], given["time"], given[f"lowres{suffix}"])
        yield Row(UNET, f"x0{suffix}", gap(x0, recorded.tensors[f"out/x0{suffix}"]), tolerance)


def panoramas(golden: Golden) -> Rows:
    recorded = golden.read(PANORAMAS)
    stage, tolerance = Stage(_net(golden)), recorded.meta["tolerance"]["atol"]
    for case, told in recorded.meta["cases"].items():
        given = recorded.under(f"{case}/")
        height, width = given["noise"].shape[-2:]
        noise = PictureNoise(told["seed"], (3, height, width))
        yield Row(PANORAMAS, f"{case} noise", gap(noise.next()[None], given["noise"]))
        frames = Frames(window=told["window"], stride=told["stride"])
        tools = Hand(picture_=given.get("in/image"), at_once=told["view_batch_size"])
        if "in/image" in given:
            high, wide = given["in/image"].shape[:2]
            image = Source(blob="0" * 64, width=wide, height=high)
            request = Upscale(kind="x4", image=image, seeds=(told["seed"],), exact_official_resize=True)
            drawing, _ = stage.play(upscale(request, tools, Plan(frames=frames)))
            yield Row(
                PANORAMAS, f"{case} pixels", gap(drawing.pictures[0], given["out/image"]), told["uint8_tolerance"]
            )
            continue
        cut = frames.over(height, width)
        views = [[v.top, v.top + v.height, v.left, v.left + v.width] for v in (window.view for window in cut)]
        yield Row(PANORAMAS, f"{case} times", unequal(solver_times(told["steps"]), told["timesteps"]))
        if height >= told["window"] and width >= told["window"]:
            yield Row(PANORAMAS, f"{case} views", unequal(views, told["views"]))
        low = enlarged(given["in/lowres"], height, width)[0]
        net: Net = "superres_x4" if told["scale"] == 4 else "superres_x2"
        noise = PictureNoise(told["seed"], (3, height, width))
        large, asked = stage.play(enlarge(net, low, noise, tools, frames, steps=told["steps"]))
        yield Row(PANORAMAS, f"{case} final", gap(large[None], given["out/final"]), tolerance)
        seen = torch.cat([ask.x for ask in asked if isinstance(ask, Enlarge)]).unflatten(0, (told["steps"], len(cut)))
        for number in range(told["steps"] - 1):
            if (state := given.get(f"out/step_{number}")) is not None:
                theirs = torch.cat([window.view.of(state) for window in cut])
                yield Row(PANORAMAS, f"{case} step {number}", gap(seen[number + 1], theirs), tolerance)


def flash(golden: Golden) -> Rows:
    recorded = golden.read(FLASH)
    told, given = recorded.meta, recorded.tensors
    stage, tolerance = _flash_stage(golden, recorded), told["tolerance"]["atol"]
    noise = [given[f"noise/{number}"][0].float() for number in range(len(told["noise_shapes"]))]
    yield Row(FLASH, "times", unequal([step.t for step in turbo_coefficients()], told["turbo_times"]))

    tile, base = told["movq_config"]["tile_sample_min_size"], Refiner()
    refiner = Refiner(
        encode=replace(base.encode, size=tile // 8),
        refine=replace(base.refine, size=told["refine_tile"]),
        decode=replace(base.decode, size=tile),
    )
    picture, tools, cpu = given["in/image"], Hand(), torch.device("cpu")
    low = enlarged(picture.permute(2, 0, 1)[None].float() / 127.5 - 1, *given["out/sr"].shape[-2:])[0]
    whole = Frames(window=max(low.shape))
    sr, _ = stage.play(enlarge("superres_flash_x2", low, Recorded(noise), tools, whole))
    yield Row(FLASH, "sr", gap(sr[None], given["out/sr"]), tolerance)
    latent, _ = stage.play(refiner.latent(given["out/sr"][0], cpu, published=True))
    yield Row(FLASH, "latent", gap(latent[None], given["out/latent"]), tolerance)
    refined, _ = stage.play(refiner.refined(given["out/latent"][0], stage.context, Recorded(noise[5:]), published=True))
    yield Row(FLASH, "refined latent", gap(refined[None], given["out/refined_latent"]), tolerance)
    decoded, _ = stage.play(refiner.pixels(given["out/refined_latent"][0], cpu, published=True))
    yield Row(FLASH, "decoded", gap(decoded[None], given["out/decoded"]), HALF)

    plan = Plan(refiner=refiner)
    yield _whole(stage, "", given, noise, plan, told["uint8_tolerance"], refine=True)
    rest = recorded.under("norefine/")
    drawn = [rest[f"noise/{number}"][0].float() for number in range(5)]
    yield _whole(stage, "norefine ", rest, drawn, plan, told["uint8_tolerance"], refine=False)


def _whole(
    stage: Stage, case: str, given: dict[str, Tensor], noise: list[Tensor], plan: Plan, levels: int, *, refine: bool
) -> Row:
    high, wide = given["in/image"].shape[:2]
    image = Source(blob="0" * 64, width=wide, height=high)
    request = Upscale(kind="flash_x2", image=image, seeds=(0,), refine=refine, exact_official_resize=True)
    drawing, _ = stage.play(
        upscale(request, Hand(picture_=given["in/image"]), plan, streams=lambda seed, shape: Recorded(noise))
    )
    return Row(FLASH, f"{case}pixels", gap(drawing.pictures[0], given["out/image"]), levels)


class Recorded:
    """Noise as it was recorded."""

    def __init__(self, noise: list[Tensor]) -> None:
        self._noise = iter(noise)

    def next(self, shape: tuple[int, ...] | None = None) -> Tensor:
        return next(self._noise).clone()


@dataclass(frozen=True)
class Hand:
    """The light tools of a pipeline."""

    picture_: Tensor | None = None
    at_once: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def tokenize(self, text: str) -> Tokens:
        return Tokens((EOS,), 1, "")

    def picture(self, digest: str) -> Tensor:
        assert self.picture_ is not None
        return self.picture_

    def windows_at_once(self, height: int, width: int) -> int:
        return self.at_once


@dataclass(frozen=True)
class Stage:
    """Plays the engine for a pipeline, or a part of one, that enlarges."""

    superres: nn.Module
    context: Any = None
    unet: Any = None
    movq: Any = None

    @torch.inference_mode()
    def play(self, asks: Generator[Ask, Any, Any]) -> tuple[Any, list[Ask]]:
        """What the pipeline returned, and all that it asked."""
        answer: object = None
        asked: list[Ask] = []
        while True:
            try:
                ask = asks.send(answer)
            except StopIteration as end:
                return end.value, asked
            asked.append(ask)
            answer = self._answer(ask)

    def _answer(self, ask: Ask) -> object:
        match ask:
            case Enlarge():
                return predict_clean(self.superres, ask.x, torch.full((len(ask.x),), ask.t), ask.low)
            case Encode():
                return (self.context,) * len(ask.texts)
            case ToLatent():
                return movq_net.encode(self.movq, ask.pixels[None])[0]
            case ToPixels():
                return movq_net.decode(self.movq, ask.latent[None])[0]
            case Denoise(contexts=[context]):
                t = torch.full((len(ask.x),), ask.t)
                return (denoise(self.unet, ask.x, t, context.rows, context.mask, context.pool_len),)
            case _:
                return None


def _net(golden: Golden) -> Any:
    recorded = golden.read(UNET)
    state, groups = _floats(recorded, "sd/"), recorded.meta["config"]["groups"]
    return assemble(
        lambda: build_superres(infer_superres_config(shapes_of(state), groups=groups)),
        state,
        UNET,
        torch.float32,
        "cpu",
    )


def _flash_stage(golden: Golden, recorded: Recording) -> Stage:
    refiner = split_unet(_floats(recorded, "sd_refiner/")).unet
    told = recorded.meta["refiner_config"]
    sizes = infer_unet_config(shapes_of(refiner), groups=told["groups"], head_dim=told["head_dim"])
    unet = assemble(lambda: build_unet(sizes), refiner, FLASH, torch.float32, "cpu")
    codec = movq_state(_floats(recorded, "sd_movq/"))
    movq = assemble(
        lambda: movq_net.build_movq(movq_net.infer_movq_config(shapes_of(codec))), codec, FLASH, torch.float32, "cpu"
    )
    rows, mask = recorded.tensors["in/context"], recorded.tensors["in/context_mask"]
    return Stage(_net(golden), Context(rows, mask, torch.tensor([rows.shape[1]])), unet, movq)


def _floats(recorded: Recording, prefix: str) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in recorded.under(prefix).items()}
