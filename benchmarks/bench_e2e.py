"""A prompt to picture files: our engine against diffusers and Pillow with the very same weights, on one thread.

Guidance runs against `Kandinsky3Pipeline`. diffusers has no pipeline for Flash, so there its modules are called in the
plainest loop; with the same noise it must give the same picture, which is checked before anything is timed.
"""

from __future__ import annotations

import io
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import torch
from diffusers import DDPMScheduler, Kandinsky3Pipeline
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import T5Tokenizer
from transformers.utils import logging as transformers_logging

from benchmarks.harness import Row, compare
from benchmarks.random_weights import UNET, Nets, mid_size_nets, write_checkpoint
from inference.blobs import encode_png
from inference.engine.loop import Drawn, Engine
from inference.engine.nets import Nets as EngineNets
from inference.engine.policy import device_policy
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.kit import CheckpointKit
from inference.families.kandinsky.sampling import PictureNoise, flash_coefficients, stack_next
from inference.requests import FlashTextToImage, Recipe, TextToImage

SIDE = 256
STEPS = 10
TOKENS = 24
SEEDS = (11, 12, 13, 14)
FIRST_CHANNELS = UNET["block_out_channels"][0] // 2

Request = FlashTextToImage | TextToImage


class Ours:
    """The engine and its kit in this process, as the engine child uses them."""

    def __init__(self, folder: Path) -> None:
        policy = device_policy("cpu")
        nets = EngineNets(policy.device)
        self._kit = CheckpointKit(Checkpoint.open(folder), policy, nets)
        self._engine = Engine([self._kit], nets, max_rows=policy.max_rows)

    def draw(self, request: Request) -> list[bytes]:
        self._engine.add(1, request)
        while True:
            for _, event in self._engine.turn():
                if isinstance(event, Drawn):
                    return [self._file(request, tile, made) for tile, made in enumerate(event.drawing.pictures)]

    def tokens(self, prompt: str) -> int:
        return len(self._kit.tokenize(prompt).ids)

    @staticmethod
    def _file(request: Request, tile: int, pixels: Tensor) -> bytes:
        recipe = Recipe(request=request, tile=tile, checkpoints={}, code_version="benchmark")
        return encode_png(Image.fromarray(pixels.numpy()), recipe)


class Theirs:
    """What somebody with pip's diffusers would write."""

    def __init__(self, nets: Nets) -> None:
        scheduler = DDPMScheduler(beta_schedule="squaredcos_cap_v2", thresholding=True, dynamic_thresholding_ratio=0.99)
        self._pipeline: Any = Kandinsky3Pipeline(
            tokenizer=T5Tokenizer.from_pretrained(nets.tokenizer),
            text_encoder=nets.encoder,
            unet=nets.unet,
            scheduler=scheduler,
            movq=nets.movq,
        )
        self._pipeline.set_progress_bar_config(disable=True)

    def draw(self, request: Request) -> list[bytes]:
        images = self._flash(request) if isinstance(request, FlashTextToImage) else self._guided(request)
        return [_plain_png(image) for image in images]

    def _guided(self, request: TextToImage) -> list[Image.Image]:
        images: list[Image.Image] = self._pipeline(
            request.prompt,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance_scale,
            num_images_per_prompt=len(request.seeds),
            height=request.height,
            width=request.width,
            generator=[torch.Generator().manual_seed(seed) for seed in request.seeds],
        ).images
        return images

    @torch.inference_mode()
    def _flash(self, request: FlashTextToImage) -> list[Image.Image]:
        pipeline, count = self._pipeline, len(request.seeds)
        rows, _, mask, _ = pipeline.encode_prompt(
            request.prompt, do_classifier_free_guidance=False, num_images_per_prompt=count, _cut_context=True
        )
        noise = [PictureNoise(seed, (4, request.height // 8, request.width // 8)) for seed in request.seeds]
        x0 = stack_next(noise)  # [B, 4, h, w]
        for step in flash_coefficients():
            x = step.sqrt_alpha * x0 + step.sqrt_one_minus_alpha * stack_next(noise)
            eps = pipeline.unet(x, step.t, encoder_hidden_states=rows, encoder_attention_mask=mask).sample
            x0 = (x - step.sqrt_one_minus_alpha * eps) / step.sqrt_alpha
        decoded = pipeline.movq.decode(x0, force_not_quantize=True).sample  # [B, 3, H, W]
        images = (decoded * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().numpy()
        made: list[Image.Image] = pipeline.numpy_to_pil(images)
        return made


def rows() -> Iterator[Row]:
    """Every case draws a prompt nobody has drawn before, unless it says that the prompt is known."""
    torch.set_num_threads(1)
    transformers_logging.disable_progress_bar()
    nets = mid_size_nets()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Ours(write_checkpoint(nets, Path(folder))), Theirs(nets)
        fresh = prompts(ours)
        known = next(fresh)
        check_same_picture(ours, theirs, flash(known))
        cases: tuple[tuple[str, Callable[[], Request], int], ...] = (
            ("Flash, 1 picture", lambda: flash(next(fresh)), 2),
            ("Flash, 1 picture, known prompt", lambda: flash(known), 2),
            ("Flash, 4 pictures", lambda: flash(next(fresh), SEEDS), 1),
            (f"{STEPS} steps with guidance, 1 picture", lambda: guided(next(fresh)), 1),
        )
        for case, request, repeats in cases:
            check_same_work(ours, theirs, request())
            yield compare(
                "e2e",
                case,
                drawing(ours, request),
                drawing(theirs, request),
                baseline_name="diffusers",
                target=1.0,
                repeats=repeats,
                warm_up=False,  # the check was one
            )


def drawing(side: Ours | Theirs, request: Callable[[], Request]) -> Callable[[], list[bytes]]:
    return lambda: side.draw(request())


def prompts(ours: Ours) -> Iterator[str]:
    """Different prompts, all of TOKENS tokens."""
    for number in itertools.count():
        prompt = f"a red cat and a yellow boat at sea {number:04} blue star"
        while ours.tokens(prompt) < TOKENS:
            prompt += " a"
        if ours.tokens(prompt) == TOKENS:
            yield prompt


def flash(prompt: str, seeds: tuple[int, ...] = SEEDS[:1]) -> FlashTextToImage:
    return FlashTextToImage(prompt=prompt, width=SIDE, height=SIDE, seeds=seeds)


def guided(prompt: str) -> TextToImage:
    return TextToImage(prompt=prompt, width=SIDE, height=SIDE, seeds=SEEDS[:1], steps=STEPS)


def check_same_picture(ours: Ours, theirs: Theirs, request: FlashTextToImage) -> None:
    """Raises RuntimeError unless both draw the same.

    A level is left to rounding, which one side cuts off, and in a hundredth of the places more: random nets amplify
    the last bits of float32.
    """
    mine, reference = (numpy.asarray(Image.open(io.BytesIO(side.draw(request)[0]))) for side in (ours, theirs))
    apart = numpy.abs(mine.astype(int) - reference.astype(int))
    if mine.std() < 1 or (apart > 1).mean() > 0.01:
        raise RuntimeError(f"{(apart > 1).mean():.1%} of the pictures differ, by up to {apart.max()} levels")


def check_same_work(ours: Ours, theirs: Theirs, request: Request) -> None:
    """Raises RuntimeError unless both put as many rows through a U-Net and make as many pictures."""
    done = []
    for side in (ours, theirs):
        passed: list[int] = []
        counting = register_module_forward_pre_hook(_note_unet_rows(passed))
        files = side.draw(request)
        counting.remove()
        done.append((sum(passed), len(files)))
    if done[0] != done[1]:
        raise RuntimeError(f"the two sides did not do the same work: {done}")


def _note_unet_rows(passed: list[int]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    """A hook that notes the rows of every pass where they enter the first convolution of a U-Net."""

    def note(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, nn.Conv2d) and module.weight.shape == (FIRST_CHANNELS, 4, 3, 3):
            passed.append(len(inputs[0]))

    return note


def _plain_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    for measured in rows():
        print(json.dumps(measured.as_json()), flush=True)
