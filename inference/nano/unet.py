"""Training of the base U-Net: noise prediction on cached latents with the conditioning of the released nets.

The context is zeroed after the projection, the pooling query is the sum over n + 1 rows, and a dropped caption is the
learnt null embedding as the only row: what `kandinsky.conditioning` and `kandinsky.nets.unet` do with the weights.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from diffusers import Kandinsky3UNet
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import T5EncoderModel, T5Tokenizer

from inference.families.kandinsky.nets.unet import predict_noise
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.nano import movq, text
from inference.nano.captions import LANGUAGES, caption
from inference.nano.speech.asking import ask
from inference.nano.training import batches, fit, load, quick_arithmetic, save
from inference.nano.world import SQUARE, TALL, WIDE, Scene, Size, practice_scene

CONFIG: dict[str, Any] = {
    "in_channels": 4,
    "time_embedding_dim": 48,
    "groups": 8,
    "attention_head_dim": 16,
    "layers_per_block": 2,
    "block_out_channels": (48, 64, 32, 16),
    "cross_attention_dim": 112,
}
BATCH = 64
PICTURES = 20_480
SHARD = 2048
FIRST_SHARDS = 3  # training starts with these and takes in another every so many steps
GROWING = 200
OBLONG_SHARDS, OBLONG_BATCH, OBLONG_EVERY = 2, 42, 6  # of every six batches one is wide and one tall
PEOPLES = 0.5  # share of captions that are as people speak, where the encoder reads people
DROPPED = 0.2  # captions replaced by the null embedding: a weak unconditional half makes guidance overshoot
SNR_LIMIT = 5.0  # min-SNR weighting (Hang et al., 2023): easy, nearly clean states count less
RATE = 1.4e-3


class Denoiser(nn.Module):
    """A U-Net with what belongs to it: projection and null embedding."""

    def __init__(self) -> None:
        super().__init__()
        width = CONFIG["cross_attention_dim"]
        self.unet = Kandinsky3UNet(**CONFIG, encoder_hid_dim=text.WIDTH)
        self.unet.encoder_hid_proj = nn.Identity()
        self.projection = nn.Sequential(nn.Linear(text.WIDTH, width, bias=False), nn.LayerNorm(width))
        self.null_embedding = nn.Parameter(torch.randn(width) * 0.5)

    def forward(self, x: Tensor, t: Tensor, hidden: Tensor, mask: Tensor, dropped: Tensor) -> Tensor:
        """Noise [B, 4, h, w] in x at times t [B] under hidden states [B, L, C] with mask [B, L]; dropped [B] bool."""
        rows = self.projection(hidden) * mask[..., None]
        first = torch.zeros_like(mask)
        first[:, 0] = 1
        null = first[..., None] * self.null_embedding
        rows = torch.where(dropped[:, None, None], null, rows)
        kept = torch.where(dropped[:, None], first, mask)
        noise: Tensor = predict_noise(self.unet, x, t, rows, kept, kept.sum(1) + 1)
        return noise


def prepare(model: Denoiser) -> Denoiser:
    """Makes training fast on a CPU: the plain attention arithmetic beats the fused one at this size."""
    prepare_processors(model)
    return model


def prepare_processors(model: nn.Module) -> None:
    """The plain attention arithmetic everywhere, but where an adapter has put its own."""
    for module in model.modules():
        if hasattr(module, "set_processor") and not isinstance(getattr(module, "processor", None), nn.Module):
            module.set_processor(AttnProcessor())  # type: ignore[operator]


def cache_latents(out: Path, seed: int, start: int, count: int, size: Size = SQUARE) -> Path:
    """Encodes scenes seed·10⁷ + start … once; returns the file with {"first", "latents" fp16 [count, 4, h/8, w/8]}."""
    path = _latents(out, size) / f"{start}.pt"
    if path.exists():
        return path
    codec, first = movq.trained(out), seed * 10_000_000 + start
    width, height = size
    latents = torch.empty(count, 4, height // 8, width // 8, dtype=torch.float16)
    with torch.inference_mode(), quick_arithmetic():
        for i in range(0, count, 64):
            latents[i : i + 64] = movq.encode(codec, movq.pictures(first + i, min(64, count - i), size))
    save(path, {"first": first, "latents": latents})
    return path


def _latents(out: Path, size: Size) -> Path:
    width, height = size
    return out / "latents" / f"{width}x{height}"


def cached(out: Path, seed: int, shards: int, size: Size = SQUARE) -> tuple[Tensor, Tensor]:
    """Scene seeds [N] and float32 latents [N, 4, h/8, w/8] of the cache, brought to at least `shards` shards first.

    Another process may be filling the cache at the same time.
    """
    folder = _latents(out, size)
    while len(list(folder.glob("*.pt"))) < shards:
        missing = (start for start in range(0, PICTURES, SHARD) if not (folder / f"{start}.pt").exists())
        cache_latents(out, seed, next(missing), SHARD, size)
    states = [load(path) for path in sorted(folder.glob("*.pt"))]
    kept = [state for state in states if state is not None]
    seeds = torch.cat([torch.arange(int(s["first"]), int(s["first"]) + len(s["latents"])) for s in kept])  # type: ignore
    return seeds, torch.cat([s["latents"] for s in kept]).float()  # type: ignore


class Pictures:
    """Scene seeds [N] with latents [N, 4, h, w] of one size, met in batches."""

    def __init__(self, seeds: Tensor, latents: Tensor, size: int, generator: torch.Generator) -> None:
        self.seeds, self.latents = seeds, latents
        self._order = batches(len(seeds), size, generator)

    def batch(self) -> tuple[list[int], Tensor]:
        """The next scene seeds and their latents [B, 4, h, w]."""
        chosen = next(self._order)
        return self.seeds[chosen].tolist(), self.latents[chosen]


def describe(
    tokenizer: T5Tokenizer, seeds: list[int], rng: random.Random, peoples: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Ids and mask of a fresh caption for each scene, a share of `peoples` of them as people speak."""
    return text.tokenize(tokenizer, [_said(practice_scene(seed), rng, peoples) for seed in seeds])


def _said(scene: Scene, rng: random.Random, peoples: float) -> str:
    """A caption of the scene; none of people that leaves the ground open, for they are to get one that contrasts."""
    language = rng.choice(LANGUAGES)
    if scene.kind != "abstract" and rng.random() < peoples:
        sentence, named = ask(scene, language, rng)
        if "background" in named:
            return sentence
    return caption(scene, language, rng)[0]


def noise_loss(predicted: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """Squared error of the noise, weighted by min(SNR, limit)/SNR."""
    ratio = alpha / (1 - alpha)
    weight = ratio.clamp(max=SNR_LIMIT) / ratio
    error: Tensor = (predicted.float() - noise).square().mean((1, 2, 3))
    return (weight * error).mean()


def stratified_times(count: int, generator: torch.Generator) -> Tensor:
    """`count` timesteps in 0..999, one from each equal slice, shuffled: the loss is steadier than with free ones."""
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count * 1000
    return spread.long().clamp(max=999)[torch.randperm(count, generator=generator)]


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains U-Net, projection and null embedding on a fixed text encoder; leaves `unet.pt`."""
    torch.manual_seed(seed)
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    tokenizer, encoder = text.trained(out)
    model, alphas = prepare(Denoiser()).train(), alphas_cumprod()
    peoples = PEOPLES if text.reads_people(encoder) else 0.0
    squares = Pictures(*cached(out, seed, PICTURES // SHARD if resume else FIRST_SHARDS), BATCH, generator)
    oblong = [Pictures(*cached(out, seed, OBLONG_SHARDS, size), OBLONG_BATCH, generator) for size in (WIDE, TALL)]

    def loss_of(step: int) -> Tensor:
        nonlocal squares
        if step % GROWING == GROWING - 1 and len(squares.seeds) < PICTURES:
            squares = Pictures(*cached(out, seed, len(squares.seeds) // SHARD + 1), BATCH, generator)
        turn = step % OBLONG_EVERY
        scenes, clean = (oblong[turn] if turn < len(oblong) else squares).batch()
        ids, mask = describe(tokenizer, scenes, rng, peoples)
        t = stratified_times(len(clean), generator)
        alpha, noise = alphas[t], torch.randn(clean.shape, generator=generator)
        scale = alpha[:, None, None, None]
        x = scale.sqrt() * clean + (1 - scale).sqrt() * noise
        dropped = torch.rand(len(clean), generator=generator) < DROPPED
        with quick_arithmetic():
            with torch.no_grad():
                hidden = encoder(ids, attention_mask=mask).last_hidden_state
            predicted = model(x, t, hidden, mask, dropped)
        return noise_loss(predicted, noise, alpha)

    fit(model, loss_of, out, "unet", minutes, peak=RATE / 2 if resume else RATE, resume=resume, decay=0.999)


def trained(out: Path, name: str = "unet") -> tuple[Denoiser, T5Tokenizer, T5EncoderModel]:
    """The net that `train` left in `out`, with the tokenizer and the text encoder that it was trained on."""
    state = load(out / f"{name}.pt")
    if state is None:
        raise FileNotFoundError(f"{out / name}.pt: train the U-Net first (--part unet)")
    tokenizer, encoder = text.trained(out)
    model = Denoiser()
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval(), tokenizer, encoder
