"""Very small language models in the files their like are released in, each taught the one sentence it has to know.

Unlike `families.language.models` they read pieces of words, and their tokenizers are those of the released ones.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
)

from inference.families.language.model import PUBLISHED_TURNS, SYSTEM

PLAIN, BETTER = "a fox", "a fox curled up in fresh snow, soft morning light"
RUSSIAN, ENGLISH = "лиса в лесу", "a fox in the forest"
TEMPLATE = (
    "{% for m in messages %}{{ '### ' + m.role.capitalize() + ':\\n' + m.content + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant:\\n' }}{% endif %}"
)


def write_beautifier(folder: Path, lessons: int = 60) -> Path:
    """A Mistral as neural-chat-7b-v3-1 is one: a piece tokenizer, a template for turns, weights in shards.

    It makes BETTER of PLAIN, and something of other words.
    """
    folder.mkdir(parents=True)
    turns = PUBLISHED_TURNS.format(system=SYSTEM["beautify"], prompt=PLAIN)
    options = {"model_type": "bpe", "vocab_size": 600, "byte_fallback": True, "normalization_rule_name": "identity"}
    (folder / "tokenizer.model").write_bytes(_pieces([turns.replace("\n", " "), BETTER], **options))
    marks = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "chat_template": TEMPLATE, **marks})
    config = MistralConfig(
        vocab_size=len(SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=4096,
        bos_token_id=1,
        eos_token_id=2,
    )
    config.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    opening, answer = (tokenizer(text, add_special_tokens=False).input_ids for text in (turns, BETTER))
    ids = [*opening, *answer, 2]
    torch.manual_seed(7)
    model = MistralForCausalLM(config)
    _teach(model, lessons, input_ids=ids, labels=[-100] * len(opening) + ids[len(opening) :])
    model.save_pretrained(folder, max_shard_size="50KB")
    return folder


def write_translator(folder: Path, lessons: int = 60) -> Path:
    """A Marian as opus-mt-ru-en is one: two piece vocabularies in one list, weights in a pickle. RUSSIAN is ENGLISH."""
    folder.mkdir(parents=True)
    pieces = ["</s>", "<unk>"]
    for name, text in (("source.spm", RUSSIAN), ("target.spm", ENGLISH)):
        content = _pieces([text], model_type="unigram", vocab_size=60, bos_id=-1)
        (folder / name).write_bytes(content)
        vocabulary = SentencePieceProcessor(model_proto=content)
        pieces += [piece for piece in map(vocabulary.id_to_piece, range(len(vocabulary))) if piece not in pieces]
    pieces.append("<pad>")
    _write(folder / "vocab.json", {piece: number for number, piece in enumerate(pieces)})
    _write(folder / "tokenizer_config.json", {"source_lang": "ru", "target_lang": "en"})
    marks = {"eos_token_id": 0, "pad_token_id": len(pieces) - 1, "decoder_start_token_id": len(pieces) - 1}
    config = MarianConfig(
        vocab_size=len(pieces),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
        dropout=0.0,
        **marks,
    )
    config.save_pretrained(folder)
    GenerationConfig(bad_words_ids=[[len(pieces) - 1]], num_beams=4, max_length=512, **marks).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(8)
    model = MarianMTModel(config)
    said, meant = tokenizer(RUSSIAN).input_ids, tokenizer(text_target=ENGLISH).input_ids
    _teach(model, lessons, input_ids=said, labels=meant)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def break_weights(folder: Path) -> None:
    """Cuts every file of weights off in the middle, as a full disk leaves them."""
    for path in (*folder.glob("*.safetensors"), *folder.glob("*.bin")):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])


def _pieces(texts: list[str], **options: Any) -> bytes:
    """A vocabulary of word pieces learnt from a few texts, as sentencepiece writes it."""
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        hard_vocab_limit=False,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    return written.getvalue()


def _teach(model: PreTrainedModel, lessons: int, **example: list[int]) -> None:
    tensors = {name: torch.tensor([ids]) for name, ids in example.items()}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(lessons):
        optimizer.zero_grad()
        model(**tensors).loss.backward()
        optimizer.step()


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
