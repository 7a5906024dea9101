"""Which of several pictures fits a sentence best: cosine similarity in the space of the small CLIP.

Radford et al. 2021 (arXiv:2103.00020). The vision tower is the adapter's image encoder; the text tower lies in
`ranker/` and reads the tokens of the checkpoint's own tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.tensors import assemble, read_tensors
from inference.families.kandinsky.conditioning import tokenize
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.nets.clip import embed_pictures

CONFIG, WEIGHTS = "ranker/config.json", "ranker/model.safetensors"
SCALE = "logit_scale"


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """Both towers of a CLIP. A softmax over scores times `sharpness` gives the probabilities it was trained to give."""

    vision: nn.Module
    text: Any
    tokenizer: Any
    sharpness: float

    def score(self, pictures: Sequence[Tensor], sentence: str) -> Tensor:
        """How well each picture, uint8 [H, W, 3], fits the sentence: cosines, float32 [N] in [-1, 1], higher is
        better."""
        return self.see(pictures) @ self.read([sentence])[0]

    def see(self, pictures: Sequence[Tensor]) -> Tensor:
        """Embeddings of pictures, uint8 [H, W, 3] each: float32 [N, D] of unit length."""
        return F.normalize(embed_pictures(self.vision, pictures), dim=-1)

    @torch.inference_mode()
    def read(self, sentences: Sequence[str]) -> Tensor:
        """Embeddings of sentences, float32 [N, D] of unit length; of long ones the end is not read."""
        longest: int = self.text.config.max_position_embeddings
        # One by one: the pooled token is the first end-of-text, which padding must not be mistaken for.
        ids = [tokenize(self.tokenizer, sentence, longest).ids for sentence in sentences]
        found = [self.text(input_ids=torch.tensor([some])).text_embeds[0].float() for some in ids]
        return F.normalize(torch.stack(found), dim=-1)


def open_ranker(folder: Path) -> Ranker:
    """The ranker of a checkpoint folder, float32 on the CPU.

    Raises MissingWeights where the folder has none, UnreadableCheckpoint where its files do not fit together.
    """
    checkpoint = Checkpoint.open(folder)
    if not (folder / WEIGHTS).is_file():
        raise MissingWeights(f"no ranker in {folder}")
    state = read_tensors(folder / WEIGHTS)
    sharpness = float(state.pop(SCALE).float().exp())
    config = CLIPTextConfig.from_dict(json.loads((folder / CONFIG).read_text("utf-8")))
    text: Any = assemble(lambda: _build(config), state, WEIGHTS, torch.float32, "cpu")
    return Ranker(checkpoint.load_clip(torch.float32, "cpu"), text, checkpoint.load_tokenizer(), sharpness)


def _build(config: CLIPTextConfig) -> nn.Module:
    with torch.device("meta"):
        tower = CLIPTextModelWithProjection(config)
    embeddings = tower.text_model.embeddings
    embeddings.position_ids = torch.arange(config.max_position_embeddings)[None]  # a buffer that no file holds
    return tower  # type: ignore[no-any-return]


def text_tower(clip: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `ranker/` holds of the tensors of a whole CLIP: all that the image encoder does not."""
    return {
        name: tensor
        for name, tensor in clip.items()
        if name.startswith(("text_model.", "text_projection.", SCALE)) and not name.endswith("position_ids")
    }
