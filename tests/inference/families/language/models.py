"""Very small random language models over a vocabulary of whole words, written as the hub has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, MarianConfig, MarianMTModel, PreTrainedTokenizerFast

WORDS = re.findall(
    r"\w+",
    """a an the fox cat bear owl in on under forest snow river sky old red blue golden soft light morning oil
    watercolour painting detailed quiet prompt of with and by painted distant mountains mist лиса кот в лесу""",
)
MARKS = ["<unk>", "<pad>", "</s>", "[SYS]", "[USR]", "[BOT]"]
PHRASES = {
    "лиса в лесу": "a fox in the forest",
    "кот": "a cat",
    "кот в лесу": "a cat in the forest",
    "лиса": "a red fox",
}
TEMPLATE = "{% for m in messages %}{{ '[SYS] ' if m.role == 'system' else '[USR] ' }}{{ m.content }} {% endfor %}[BOT]"


def tokenizer(template: str | None = TEMPLATE) -> Any:
    vocabulary = {word: number for number, word in enumerate([*MARKS, *WORDS])}
    words = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    made = PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="</s>",
        additional_special_tokens=["[SYS]", "[USR]", "[BOT]"],
    )
    made.chat_template = template
    return made


def write_llama(folder: Path, *, template: str | None = TEMPLATE) -> Path:
    """A decoder-only model that says English words in no order, some forty of them before it ends."""
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=len(MARKS) + len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=2,
        pad_token_id=1,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)
    # Marks and Russian words cannot come up, so that every answer is one.
    model.generation_config.suppress_tokens = [0, 3, 4, 5, *range(len(MARKS) + len(WORDS) - 4, len(MARKS) + len(WORDS))]
    model.save_pretrained(folder)
    tokenizer(template).save_pretrained(folder)
    return folder


def write_marian(folder: Path, lessons: int = 80) -> Path:
    """An encoder-decoder of the kind that translates, taught the sentences of PHRASES."""
    torch.manual_seed(6)
    config = MarianConfig(
        vocab_size=len(MARKS) + len(WORDS),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
        decoder_start_token_id=1,
        pad_token_id=1,
        eos_token_id=2,
        forced_eos_token_id=None,
        dropout=0.0,
    )
    model = MarianMTModel(config)
    words = tokenizer(None)
    pairs = [(words(said).input_ids, [*words(meant).input_ids, 2]) for said, meant in PHRASES.items()]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(lessons):
        loss = sum(model(input_ids=torch.tensor([a]), labels=torch.tensor([b])).loss for a, b in pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.generation_config.bad_words_ids = [[1], [0], [3], [4], [5]]
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
