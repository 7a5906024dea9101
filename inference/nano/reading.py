"""Training of the text encoder to read people: the second stage, behind the nets that have learnt to draw captions.

Those nets understand the encoder that they were trained on, where captions are plain. So a new encoder, with the words
of people for its vocabulary, learns to say of any sentence what the old one says of the plain caption of the same
meaning (`meaning.plain_caption`), as far as the nets can hear: for one and the same query every cross-attention must
answer alike, and so must the pooling. The nets rest, and whatever they can do stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import T5EncoderModel, T5Tokenizer

from inference.families.kandinsky.nets.unet import attention_bias, predict_noise
from inference.families.kandinsky.sampling import alphas_cumprod
from inference.nano import inpainting, steering, text, unet
from inference.nano.speech.asking import sentences
from inference.nano.tokenizer import READER, load_tokenizer, train_tokenizer, transplanted
from inference.nano.training import fit, load

BATCH = 128
FIRST = 7_000_000  # of the scenes spoken of, from where those of the base begin
QUERIES, FRESH = 48, 40  # of each cross-attention, and after how many steps they are asked of other pictures
ASKED_OF = 32  # pictures that queries come from
RATE = 1.5e-3
TOLD = 150  # steps between two lines
PIECES = 660  # as many as the checkpoint has room for
VOCABULARY = 40_000  # sentences whose words make it
NAMING = 0.3  # weight of naming the attributes


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


def listeners(out: Path) -> list[Listener]:
    """Every trained net that reads texts by itself."""
    drawing = [unet.trained(out, name)[0] for name in ("unet", "flash") if (out / f"{name}.pt").exists()]
    found = [Listener(unet.prepare(net).unet, net.projection) for net in drawing]
    if (out / "inpainting.pt").exists():
        holes = inpainting.trained(out)
        found.append(Listener(unet.prepare(holes).unet, holes.projection))
    if (out / "outlines.pt").exists():
        steered = steering.trained(out, "outlines")
        unet.prepare_processors(steered.net)
        found.append(Listener(steered.net, steered.projection))
    for one in found:
        one.net.requires_grad_(False).eval()
        one.projection.requires_grad_(False).eval()
    return found


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


def reader(out: Path, seed: int) -> tuple[T5Tokenizer, T5EncoderModel]:
    """The encoder that is to learn, with a vocabulary of its own; its words begin as the teacher spells them."""
    folder = out / READER
    if not (folder / "spiece.model").exists():
        said = sentences(seed * 10_000_000 + FIRST + 2_900_000, VOCABULARY)[0]
        train_tokenizer(folder, seed, scenes=8000, pieces=PIECES, said=said)
    tokenizer, teacher = load_tokenizer(folder), text.trained(out)[1]
    model = T5EncoderModel(text.config(len(tokenizer)))
    words = transplanted(teacher.shared.weight.detach(), out / "tokenizer", folder)
    embeddings = {"shared.weight": words, "encoder.embed_tokens.weight": words}
    model.load_state_dict({**teacher.state_dict(), **embeddings}, strict=False)
    return tokenizer, model


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains the encoder on people's sentences; leaves `reading.pt` and its tokenizer."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    (plain_tokenizer, teacher), (tokenizer, model) = text.trained(out), reader(out, seed)
    both = Both(model.train())
    ears, (_, latents) = listeners(out), unet.cached(out, seed, 1)
    queries: list[list[Tensor]] = []

    def loss_of(step: int) -> Tensor:
        nonlocal queries
        said, meant, named = sentences(seed * 10_000_000 + FIRST + step * BATCH, BATCH)
        ids, mask = text.tokenize(tokenizer, said)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            plain_ids, plain_mask = text.tokenize(plain_tokenizer, meant)
            plain = teacher(plain_ids, attention_mask=plain_mask).last_hidden_state
            if step % FRESH == 0 or not queries:
                some = latents[torch.randint(0, len(latents), (ASKED_OF,), generator=generator)]
                rows = [ear.rows(plain, plain_mask)[:ASKED_OF] for ear in ears]
                queries = [
                    ask_queries(ear, some, row, plain_mask[:ASKED_OF], generator)
                    for ear, row in zip(ears, rows, strict=True)
                ]
        turn = step % len(ears)  # the nets take turns to listen
        with torch.autocast("cpu", torch.bfloat16):
            hidden = both.model(ids, attention_mask=mask).last_hidden_state
            heard = unlike(ears[turn], queries[turn], (hidden, mask), (plain, plain_mask))
        logits, truth = both.namer(hidden.float(), mask), text.labels(named)
        naming = torch.stack([F.cross_entropy(logits[name], truth[name]) for name in text.ATTRIBUTES]).sum()
        if step % TOLD == 0:
            print(f"{step}: heard {heard.item():.3f}, naming {naming.item():.3f}", flush=True)
        return heard + NAMING * naming

    fit(both, loss_of, out, "reading", minutes, peak=RATE / 3 if resume else RATE, resume=resume, hold=0.5)


class Both(nn.Module):
    """The encoder, and heads that name what a sentence says."""

    def __init__(self, model: T5EncoderModel) -> None:
        super().__init__()
        self.model, self.namer = model, text.Namer()


def unlike(
    ear: Listener, queries: Sequence[Tensor], said: tuple[Tensor, Tensor], meant: tuple[Tensor, Tensor]
) -> Tensor:
    """How differently a net hears two encodings, as a share of what tells texts apart at all."""
    with torch.no_grad():
        wanted = ear.answers(ear.rows(*meant), meant[1], queries)
    found = ear.answers(ear.rows(*said), said[1], queries)
    parts = [
        (one.float() - other.float()).square().mean()
        / (other.float() - other.float().mean(0)).square().mean().clamp(min=1e-6)
        for one, other in zip(found, wanted, strict=True)
    ]
    return torch.stack(parts).mean()


def trained(out: Path) -> tuple[T5Tokenizer, T5EncoderModel]:
    """Tokenizer and encoder that read people, or those of `text` where `train` has not run yet."""
    found = whole(out)
    return text.trained(out) if found is None else (found[0], found[1].model)


def whole(out: Path) -> tuple[T5Tokenizer, Both] | None:
    """What `train` left in `out`, heads included."""
    state = load(out / "reading.pt")
    if state is None:
        return None
    tokenizer = load_tokenizer(out / READER)
    both = Both(T5EncoderModel(text.config(len(tokenizer))))
    both.load_state_dict(state["model"])  # type: ignore[arg-type]
    return tokenizer, both.eval()


def accuracy(out: Path, start: int, count: int) -> float:
    """Share of unseen sentences of which every attribute is named right."""
    found = whole(out)
    assert found is not None
    tokenizer, both = found
    said, _, named = sentences(start, count)
    ids, mask = text.tokenize(tokenizer, said)
    with torch.no_grad():
        logits, truth = both.namer(both.model(ids, attention_mask=mask).last_hidden_state, mask), text.labels(named)
    right = torch.stack([logits[name].argmax(1) == truth[name] for name in text.ATTRIBUTES]).all(0)
    return right.float().mean().item()
