"""A painter of one layer of attention, with random weights, in float64: padding changes nothing that counts."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tests.inference.families.toy.files import NAME

COLOURS = 8
WORDS = 256  # bytes, and after them the colours
WIDTH = 16


class Painter(nn.Module):
    """Attends from the last token to all before it, whose keys and values are the state."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(WORDS + COLOURS, WIDTH)
        self.ask, self.keep = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        self.colours = nn.Linear(WIDTH, COLOURS)

    def forward(self, tokens: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Likelihoods [B, COLOURS] of what follows `tokens` [B], and each state with a row for its token."""
        seen = self.tokens(tokens)  # [B, C]
        grown = [torch.cat([state, row[None]]) for state, row in zip(states, self.keep(seen), strict=True)]
        padded = nn.utils.rnn.pad_sequence(grown, batch_first=True)  # [B, n, 2C]
        keys, values = padded.split(WIDTH, dim=-1)
        lengths = torch.tensor([len(state) for state in grown], device=tokens.device)
        beyond = torch.arange(padded.shape[1], device=tokens.device) >= lengths[:, None]  # [B, n]
        scores = torch.einsum("bc,bnc->bn", self.ask(seen), keys).masked_fill(beyond, -torch.inf)
        mixed = torch.einsum("bn,bnc->bc", scores.softmax(-1), values)
        return self.colours(mixed + seen).softmax(-1), grown


def write_painter(folder: Path) -> Path:
    """Writes the weights of a painter into `folder` and returns their file."""
    torch.manual_seed(5)
    save_file(Painter().double().state_dict(), folder / NAME)
    return folder / NAME


def read_painter(path: Path, device: torch.device) -> nn.Module:
    painter = Painter().double()
    painter.load_state_dict(load_file(path))
    return painter.requires_grad_(False).to(device)
