"""Training of what steers the base U-Net besides words: image prompts, outlines, scribbles.

The adapter and the ControlNet learn beside a frozen base; the outline net is a U-Net of its own. Texts are treated as
the published pipelines of each do, and half of them are dropped, so that a picture or a drawing alone is enough. What
guidance leads away from has to be learnt too: the empty text, padded to the prompt, and to the adapter a grey picture.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import Kandinsky3UNet
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes
from inference.families.kandinsky.conditioning import Context, TextRule, contexts_by_rule, encode, merge, tokenize
from inference.families.kandinsky.nets.control import STEM, ControlNet, build_control, control_residuals, graft_stem
from inference.families.kandinsky.nets.hed import edge_map, thick_strokes
from inference.families.kandinsky.nets.ip_adapter import cross_attentions, graft_adapter, is_adapter_name
from inference.families.kandinsky.nets.unet import Extras, predict_noise
from inference.families.kandinsky.pipelines.adapted import FILLER
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.nano import clip, edges, movq, text, unet
from inference.nano.captions import LANGUAGES, caption
from inference.nano.training import batches, fit, load, quick_arithmetic, save
from inference.nano.world import practice_scene

Part = Literal["adapter", "outlines", "scribble"]

SHARDS = 4  # of the base's cached latents
TOKENS = 4  # of an image prompt
STEM_WIDTHS = (3, 8, 8, 16, 16, 24, 24, 32)
OUTLINE_WIDTHS = (48, 48, 32, 16)  # of the base's widths one differs, by a quarter
RATES: dict[Part, float] = {"adapter": 2e-3, "outlines": 1.2e-3, "scribble": 1e-3}
RULES: dict[Part, TextRule] = {"adapter": "ip_adapter", "outlines": "hed", "scribble": "controlnet"}
# Shares of captions that become the filler, and of what guidance leads away from. Where words tell everything an image
# prompt has nothing to add and its adapter learns nothing.
WORDLESS: dict[Part, float] = {"adapter": 0.75, "outlines": 0.25, "scribble": 0.25}
SILENT = 0.15
BLIND = 0.05  # share of image prompts that become the mean-grey picture although something is said
# Share of image prompts with a touch of another picture in them, and how much of it at most: in a mix of unequal shares
# the larger one has to win.
MIXED, TOUCH = 0.4, 0.3

Said = tuple[str, bool]  # a prompt, and whether what is learnt is that which it stands against


class Steered(nn.Module):
    """A U-Net whose text side is at rest, with what learns beside it or in it."""

    def __init__(self, base: unet.Denoiser, net: Any, control: ControlNet | None = None) -> None:
        super().__init__()
        self.net = net
        self.control = control
        self.projection = base.projection
        self.null_embedding = base.null_embedding


def adapter(base: unet.Denoiser) -> Steered:
    """The base with a fresh adapter that does nothing yet; only the adapter learns.

    It reads its tokens as the base reads words, and they look like words: only what they say is to be learnt.
    """
    width = unet.CONFIG["cross_attention_dim"]
    shapes: Shapes = {"image_proj.weight": (TOKENS * width, clip.EMBEDDING), "image_norm.weight": (width,)}
    net: Any = base.unet
    graft_adapter(net, shapes)
    for name, module in net.named_modules():
        if is_adapter_name(f"{name}.") and isinstance(module, nn.Linear | nn.LayerNorm):
            module.to_empty(device="cpu")
            module.reset_parameters()
    net.image_norm.load_state_dict(base.projection[1].state_dict())
    for attention in cross_attentions(net):
        for own, worded in (("to_key_ip", attention.to_k), ("to_v_ip", attention.to_v)):
            layer = getattr(attention.processor, own)
            layer.weight.data.copy_(worded.weight)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(attention.processor.to_out_ip.weight)
        nn.init.zeros_(attention.processor.to_out_ip.bias)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(is_adapter_name(name))
    return _resting(Steered(base, net))


def outlines(base: unet.Denoiser) -> Steered:
    """A narrower copy of the base that takes a hint in: its texts come through the base's projection."""
    config = {**unet.CONFIG, "block_out_channels": OUTLINE_WIDTHS}
    net = Kandinsky3UNet(**config, encoder_hid_dim=text.WIDTH)
    net.encoder_hid_proj = nn.Identity()
    whole = base.unet.state_dict()
    net.load_state_dict({name: _thinned(whole[name], own.shape) for name, own in net.state_dict().items()})
    graft_stem(net, _stem_shapes(OUTLINE_WIDTHS[0] // 2))
    _fresh_stem(net.input_hint_block)
    net.requires_grad_(True)
    return _resting(Steered(base, net))


def _thinned(tensor: Tensor, shape: torch.Size) -> Tensor:
    """The tensor without every fourth entry of each side that is longer than in `shape`."""
    for side, length in enumerate(shape):
        if tensor.shape[side] != length:
            kept = torch.arange(tensor.shape[side])
            tensor = tensor.index_select(side, kept[kept % 4 < 3])
    return tensor


def scribble(base: unet.Denoiser) -> Steered:
    """The base at rest, and a ControlNet that begins as a copy of its front."""
    net: Any = base.unet
    shapes: Shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    levels = len(unet.CONFIG["block_out_channels"]) - 1
    shapes = {name: shape for name, shape in shapes.items() if not name.startswith(f"down_blocks.{levels}.")}
    shapes |= _stem_shapes(shapes["conv_in.weight"][0])
    for level in range(levels):
        width = unet.CONFIG["block_out_channels"][level]
        shapes[f"convs.{level}.weight"] = (width, width, 1, 1)
    control = build_control(shapes, groups=unet.CONFIG["groups"], head_dim=unet.CONFIG["attention_head_dim"])
    control = control.to_empty(device="cpu")
    own = control.state_dict()
    control.load_state_dict({name: value for name, value in net.state_dict().items() if name in own}, strict=False)
    _fresh_stem(control.input_hint_block)
    for conv in control.convs:  # what a level gives is what the next one gets: zeros would silence all below
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        nn.init.eye_(conv.weight.data[:, :, 0, 0]).mul_(0.05)  # type: ignore[index]
    net.requires_grad_(False)
    return _resting(Steered(base, net, control.requires_grad_(True).train()))


def _resting(model: Steered) -> Steered:
    model.projection.requires_grad_(False)
    model.null_embedding.requires_grad_(False)
    unet.prepare_processors(model)
    return model


def _stem_shapes(width: int) -> dict[str, tuple[int, ...]]:
    pairs = pairwise(STEM_WIDTHS)
    shapes: dict[str, tuple[int, ...]] = {f"{STEM}conv{i}.weight": (b, a, 3, 3) for i, (a, b) in enumerate(pairs, 1)}
    return {**shapes, f"{STEM}out.weight": (width, STEM_WIDTHS[-1], 3, 3)}


def _fresh_stem(stem: nn.Module) -> None:
    stem.to_empty(device="cpu")
    for module in stem.modules():
        if isinstance(module, nn.Conv2d):
            module.reset_parameters()


BUILD: dict[Part, Callable[[unet.Denoiser], Steered]] = {
    "adapter": adapter,
    "outlines": outlines,
    "scribble": scribble,
}


def sights(out: Path, part: Part, seeds: Tensor) -> Tensor:
    """What steers, for every scene of `seeds`, made once: embeddings [N, D] or hint maps uint8 [N, H, W]."""
    path = out / "sights" / f"{part}.pt"
    known = load(path)
    if known is None or len(known["made"]) != len(seeds):  # type: ignore[arg-type]
        make = _embeddings if part == "adapter" else _hints
        made = torch.cat([make(out, part, int(some[0]), len(some)) for some in torch.split(seeds, 256)])
        known = {"made": made}
        save(path, known)
    return known["made"]  # type: ignore[return-value]


@torch.inference_mode()
def _embeddings(out: Path, _part: Part, first: int, count: int) -> Tensor:
    tower = clip.trained(out).clip
    return clip.embed(tower, clip.to_pixels(movq.pictures(first, count))).half()


@torch.inference_mode()
def _hints(out: Path, part: Part, first: int, count: int) -> Tensor:
    net = edges.trained(out)
    maps = [edge_map(net, picture.permute(1, 2, 0)) for picture in movq.pictures(first, count)]
    return torch.stack([thick_strokes(one) for one in maps] if part == "scribble" else maps)


def train(out: Path, minutes: float, seed: int, resume: bool, part: Part = "adapter") -> None:
    """Trains one of the three; leaves `<part>.pt`."""
    torch.manual_seed(seed)
    generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
    seeds, latents = unet.cached(out, seed, SHARDS)
    seeds, latents = seeds[: SHARDS * unet.SHARD], latents[: SHARDS * unet.SHARD]
    seen, blind = sights(out, part, seeds), _blind(out) if part == "adapter" else torch.zeros(0)
    base, tokenizer, encoder = unet.trained(out)
    model = BUILD[part](base).train()
    alphas, order = alphas_cumprod(), batches(len(seeds), unet.BATCH, generator)

    def words_of(scenes: Tensor) -> list[Said]:
        said: list[Said] = []
        for one in scenes.tolist():
            spoken = caption(practice_scene(one), rng.choice(LANGUAGES), rng)[0]
            said.append((FILLER if rng.random() < WORDLESS[part] else spoken, rng.random() < SILENT))
        return said

    def loss_of(_step: int) -> Tensor:
        chosen = next(order)
        words = words_of(seeds[chosen])
        context = _contexts(model, tokenizer, encoder, words, RULES[part])
        t = unet.stratified_times(unet.BATCH, generator)
        if part != "outlines":  # beside a net that can draw, there is most to learn where little is drawn yet
            t = (t / 1000).sqrt().mul(1000).long()
        alpha, clean = alphas[t], latents[chosen]
        noise = torch.randn(clean.shape, generator=generator)
        scale = alpha[:, None, None, None]
        x = scale.sqrt() * clean + (1 - scale).sqrt() * noise
        with quick_arithmetic():
            if part == "adapter":
                looks = _touched(seen[chosen].float(), generator)
                silent = torch.tensor([silent for _, silent in words])
                looks[silent | (torch.rand(len(looks), generator=generator) < BLIND)] = blind
                extras = Extras(image_tokens=_tokens(model.net, looks))
            else:
                hint = (seen[chosen].float() / 255)[:, None].expand(-1, 3, -1, -1)
                extras = _structure(model, hint, x, t, context)
            predicted = predict_noise(model.net, x, t, context.rows, context.mask, context.pool_len, extras)
        return unet.noise_loss(predicted, noise, alpha)

    fit(model, loss_of, out, part, minutes, peak=RATES[part], resume=resume)


@torch.no_grad()
def _blind(out: Path) -> Tensor:
    """The embedding of the mean-grey picture [D]."""
    return clip.embed(clip.trained(out).clip, torch.zeros(1, 3, clip.IMAGE, clip.IMAGE))[0]


def _touched(looks: Tensor, generator: torch.Generator) -> Tensor:
    """Embeddings [B, D], some of them mixed with a little of another picture's."""
    share = TOUCH * torch.rand(len(looks), 1, generator=generator)
    share = share * (torch.rand(len(looks), 1, generator=generator) < MIXED)
    return (1 - share) * looks + share * looks.roll(1, dims=0)


def _tokens(net: Any, looks: Tensor) -> Tensor:
    tokens: Tensor = net.image_norm(net.image_proj(looks).unflatten(-1, (TOKENS, -1)))
    return tokens


def _structure(model: Steered, hint: Tensor, x: Tensor, t: Tensor, context: Context) -> Extras:
    if model.control is None:
        return Extras(hint_features=model.net.input_hint_block(hint))
    features = model.control.input_hint_block(hint)
    text_side = (context.rows, context.mask, context.pool_len)
    return Extras(residuals=control_residuals(model.control, x, t, *text_side, features, torch.ones(len(x))))


def _contexts(model: Steered, tokenizer: Any, encoder: nn.Module, words: list[Said], rule: TextRule) -> Context:
    """One context per prompt, or what it stands against, by the rule of the pipeline that the part serves."""
    *prompts, nothing = encode(encoder, [tokenize(tokenizer, prompt).ids for prompt in (*(p for p, _ in words), "")])
    against = None if rule == "hed" else nothing
    both = [contexts_by_rule(rule, model.projection, None, [prompt, against]) for prompt in prompts]
    whole = merge([negative if silent else prompt for (prompt, negative), (_, silent) in zip(both, words, strict=True)])
    return Context(*(part.clone() for part in (whole.rows, whole.mask, whole.pool_len)))  # fit for gradients


def trained(out: Path, part: Part) -> Steered:
    """What `train` left in `out`."""
    state = load(out / f"{part}.pt")
    if state is None:
        raise FileNotFoundError(f"{out / f'{part}.pt'}: train it first (--part {part})")
    model = BUILD[part](unet.Denoiser())
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval()
