"""Steps that the pipelines have in common."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from torch import Tensor

from inference.engine.asks import Ask, Ready
from inference.engine.seeds import SEED_RANGE
from inference.families.kandinsky.asks import Decode
from inference.families.kandinsky.conditioning import Tokens
from inference.families.kandinsky.sampling import PictureNoise
from inference.families.kandinsky.sampling.inpainting import DOWNSCALE
from inference.requests import Note, Request

LATENT_CHANNELS = 4
_SEED_STEP = 0x9E3779B9  # far from the small steps between the seeds of one job


def noise_streams(request: Request) -> list[PictureNoise]:
    """One stream of unit gaussian [4, H/8, W/8] per seed, so that any picture of a job can be made again alone."""
    return window_noise(request.seeds, request.size)


def window_noise(seeds: Sequence[int], size: tuple[int, int], window: int = 0) -> list[PictureNoise]:
    """The same for a window of that width and height, one of several that make up a picture: what they get has nothing
    in common."""
    width, height = size
    shape = (LATENT_CHANNELS, height // DOWNSCALE, width // DOWNSCALE)
    return [PictureNoise((seed + window * _SEED_STEP) % SEED_RANGE, shape) for seed in seeds]


def decode_each(latents: Tensor) -> Generator[Ask, Tensor, tuple[Tensor, ...]]:
    """Pixels of every latent of [B, 4, h, w], asked for one by one: decoding is the widest pass there is. Each is a
    picture of the job, ready when it is decoded."""
    pictures = []
    for tile, latent in enumerate(latents):
        pictures.append((yield Decode(latent)))
        yield Ready(tile, pictures[-1])
    return tuple(pictures)


def prompt_notes(prompt: Tokens, negative: Tokens | None = None) -> tuple[Note, ...]:
    """What a person should know about how their words were read: tails that were cut, and words the encoder does not
    know."""
    notes = []
    if prompt.unseen:
        notes.append(Note(code="prompt_cut", detail=prompt.unseen))
    if negative and negative.unseen:
        notes.append(Note(code="negative_cut", detail=negative.unseen))
    if prompt.mostly_unknown:
        notes.append(Note(code="unknown_tokens", detail=str(prompt.unknown)))
    return tuple(notes)
