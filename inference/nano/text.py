"""Training of the text encoder: a small T5 encoder that must name a caption's attributes from the mean of its tokens.

Naming the attributes object by object (shape1, colour1, shape2, colour2) from a mean makes each token carry which
object it speaks of: the binding that pairs need is then in the context before the U-Net sees it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from inference.nano.captions import LANGUAGES, Named, caption
from inference.nano.tokenizer import load_tokenizer, train_tokenizer
from inference.nano.training import Budget, Diary, load, rate, save
from inference.nano.world import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    PAINTERS,
    PAIRINGS,
    POSITIONS,
    SHAPES,
    SIZES,
    STYLES,
    sample_scene,
)

WIDTH = 128
LAYERS = 3  # that read captions; who reads people has more
BATCH = 128
PAIRS = 0.45  # which object is which is by far the hardest to read
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "count": ("2", "3"),
    "shape1": SHAPES,
    "colour1": tuple(COLOURS),
    "shape2": SHAPES,
    "colour2": tuple(COLOURS),
    "background": BACKGROUNDS,
    "position": POSITIONS,
    "size": SIZES,
    "pairing": PAIRINGS,
    "style": STYLES[1:],
    "painter": PAINTERS,
}


def config(vocabulary: int, layers: int = LAYERS) -> T5Config:
    """The encoder's dimensions."""
    return T5Config(
        vocab_size=vocabulary, d_model=WIDTH, d_kv=32, num_heads=4, d_ff=256, num_layers=layers, num_decoder_layers=0,
        relative_attention_num_buckets=16, relative_attention_max_distance=32, feed_forward_proj="gated-gelu",
        dropout_rate=0.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, is_encoder_decoder=False,
        use_cache=False, tie_word_embeddings=False,
    )  # fmt: skip


def depth(learnt: Mapping[str, Tensor]) -> int:
    """How many layers the encoder has whose weights these are."""
    return len({name.split("block.")[1].split(".")[0] for name in learnt if "encoder.block." in name})


def reads_people(encoder: T5EncoderModel) -> bool:
    """Whether it is one that reading has deepened."""
    return bool(encoder.config.num_layers > LAYERS)


def filled(vocabulary: int, learnt: Mapping[str, Tensor]) -> T5EncoderModel:
    """An encoder with these weights, as deep as they are."""
    model = T5EncoderModel(config(vocabulary, depth(learnt)))
    model.load_state_dict(learnt)
    return model


class Namer(nn.Module):
    """One linear head per attribute on the mean of the tokens; class 0 means that the caption does not say."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(values) + 1) for name, values in ATTRIBUTES.items()})

    def forward(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Logits by attribute from hidden states [B, L, WIDTH] and mask [B, L]."""
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return {name: head(mean) for name, head in self.heads.items()}


def labels(named: list[Named]) -> dict[str, Tensor]:
    """Class indices [B] by attribute."""
    return {
        name: torch.tensor([values.index(n[name]) + 1 if name in n else 0 for n in named])
        for name, values in ATTRIBUTES.items()
    }


def tokenize(tokenizer: T5Tokenizer, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Ids and mask, both [B, L], padded to the longest."""
    out = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    return out["input_ids"], out["attention_mask"]


def examples(start: int, count: int, pairs: float = 0.0) -> tuple[list[str], list[Named]]:
    """Captions of the scenes start .. start + count - 1; a share of `pairs` of them is turned into pairs."""
    made = []
    for seed in range(start, start + count):
        rng = random.Random(seed)
        scene = sample_scene(seed, "pair" if rng.random() < pairs else None)
        made.append(caption(scene, rng.choice(LANGUAGES), rng))
    return [m[0] for m in made], [m[1] for m in made]


def named_right(logits: Mapping[str, Tensor], truth: Mapping[str, Tensor]) -> float:
    """Share of texts of which every attribute is named right."""
    right = torch.stack([logits[name].argmax(1) == truth[name] for name in ATTRIBUTES]).all(0)
    return right.float().mean().item()


@torch.no_grad()
def accuracy(model: T5EncoderModel, namer: Namer, tokenizer: T5Tokenizer, start: int, count: int = 1000) -> float:
    """Share of unseen captions of which every attribute is named right."""
    texts, named = examples(start, count)
    ids, mask = tokenize(tokenizer, texts)
    logits, truth = namer(model(ids, attention_mask=mask).last_hidden_state, mask), labels(named)
    return named_right(logits, truth)


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains tokenizer and encoder; leaves `tokenizer/` and `text.pt` in `out`."""
    torch.manual_seed(seed)
    if not (out / "tokenizer" / "spiece.model").exists():
        train_tokenizer(out / "tokenizer", seed)
    tokenizer = load_tokenizer(out / "tokenizer")
    state = load(out / "text.pt") if resume else None
    model, namer = T5EncoderModel(config(len(tokenizer))), Namer()
    budget = Budget(minutes, float(state["minutes"]) if state else 0.0)  # type: ignore[arg-type]
    if state:
        model = filled(len(tokenizer), state["model"])  # type: ignore[arg-type]
        namer.load_state_dict(state["namer"])  # type: ignore[arg-type]
    diary = Diary(out / "text.log", budget)
    model.train()
    diary.write(part="text", parameters=sum(p.numel() for p in model.parameters()), pieces=len(tokenizer))
    parameters = [*model.parameters(), *namer.parameters()]
    optimizer = torch.optim.AdamW(parameters, 2e-3, weight_decay=0.01)
    step, first = int(state["step"]) if state else 0, seed * 10_000_000  # type: ignore[call-overload]
    while budget.share < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * rate(budget.share, 0.6)
        texts, named = examples(first + step * BATCH, BATCH, PAIRS)
        ids, mask = tokenize(tokenizer, texts)
        logits, truth = namer(model(ids, attention_mask=mask).last_hidden_state, mask), labels(named)
        losses = [F.cross_entropy(logits[name], truth[name]) for name in ATTRIBUTES]
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        if step % 200 == 0:
            diary.write(step=step, loss=loss.item(), right=accuracy(model, namer, tokenizer, first + 9_000_000, 300))
    diary.write(step=step, right=accuracy(model, namer, tokenizer, first + 9_000_000))
    save(
        out / "text.pt",
        {"model": model.state_dict(), "namer": namer.state_dict(), "step": step, "minutes": budget.spent},
    )


def trained(out: Path) -> tuple[T5Tokenizer, T5EncoderModel]:
    """Tokenizer and encoder that `train` left in `out`."""
    state = load(out / "text.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'text.pt'}: train the text encoder first (--part text)")
    tokenizer = load_tokenizer(out / "tokenizer")
    return tokenizer, filled(len(tokenizer), state["model"]).eval()  # type: ignore[arg-type]
