"""Words from words: the prompt beautification of Kandinsky 3.1 (arXiv:2410.21061), and translation into English."""

from __future__ import annotations

import math

from inference.engine.asks import Drawing, Pipeline, Tools
from inference.engine.kit import PipelineSpec
from inference.families.language.asks import Write, Written
from inference.families.language.cleanup import answer, whole_sentences
from inference.requests import Note, Request, Rewrite

MOST_TOKENS = 128  # the text encoder reads no more
TOKENS_AT_ONCE = 8


def rewrite(request: Rewrite, tools: Tools) -> Pipeline:
    """One text per seed, a few tokens at a time; "" where the model gave nothing that could be drawn."""
    texts, cut = [], False
    for seed in request.seeds:
        written = Written((), "", ended=False)
        while not written.ended and len(written.ids) < MOST_TOKENS:
            written = yield Write(request.kind, request.prompt, seed, written.ids)
        text = answer(written.text)
        if text and not written.ended:
            text, cut = whole_sentences(text), True
        texts.append(text)
    return Drawing(texts=tuple(texts), notes=(Note(code="cut_short"),) if cut else ())


def rewrite_steps(request: Rewrite) -> int:
    """The most asks there can be; an answer usually ends by itself before."""
    return len(request.seeds) * math.ceil(MOST_TOKENS / TOKENS_AT_ONCE)


PIPELINES: dict[type[Request], PipelineSpec] = {Rewrite: PipelineSpec(rewrite, rewrite_steps)}
