"""Training of the text encoder to read people: the second stage, behind the nets that have learnt to draw captions.

Those nets understand the encoder that they were trained on, where captions are plain. So a new encoder, with the words
of people for its vocabulary, learns to say of any sentence what the old one says of the plain caption of the same
meaning (`meaning.plain_caption`), as far as the nets can hear: for one and the same query every cross-attention must
answer alike, and so must the pooling. The nets rest, and whatever they can do stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import T5EncoderModel, T5Tokenizer

from inference.nano import text, unet
from inference.nano.captions import Named
from inference.nano.hearing import Encoder, ask_queries, listeners, unlike
from inference.nano.speech.asking import sentences
from inference.nano.tokenizer import READER, load_tokenizer, train_tokenizer, transplanted
from inference.nano.training import fit, load, quick_arithmetic

BATCH, POOL = 128, 8  # sentences a step, and steps whose sentences are made together
FIRST = 7_000_000  # of the scenes spoken of, from where those of the base begin
LAYERS = 5  # which words belong together and what they say is too much for the three that read captions
FRESH = 40  # steps after which queries are asked of other pictures
ASKED_OF = 32  # pictures that queries come from
RATE = 1.5e-3
TOLD = 150  # steps between two lines
PIECES = 660  # as many as the checkpoint has room for
VOCABULARY = 40_000  # sentences whose words make it
NAMING = 0.3  # weight of naming the attributes

Asked = tuple[list[str], list[str], list[Named]]  # sentences, plain captions of what they mean, and that itself


def reader(out: Path, seed: int) -> tuple[T5Tokenizer, T5EncoderModel]:
    """The encoder that is to learn, with a vocabulary of its own; its words begin as the teacher spells them."""
    folder = out / READER
    if not (folder / "spiece.model").exists():
        said = sentences(seed * 10_000_000 + FIRST + 2_900_000, VOCABULARY)[0]
        train_tokenizer(folder, seed, scenes=8000, pieces=PIECES, said=said)
    tokenizer, teacher = load_tokenizer(folder), text.trained(out)[1]
    model = deepened(T5EncoderModel(text.config(len(tokenizer), text.depth(teacher.state_dict()))))
    words = transplanted(teacher.shared.weight.detach(), out / "tokenizer", folder)
    embeddings = {"shared.weight": words, "encoder.embed_tokens.weight": words}
    model.load_state_dict({**teacher.state_dict(), **embeddings}, strict=False)
    return tokenizer, model


def deepened(model: T5EncoderModel) -> T5EncoderModel:
    """The encoder with LAYERS layers: the new ones add nothing yet, so it says what it said."""
    known = text.depth(model.state_dict())
    if known >= LAYERS:
        return model
    deeper = T5EncoderModel(text.config(model.config.vocab_size, LAYERS))
    deeper.load_state_dict(model.state_dict(), strict=False)
    for block in deeper.encoder.block[known:]:
        attention, feeding = block.layer
        nn.init.zeros_(attention.SelfAttention.o.weight)
        nn.init.zeros_(feeding.DenseReluDense.wo.weight)
    return deeper


def hastened(model: T5EncoderModel) -> T5EncoderModel:
    """The same encoder with its activation computed in one pass: a sixth of a step's time."""
    for block in model.encoder.block:
        block.layer[1].DenseReluDense.act = nn.GELU(approximate="tanh")
    return model


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains the encoder on people's sentences; leaves `reading.pt` and its tokenizer."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    (plain_tokenizer, teacher), (tokenizer, model) = text.trained(out), reader(out, seed)
    both = Both(model)
    if resume and (before := whole(out)) is not None:
        both = before[1]
        both.model = deepened(both.model)
    hastened(both.model)
    both.train()
    pool: list[Asked] = []
    ears, (_, latents) = listeners(out), unet.cached(out, seed, 1)
    queries: list[list[Tensor]] = []

    def loss_of(step: int) -> Tensor:
        nonlocal queries, pool
        if not pool:
            pool = pooled(tokenizer, seed * 10_000_000 + FIRST + step * BATCH, generator)
        said, meant, named = pool.pop()
        ids, mask = text.tokenize(tokenizer, said)
        with torch.no_grad(), quick_arithmetic():
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
        with quick_arithmetic():
            hidden = both.model(ids, attention_mask=mask).last_hidden_state
            heard = unlike(ears[turn], queries[turn], (hidden, mask), (plain, plain_mask))
        logits, truth = both.namer(hidden.float(), mask), text.labels(named)
        naming = torch.stack([F.cross_entropy(logits[name], truth[name]) for name in text.ATTRIBUTES]).sum()
        if step % TOLD == 0:
            print(f"{step}: heard {heard.item():.3f}, naming {naming.item():.3f}", flush=True)
        return heard + NAMING * naming

    fit(both, loss_of, out, "reading", minutes, peak=RATE / 1.5 if resume else RATE, resume=resume, hold=0.3)


def pooled(tokenizer: T5Tokenizer, start: int, generator: torch.Generator) -> list[Asked]:
    """POOL batches in any order, each of sentences about as long as one another: padding is no reading.

    What has no words is spread over all of them: a batch that means one thing has nothing to be told apart.
    """
    said, meant, named = sentences(start, POOL * BATCH)
    long = torch.tensor([len(ids) for ids in tokenizer(said)["input_ids"]])
    wordless = torch.tensor([not one for one in named])
    long = torch.where(wordless, long[torch.randperm(len(long), generator=generator)], long)
    parts = [long.argsort()[n * BATCH : (n + 1) * BATCH].tolist() for n in torch.randperm(POOL, generator=generator)]
    return [([said[i] for i in part], [meant[i] for i in part], [named[i] for i in part]) for part in parts]


class Both(nn.Module):
    """The encoder, and heads that name what a sentence says."""

    def __init__(self, model: T5EncoderModel) -> None:
        super().__init__()
        self.model, self.namer = model, text.Namer()


def encoder_of(tokenizer: T5Tokenizer, model: T5EncoderModel) -> Encoder:
    """Both as one: hidden states and mask of texts."""

    def encoded(texts: list[str]) -> tuple[Tensor, Tensor]:
        ids, mask = text.tokenize(tokenizer, texts)
        return model(ids, attention_mask=mask).last_hidden_state, mask

    return encoded


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
    learnt: Mapping[str, Tensor] = state["model"]  # type: ignore[assignment]
    both = Both(T5EncoderModel(text.config(len(tokenizer), text.depth(learnt))))
    both.load_state_dict(learnt)
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
    return text.named_right(logits, truth)
