"""Text into the context that the U-Nets of Kandinsky 3.1 read.

A prompt becomes token ids (`tokenize`), the ids become rows of the T5 encoder (`encode`, kept in an `EncodingCache`),
and the projection that belongs to one U-Net turns the rows into a `Context` (`project`). Contexts of different prompts
are put into one padded batch by `merge`. The rules are those of the published code (github.com/ai-forever/Kandinsky-3),
with one repair: every row carries its own pooling length, so that a picture does not depend on its batch-mates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from inference.engine.finite import NotFinite
from inference.queue.recent import Recent
from inference.requests import NegativeMode

MAX_TOKENS = 128
PAD, EOS, UNKNOWN = 0, 1, 2
UNSEEN_PAD = -1  # padding that no other row attends to, but whose own row is wanted
MANY_UNKNOWN = 0.25

LONGEST_WORD = 40  # characters; what is longer is written without spaces
TokenIds = tuple[int, ...]
TextRule = Literal["kandinsky31", "ip_adapter", "hed", "controlnet", "refiner"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised text: at most 128 ids ending in EOS, and what the net will not see of it.

    `total` counts the ids before cutting, `unseen` is the tail of the text that was cut off ("" when nothing was), with
    the whole of a word that was cut.
    """

    ids: TokenIds
    total: int
    unseen: str

    @property
    def unknown(self) -> int:
        """How many of the ids are the unknown token."""
        return self.ids.count(UNKNOWN)

    @property
    def mostly_unknown(self) -> bool:
        """Whether so much is unknown (a quarter of the ids or more) that the picture will hardly follow the text."""
        return self.unknown > 0 and self.unknown >= MANY_UNKNOWN * max(1, len(self.ids) - 1)


def tokenize(tokenizer: Any, text: str, max_tokens: int = MAX_TOKENS) -> Tokens:
    """Token ids of `text` by a T5 tokenizer of transformers, cut to `max_tokens` with EOS kept as the last one."""
    encoded = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids = encoded["input_ids"]
    if len(ids) <= max_tokens:
        return Tokens(tuple(ids), len(ids), "")
    first_unseen, _ = encoded["offset_mapping"][max_tokens - 1]
    return Tokens((*ids[: max_tokens - 1], EOS), len(ids), text[_beginning_of_word(text, first_unseen) :].strip())


def _beginning_of_word(text: str, place: int) -> int:
    """Where the word begins that a place lies in; the place itself where nothing parts the text into words."""
    before = text[max(0, place - LONGEST_WORD) : place]
    part = re.search(r"\S*$", before)
    length = len(part[0]) if part is not None and not text[place : place + 1].isspace() else 0
    return place - length if length < LONGEST_WORD else place


def negative_ids(positive: Tokens, negative: Tokens, mode: NegativeMode) -> TokenIds:
    """Ids that stand in for the null embedding when a negative prompt is given.

    "official" repeats the published rule: cut to the prompt's length with EOS forced last, and where the negative is
    shorter, filled with padding that the encoder and the U-Net attend to, because the prompt's mask is used. "sane"
    keeps the negative prompt as it is.
    """
    if mode == "sane":
        return negative.ids
    length = len(positive.ids)
    kept = (*negative.ids[:length][:-1], EOS)
    return kept + (PAD,) * (length - len(kept))


def cut_ids(ids: TokenIds, limit: int) -> TokenIds:
    """At most `limit` of the ids, EOS kept as the last one."""
    return ids if len(ids) <= limit else (*ids[: limit - 1], EOS)


@torch.inference_mode()
def encode(encoder: nn.Module, batch: Sequence[TokenIds]) -> list[Tensor]:
    """Rows of the T5 encoder, before any projection: one [n, d_model] per ids, n = len(ids), on the encoder's device.

    Every id given is attended to (padding inside the ids included) but UNSEEN_PAD; shorter texts of the batch are
    padded and masked.
    Raises NotFinite when a row is not: the number format of the encoder cannot hold what it computes.
    """
    if not batch:
        return []
    device = next(encoder.parameters()).device
    longest = max(map(len, batch))
    ids = torch.tensor([(*row, *(UNSEEN_PAD,) * (longest - len(row))) for row in batch], device=device)  # [B, longest]
    mask = (ids != UNSEEN_PAD).long()
    ids = ids.masked_fill(mask == 0, PAD)
    hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # [B, longest, d_model]
    rows = [hidden[i, : len(row)] for i, row in enumerate(batch)]
    if not all(bool(torch.isfinite(row).all()) for row in rows):
        raise NotFinite("text_encoder", hidden.dtype)
    return rows


class EncodingCache:
    """The most recently used encodings by token ids, on the CPU, before projection: one entry serves every U-Net."""

    def __init__(self, entries: int = 256) -> None:
        self._kept: Recent[TokenIds, Tensor] = Recent(entries)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, ids: TokenIds) -> Tensor | None:
        """The encoding of `ids` [n, d_model], marked as just used, or None."""
        return self._kept.use(ids)

    def put(self, ids: TokenIds, rows: Tensor) -> None:
        """Keeps `rows` and forgets the least recently used entries beyond the limit."""
        self._kept[ids] = rows

    def encode(self, batch: Sequence[TokenIds], encoder: Callable[[], nn.Module]) -> list[Tensor]:
        """Encodings of `batch` in order, on the CPU; `encoder()` is called only when some of them are not known yet."""
        found: dict[TokenIds, Tensor | None] = {ids: self.get(ids) for ids in batch}
        missing = [ids for ids, rows in found.items() if rows is None]
        if missing:
            for ids, rows in zip(missing, encode(encoder(), missing), strict=True):
                found[ids] = kept = rows.to("cpu", copy=True)  # a copy, so that the padded batch is let go
                self.put(ids, kept)
        return [rows for rows in map(found.__getitem__, batch) if rows is not None]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What the U-Net attends to, one row a picture.

    `rows` [B, L, C] are zero beyond each text, `mask` [B, L] is 1 where to attend, `pool_len` [B] is the length over
    which the published code averages a row when that row is drawn alone.
    """

    rows: Tensor
    mask: Tensor
    pool_len: Tensor

    def __len__(self) -> int:
        return self.rows.shape[0]

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Context:
        """The same context on `device`, its rows in `dtype`."""
        return Context(self.rows.to(device, dtype or self.rows.dtype), self.mask.to(device), self.pool_len.to(device))

    def repeat(self, pictures: int) -> Context:
        """A context of one row for several pictures of the same prompt."""
        return Context(*(part.expand(pictures, *part.shape[1:]) for part in (self.rows, self.mask, self.pool_len)))


@torch.inference_mode()
def project(projection: nn.Module, encoding: Tensor, max_tokens: int = MAX_TOKENS) -> Context:
    """The context of one text [n, d_model] for the U-Net that `projection` belongs to: [1, min(n + 1, max_tokens), C].

    The encoding is moved to the projection's device and dtype. The row after the text is zero and masked; it counts in
    the pooling length, as in the published code.
    """
    return _project(projection, encoding, min(len(encoding) + 1, max_tokens), pad_first=False)


def _project(projection: nn.Module, encoding: Tensor, length: int, *, pad_first: bool) -> Context:
    """One text cut or padded to `length` rows, all of which count in pooling; padding is masked.

    Padded rows are zero, or, padded before the projection, the bias of its norm.
    """
    weight = next(projection.parameters())
    kept = encoding[:length].to(weight.device, weight.dtype)
    missing = (0, 0, 0, length - len(kept))
    rows = projection(pad(kept, missing)) if pad_first else pad(projection(kept), missing)
    mask = torch.ones(length, dtype=torch.int64, device=weight.device)
    mask[len(kept) :] = 0
    return Context(rows[None], mask[None], torch.tensor([length], device=weight.device))


def null_context(null_embedding: Tensor) -> Context:
    """The unconditional context: the learnt null embedding (4096 floats of any rank) as the only row.

    With a single key its weight in any attention is 1, so neither padding nor pooling length change what it does.
    """
    row = null_embedding.reshape(1, 1, -1)
    ones = torch.ones(1, 1, dtype=torch.int64, device=row.device)
    return Context(row, ones, ones[0])


def blank_context(projection: nn.Module, length: int) -> Context:
    """Nothing at all: zero rows, none of them attended to. The U-Net spreads its attention evenly over zeros, which
    gives zeros."""
    weight = next(projection.parameters())
    rows = torch.zeros(1, length, weight.shape[0], device=weight.device, dtype=weight.dtype)
    mask = torch.zeros(1, length, dtype=torch.int64, device=weight.device)
    return Context(rows, mask, torch.tensor([length], device=weight.device))


@torch.inference_mode()
def contexts_by_rule(
    rule: TextRule,
    projection: nn.Module,
    null_embedding: Tensor | None,
    encodings: Sequence[Tensor | None],
    *,
    whole_negatives: bool = True,
    max_tokens: int = MAX_TOKENS,
) -> tuple[Context, ...]:
    """Contexts of one row each for `encodings` [n, d_model]: the prompt first, then what guidance leads away from.

    "kandinsky31": every text by itself; None is the learnt null embedding.

    The others follow the pipelines of github.com/ai-forever/kandinsky3-diffusers with the context cut to the prompt's
    length and one row more. There the padding of a prompt becomes the bias of the projection's norm, and negatives
    take the prompt's length. "ip_adapter" and "hed": their padding is zero, and None is a blank context. "controlnet":
    they are padded like prompts; it has no None (ValueError), its pipeline encodes the empty text. The published code
    cuts longer negatives to the prompt's length: so does this unless `whole_negatives`.

    "refiner": the context that github.com/ai-forever/KandiSuperRes keeps in a file, for texts that end in UNSEEN_PAD.
    """
    if rule == "refiner":
        return tuple(_padded_context(projection, _present(encoding), max_tokens) for encoding in encodings)
    if rule == "kandinsky31":
        return tuple(
            project(projection, encoding, max_tokens)
            if encoding is not None
            else null_context(_present(null_embedding))
            for encoding in encodings
        )
    prompt, *negatives = encodings
    length = min((1 if prompt is None else len(prompt)) + 1, max_tokens)
    contexts = [blank_context(projection, length)]
    if prompt is not None:
        contexts = [_project(projection, prompt, length, pad_first=True)]
    for negative in negatives:
        if negative is None:
            if rule == "controlnet":
                raise ValueError("ControlNet leads away from the empty text, not from none")
            contexts.append(blank_context(projection, length))
        else:
            room = max(length, min(len(negative) + 1, max_tokens)) if whole_negatives else length
            contexts.append(_project(projection, negative, room, pad_first=rule == "controlnet"))
    return tuple(contexts)


def _padded_context(projection: nn.Module, encoding: Tensor, length: int) -> Context:
    """One text padded to `length` rows before it was encoded, nothing of it zeroed: the last row of `encoding` is that
    of padding, and without words before it all padding is alike. Only the text is attended to, all rows are pooled."""
    weight = next(projection.parameters())
    rows = projection(encoding.to(weight.device, weight.dtype))  # [n + 1, C]
    rows = torch.cat([rows, rows[-1:].expand(length - len(rows), -1)])
    mask = torch.ones(length, dtype=torch.int64, device=weight.device)
    mask[len(encoding) - 1 :] = 0
    return Context(rows[None], mask[None], torch.tensor([length], device=weight.device))


def _present(tensor: Tensor | None) -> Tensor:
    if tensor is None:
        raise ValueError("nothing stands for no text here: this net has no null embedding")
    return tensor


def merge(contexts: Sequence[Context], length: int | None = None) -> Context:
    """All rows of `contexts` as one batch, padded with masked zeros to the longest or to `length` (static shapes)."""
    longest = length or max(context.rows.shape[1] for context in contexts)
    return Context(
        torch.cat([pad(context.rows, (0, 0, 0, longest - context.rows.shape[1])) for context in contexts]),
        torch.cat([pad(context.mask, (0, longest - context.mask.shape[1])) for context in contexts]),
        torch.cat([context.pool_len for context in contexts]),
    )
