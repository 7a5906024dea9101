"""Language models that write a few tokens at a time, so that other jobs can have their turns in between.

Token i of an answer depends on nothing but the model, the prompt, the seed and the tokens before it. What has been read
is kept in a key-value cache by (prompt, seed, tokens so far); where it has been dropped, it is read again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from inference.checkpoints.folders import MissingWeights
from inference.engine.finite import finite
from inference.families.language.asks import TokenIds, Write, Written
from inference.families.language.cleanup import is_over
from inference.families.language.files import LanguageModel, LanguageModels, Task
from inference.families.language.pipelines import MOST_TOKENS, TOKENS_AT_ONCE
from inference.queue.recent import Recent

# As published for the beautifier of Kandinsky 3.1 (github.com/ai-forever/Kandinsky-3).
SYSTEM: dict[Task, str] = {
    "beautify": "You are a prompt engineer. Your mission is to expand prompts written by user. "
    "You should provide the best prompt for text to image generation in English.",
    "translate": "You are a translator. Translate what the user writes into English, word for word, adding nothing. "
    "Answer with the translation alone.",
}
PUBLISHED_TURNS = "### System:\n{system}\n### User:\n{prompt}\n### Assistant:\n"
TRANSLATORS = frozenset({"marian", "fsmt"})  # they read the bare text and know what to do with it
TEMPERATURE, TOP_P, REPETITION_PENALTY = 0.7, 0.9, 1.1
PROMPT_TOKENS = 384
ANSWERS_AT_HAND = 8
ACTIVATIONS = 600_000_000
HALF_FROM = 4_000_000_000  # bytes of weights from which the CPU too computes in bfloat16


@dataclass(slots=True, eq=False)
class _Read:
    """What a model has read of one conversation: its key-value cache, tokens in it, and the encoder's output."""

    cache: Any = None
    length: int = 0
    source: Any = None


class Scribe:
    """Answers `Write`. `require(net)` gives a model on its device; nets are named by `net_of`."""

    def __init__(self, models: LanguageModels, require: Callable[[str], nn.Module]) -> None:
        self._models = models
        self._require = require
        self._tokenizers: dict[str, Any] = {}
        self._open: Recent[Write, _Read] = Recent(ANSWERS_AT_HAND)

    @property
    def nets(self) -> dict[str, LanguageModel]:
        """The models by net name: one where both tasks share a folder."""
        return {self.net_of(task): model for task, model in self._models.found.items()}

    def net_of(self, task: Task) -> str:
        """The name of a task's model, whether there is one or not."""
        return f"language {self._models.found[task].folder}" if task in self._models.found else f"nothing to {task}"

    def load(self, net: str, dtype: torch.dtype, device: torch.device) -> nn.Module:
        return load_language_model(self.nets[net], dtype, device, four_bit=self._models.four_bit)

    def moves(self, net: str) -> bool:
        """Whether a net can be moved between devices: not with its weights packed into four bits."""
        return not self._models.four_bit or net not in self.nets or self.nets[net].encoder_decoder

    def forget(self) -> None:
        """Drops everything read; nothing is lost but time."""
        self._open.clear()

    def write(self, ask: Write) -> Written:
        """The answer with at most TOKENS_AT_ONCE more tokens. Raises MissingWeights where the task has no model."""
        if ask.task not in self._models.found:
            lack = self._models.missing.get(ask.task, "switched off")
            raise MissingWeights(f"no language model to {ask.task} with: {lack}")
        net = self.net_of(ask.task)
        model: Any = self._require(net)
        if net not in self._tokenizers:
            self._tokenizers[net] = load_tokenizer(self.nets[net])
        read = self._open.pop(ask, None) or _Read()
        written = _Author(model, self._tokenizers[net], self.nets[net], ask, read).go_on()
        if not written.ended and len(written.ids) < MOST_TOKENS:
            self._open[replace(ask, so_far=written.ids)] = read
        return written


class _Author:
    """One turn of one answer."""

    def __init__(self, model: Any, tokenizer: Any, described: LanguageModel, ask: Write, read: _Read) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._ask = ask
        self._read = read
        self._name = f"language {described.folder}"
        self._encoder_decoder = described.encoder_decoder
        config = model.generation_config
        self._ends = _ids(config.eos_token_id) | _ids(tokenizer.eos_token_id)
        never = {ids[0] for ids in config.bad_words_ids or () if len(ids) == 1} | set(config.suppress_tokens or ())
        self._never = sorted((never | _ids(tokenizer.pad_token_id)) - self._ends)
        words = _bounded(tokenizer, ask.prompt)
        bare = described.encoder_decoder and described.kind in TRANSLATORS
        self._source: str = words if bare else f"{SYSTEM[ask.task]}\n\n{words}"
        self._turns = "" if described.encoder_decoder else _turns(tokenizer, ask.task, words)

    def go_on(self) -> Written:
        opening = self._opening()
        ids = list(self._ask.so_far)
        ended, text = False, ""
        for _ in range(min(TOKENS_AT_ONCE, MOST_TOKENS - len(ids))):
            token = self._choose(self._scores([*opening, *ids]), ids)
            if token in self._ends:
                ended = True
                break
            ids.append(token)
            text = self._text(ids)
            if is_over(text):
                ended = True
                break
        return Written(tuple(ids), text or self._text(ids), ended)

    def _opening(self) -> TokenIds:
        """The tokens before the answer on the side that answers."""
        if not self._encoder_decoder:
            return tuple(self._tokenizer(self._turns, add_special_tokens=False).input_ids)
        config = self._model.generation_config
        start = config.decoder_start_token_id
        return (self._model.config.decoder_start_token_id if start is None else start,)

    def _scores(self, ids: Sequence[int]) -> Tensor:
        """Scores [V] in float32 on the CPU of the token after `ids`, of which only the unread ones are read.

        Raises NotFinite."""
        read, device = self._read, self._model.device
        fresh = torch.tensor([ids[read.length :]]).to(device, non_blocking=True)  # [1, n]
        if self._encoder_decoder:
            if read.source is None:
                source = self._tokenizer(self._source, return_tensors="pt").to(device)
                read.source = self._model.get_encoder()(**_inputs(source))
            given = {"encoder_outputs": read.source, "decoder_input_ids": fresh}
        else:
            given = {"input_ids": fresh}
        out = self._model(**given, past_key_values=read.cache, use_cache=True)
        read.cache, read.length = out.past_key_values, len(ids)
        scores = finite(out.logits[0, -1].float().cpu(), self._name, out.logits.dtype)
        scores[self._never] = -torch.inf
        return scores

    def _choose(self, scores: Tensor, ids: list[int]) -> int:
        """The likeliest token of a translation; for anything else one by lot, the lot of place i in the seed's row."""
        if self._ask.task == "translate":
            return int(scores.argmax())
        from transformers.generation import (
            LogitsProcessorList,
            RepetitionPenaltyLogitsProcessor,
            TemperatureLogitsWarper,
            TopPLogitsWarper,
        )

        rules = LogitsProcessorList([TemperatureLogitsWarper(TEMPERATURE), TopPLogitsWarper(TOP_P)])
        if ids:
            rules.insert(0, RepetitionPenaltyLogitsProcessor(REPETITION_PENALTY))
        likely = rules(torch.tensor([ids], dtype=torch.long), scores[None])[0].double().softmax(0)  # [V]
        lots = torch.rand(MOST_TOKENS, generator=torch.Generator().manual_seed(self._ask.seed), dtype=torch.double)
        reached = likely.cumsum(0)
        return int(torch.searchsorted(reached, lots[len(ids)] * reached[-1], right=True).clamp(max=len(reached) - 1))

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()


def load_language_model(
    described: LanguageModel, dtype: torch.dtype, device: torch.device, *, four_bit: bool = False
) -> nn.Module:
    """The model on `device`: safetensors, or a pickle of nothing but tensors, and no code from its folder.

    A large one is in bfloat16 on the CPU too. With `four_bit` a decoder-only model is packed into nf4 on a GPU; raises
    MissingWeights where there is none.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig
    from transformers.utils import logging as transformers_logging

    if not sys.stderr.isatty():  # a bar drawn into a log file is noise
        transformers_logging.disable_progress_bar()
    large = described.bytes > HALF_FROM and device.type == "cpu"
    options: dict[str, Any] = {"dtype": torch.bfloat16 if large else dtype}
    if four_bit and not described.encoder_decoder:
        if device.type != "cuda":
            raise MissingWeights("4-bit language models need an NVIDIA GPU")
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    family = AutoModelForSeq2SeqLM if described.encoder_decoder else AutoModelForCausalLM
    model = family.from_pretrained(
        described.folder, device_map={"": device}, local_files_only=True, weights_only=True, **options
    )
    return cast(nn.Module, model.requires_grad_(False).eval())


def load_tokenizer(described: LanguageModel) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(described.folder, local_files_only=True)


def _turns(tokenizer: Any, task: Task, prompt: str) -> str:
    """The conversation up to where the model is to speak, in its own template or the published one."""
    if not tokenizer.chat_template:
        return PUBLISHED_TURNS.format(system=SYSTEM[task], prompt=prompt)
    from jinja2.exceptions import TemplateError

    user = {"role": "user", "content": prompt}
    options = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
    try:
        turns = tokenizer.apply_chat_template([{"role": "system", "content": SYSTEM[task]}, user], **options)
    except TemplateError:  # some models know no system's turn
        joined = {"role": "user", "content": f"{SYSTEM[task]}\n\n{prompt}"}
        turns = tokenizer.apply_chat_template([joined], **options)
    return str(turns)


def _bounded(tokenizer: Any, prompt: str) -> str:
    """A prompt of at most PROMPT_TOKENS or so, in which nothing is taken for a mark of the template."""
    for mark in tokenizer.all_special_tokens:
        prompt = prompt.replace(mark, " ")
    tokens = len(tokenizer(prompt, add_special_tokens=False).input_ids)
    return prompt if tokens <= PROMPT_TOKENS else prompt[: len(prompt) * PROMPT_TOKENS // tokens]


def _inputs(encoded: Any) -> dict[str, Tensor]:
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


def _ids(stated: int | Sequence[int] | None) -> set[int]:
    if stated is None:
        return set()
    return {stated} if isinstance(stated, int) else set(stated)
