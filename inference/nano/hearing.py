"""How the nets hear a text: what their attention makes of it, and which plain caption it comes nearest to.

A sentence is read right where no caption that says something else sounds more like it to the nets that draw. So
reading is told apart from drawing: what is read right and drawn wrong is not the encoder's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inference.families.kandinsky.nets.unet import attention_bias, predict_noise
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.nano import inpainting, steering, text, unet
from inference.nano.captions import Named
from inference.nano.meaning import plain_caption, settled

QUERIES = 24  # of each cross-attention
LEAST_VARIANCE = 1e-6
ROUNDS = 4  # of looking for a nearer caption

Encoder = Callable[[list[str]], tuple[Tensor, Tensor]]  # hidden states [B, L, C] and mask [B, L] of texts


@dataclass(frozen=True)
class Listener:
    """A net at rest that reads an encoder: its projection and its attentions, the pooling one first."""

    net: Any
    projection: nn.Module

    @property
    def attentions(self) -> list[Any]:
        """What attends to texts."""
        return [m for name, m in self.net.named_modules() if _reads(name, m)]

    def rows(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The context of hidden states [B, L, C], zero beyond each text."""
        projected: Tensor = self.projection(hidden)
        return projected * mask[..., None]

    def answers(self, rows: Tensor, mask: Tensor, queries: Sequence[Tensor]) -> list[Tensor]:
        """What the pooling makes of the rows, [B, 1, C], and each cross-attention for its queries [Q, C]: [B, Q, C]."""
        bias = attention_bias(mask, rows.dtype)
        mean = rows.sum(1, keepdim=True) / (mask.sum(1) + 1)[:, None, None]
        found: list[Tensor] = [self.net.add_time_condition.attention(mean, rows, bias)]
        for attention, asked in zip(self.attentions, queries, strict=True):
            found.append(attention(asked[None].expand(len(rows), -1, -1), rows, bias))
        return found


def _reads(name: str, module: nn.Module) -> bool:
    width = unet.CONFIG["cross_attention_dim"]
    is_cross = getattr(getattr(module, "to_k", None), "in_features", 0) == width
    return is_cross and not name.startswith("add_time_condition")


def listeners(out: Path, names: Sequence[str] = ("unet", "flash", "inpainting", "outlines")) -> list[Listener]:
    """Of the nets that read texts by themselves, those in `out`."""
    found = [_listener(out, name) for name in names if (out / f"{name}.pt").exists()]
    for one in found:
        one.net.requires_grad_(False).eval()
        one.projection.requires_grad_(False).eval()
    return found


def _listener(out: Path, name: str) -> Listener:
    if name == "outlines":
        steered = steering.trained(out, "outlines")
        unet.prepare_processors(steered.net)
        return Listener(steered.net, steered.projection)
    net = inpainting.trained(out) if name == "inpainting" else unet.trained(out, name)[0]
    return Listener(unet.prepare(net).unet, net.projection)


@torch.no_grad()
def ask_queries(
    listener: Listener, latents: Tensor, rows: Tensor, mask: Tensor, generator: torch.Generator
) -> list[Tensor]:
    """QUERIES of each cross-attention [Q, C], as drawing noisy latents under these texts brings them up."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        asked = inputs[0].flatten(0, 1)
        kept.append(asked[torch.randint(0, len(asked), (QUERIES,), generator=generator)].clone())

    hooks = [attention.register_forward_pre_hook(keep) for attention in listener.attentions]
    t = unet.stratified_times(len(latents), generator)
    alpha = alphas_cumprod()[t][:, None, None, None]
    x = alpha.sqrt() * latents + (1 - alpha).sqrt() * torch.randn(latents.shape, generator=generator)
    if listener.net.conv_in.in_channels > latents.shape[1]:
        hole = torch.zeros_like(x[:, :1])
        hole[..., 4:12, 4:12] = 1
        x = torch.cat([x, latents * (1 - hole), hole], dim=1)
    predict_noise(listener.net, x, t, rows, mask, mask.sum(1) + 1)
    for hook in hooks:
        hook.remove()
    return kept


def unlike(
    ear: Listener, queries: Sequence[Tensor], said: tuple[Tensor, Tensor], meant: tuple[Tensor, Tensor]
) -> Tensor:
    """How differently a net hears two encodings, as a share of what tells texts apart at all."""
    with torch.no_grad():
        wanted = ear.answers(ear.rows(*meant), meant[1], queries)
    found = ear.answers(ear.rows(*said), said[1], queries)
    parts = [
        (one.float() - other.float()).square().mean()
        / (other.float() - other.float().mean(0)).square().mean().clamp(min=LEAST_VARIANCE)
        for one, other in zip(found, wanted, strict=True)
    ]
    return torch.stack(parts).mean()


class Hearing:
    """Texts as a net hears them: rows of numbers, near to one another where it hears alike."""

    def __init__(
        self, ear: Listener, encoder: Encoder, latents: Tensor, captions: list[str], generator: torch.Generator
    ) -> None:
        """Queries come from drawing `latents` under the first of the captions, scales from how those differ."""
        self._ear = ear
        hidden, mask = encoder(captions)
        rows = ear.rows(hidden, mask)
        some = len(latents)
        self._queries = ask_queries(ear, latents, rows[:some], mask[:some], generator)
        self._scales = [
            ((part - part.mean(0)).square().mean().clamp(min=LEAST_VARIANCE) * part[0].numel()).rsqrt()
            for part in ear.answers(rows, mask, self._queries)
        ]

    def hear(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """[B, D]: the squared distance of two rows, over the number of attentions, is what `unlike` says."""
        found = self._ear.answers(self._ear.rows(hidden, mask), mask, self._queries)
        return torch.cat([part.flatten(1) * scale for part, scale in zip(found, self._scales, strict=True)], dim=1)


@torch.no_grad()
def heard_as(sentence: str, meant: Named, hearings: Sequence[Hearing], reads: Encoder, speaks: Encoder) -> Named:
    """The attributes whose plain caption, as `speaks` encodes it, sounds most like the sentence, as `reads` does.

    Looked for from what is meant on, by changes of one attribute and by exchanges of two things' own: what is meant
    comes back only if nothing near it is heard instead.
    """
    said = [hearing.hear(*reads([sentence])) for hearing in hearings]
    best = settled(meant)
    for _ in range(ROUNDS):
        offered = [best, *_changed(best)]
        encoded = speaks([plain_caption(one) for one in offered])
        apart = torch.stack(
            [(hearing.hear(*encoded) - own).square().sum(1) for hearing, own in zip(hearings, said, strict=True)]
        ).sum(0)
        nearest = int(apart.argmin())
        if nearest == 0:
            break
        best = offered[nearest]
    return best


def _changed(named: Named) -> Iterator[Named]:
    """Every meaning one step away."""
    for one, other in (("colour1", "colour2"), ("shape1", "shape2")):
        if one in named and other in named:
            yield {**named, one: named[other], other: named[one]}
    if named["kind"] == "pair":
        crossed = {f"{what}{3 - which}": named[f"{what}{which}"] for what in ("shape", "colour") for which in (1, 2)
                   if f"{what}{which}" in named}  # fmt: skip
        yield {**{key: value for key, value in named.items() if key not in ("colour1", "colour2")}, **crossed}
        yield _of_one(named, "1")
        yield _of_one(named, "2")
    if named["kind"] == "single":
        yield from ({**named, "kind": "count", "count": count} for count in text.ATTRIBUTES["count"])
    if named["kind"] == "count":
        yield {key: value for key, value in named.items() if key != "count"} | {"kind": "single"}
    for name in OF_KIND[named["kind"]]:
        for value in text.ATTRIBUTES[name]:
            if named.get(name) != value:
                yield {**named, name: value}
        if name in named and name in UNSAID:
            yield {key: value for key, value in named.items() if key != name}


ALWAYS = ("shape1", "colour1", "background", "style")
OF_KIND = {
    "single": (*ALWAYS, "position", "size"),
    "count": (*ALWAYS, "count"),
    "pair": (*ALWAYS, "shape2", "colour2", "pairing"),
}
UNSAID = ("colour1", "colour2", "position", "size", "style")  # what a caption may leave open


def _of_one(named: Named, which: str) -> Named:
    """A pair of which only one thing is heard."""
    kept = {name: value for name, value in named.items() if name in ("background", "style")}
    own = {f"{what}1": named[f"{what}{which}"] for what in ("shape", "colour") if f"{what}{which}" in named}
    return {"kind": "single", **own, **kept}
