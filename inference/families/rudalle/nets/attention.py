"""How positions of sequences see each other: over whole sequences, or by a cache of keys and values.

The cache has fixed slots, one sequence each. `Whole` takes every pair of positions and a mask; `Step` takes one new
position of each of some slots and reads only what that may see, so that its work does not grow with the sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from inference.families.rudalle.nets.decoder import DecoderConfig
from inference.families.rudalle.nets.layout import Layout, Sight, mask, narrow_reads


class Cache:
    """The ids [slots, S] of `slots` sequences, and for each layer their keys and values [slots·S, width]."""

    def __init__(
        self, config: DecoderConfig, slots: int, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> None:
        layout = config.layout
        shape = slots * layout.positions, config.width
        self.layout, self.slots = layout, slots
        self.ids = torch.zeros(slots, layout.positions + layout.shifted, dtype=torch.long, device=device)
        self.keys, self.values = (
            [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)] for _ in range(2)
        )

    @property
    def bytes(self) -> int:
        return sum(kept.nbytes for kept in (*self.keys, *self.values))

    def rows(self, slots: Tensor, positions: Tensor) -> Tensor:
        """Where positions of slots lie among the keys and values."""
        return slots * self.layout.positions + positions

    def copy(self, slot: int, others: Sequence[int], length: int) -> None:
        """Gives `others` the ids of `slot`, and what has been read of its first `length` positions."""
        targets = torch.tensor(others, dtype=torch.long, device=self.ids.device)
        positions = torch.arange(length, device=self.ids.device)
        source, target = slot * self.layout.positions + positions, self.rows(targets[:, None], positions)
        for kept in (*self.keys, *self.values):
            kept[target] = kept[source]
        self.ids[targets] = self.ids[slot].clone()


@dataclass(frozen=True, slots=True)
class Whole:
    """Every position from `start` on sees what a mask lets through: of what is fed with it, and where there is a cache
    of all that its slots have read before, which it adds to."""

    layout: Layout
    start: int = 0
    cache: Cache | None = None
    slots: Sequence[int] = ()

    def __call__(self, layer: int, sight: Sight, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        end = self.start + query.shape[1]
        if self.cache is not None:
            slots = torch.tensor(self.slots, device=query.device)[:, None]
            rows = self.cache.rows(slots, torch.arange(end, device=query.device))  # [B, end]
            key = _extended(self.cache.keys[layer], rows, key)
            value = _extended(self.cache.values[layer], rows, value)
        seen = mask(self.layout, sight, query.device)[self.start : end, :end]
        return _attend(query, key, value, seen)


class Step:
    """One new position of each of some slots, wherever it stands: `slots` [B] and `positions` [B].

    The first `narrow` rows stand in a first text or a picture; those after them in a second text, where all is seen.
    """

    def __init__(self, cache: Cache, slots: Tensor, positions: Tensor, narrow: int) -> None:
        self._cache, self._slots, self._positions = cache, slots, positions
        self._new = cache.rows(slots, positions)
        self._parts = [part for part in (slice(0, narrow), slice(narrow, len(slots))) if part.start < part.stop]
        self._narrow = narrow
        self._reads: dict[Sight, list[tuple[Tensor, Tensor]]] = {}  # each sight is looked up once a pass

    def __call__(self, layer: int, sight: Sight, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        keys[self._new], values[self._new] = key.flatten(1), value.flatten(1)
        if sight not in self._reads:
            self._reads[sight] = [self._look_up(part, sight) for part in self._parts]
        seen = []
        for part, (reads, counts) in zip(self._parts, self._reads[sight], strict=True):
            shape = *counts.shape, *query.shape[2:]  # [b, R, H, D]
            key, value = (kept.index_select(0, reads).view(shape) for kept in (keys, values))
            seen.append(_attend(query[part], key, value, counts[:, None, None]))
        return torch.cat(seen)

    def _look_up(self, part: slice, sight: Sight) -> tuple[Tensor, Tensor]:
        """Where these rows read keys and values, [b·R], and what of it counts, [b, R]; what does not is the newest
        again."""
        layout, positions = self._cache.layout, self._positions[part]
        if part.start < self._narrow:
            reads, counts = (table[positions] for table in narrow_reads(layout, sight, positions.device))
        else:
            everything = torch.arange(layout.positions, device=positions.device)
            counts = everything <= positions[:, None]
            reads = everything.minimum(positions[:, None])
        return self._cache.rows(self._slots[part, None], reads).flatten(), counts


def _extended(kept: Tensor, rows: Tensor, new: Tensor) -> Tensor:
    """What lies in `rows` [B, S] once `new` [B, Q, H, D] has been put into the last of them: [B, S, H, D]."""
    kept[rows[:, -new.shape[1] :]] = new.flatten(2)
    return kept[rows].view(*rows.shape, *new.shape[2:])


def _attend(query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
    q, k, v = (it.transpose(1, 2) for it in (query, key, value))  # [B, H, ·, D]
    return scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2)
