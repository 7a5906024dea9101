"""From what a language model says to the words that were wanted of it."""

from __future__ import annotations

import re

MOST_CHARS = 700  # more than the text encoder reads

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_ROLE = r"(?:user|human|system|assistant)"
_NEXT_TURN = re.compile(rf"#{{2,}}\s*{_ROLE}\b|<\|.*|\n\s*(?:#{{2,}}|{_ROLE}\s*:)", re.IGNORECASE)
_POLITE = re.compile(r"^(?:sure(?: thing)?|certainly|of course|absolutely)\s*[,!.]\s*", re.IGNORECASE)
_NOUN = r"(?:prompt|translation|description|version|answer|output|text|assistant)"
_ANNOUNCED = re.compile(
    rf"^(?:here(?:'s|’s| is| are)|this is)\b[^\n:]{{0,80}}\b{_NOUN}\b[^\n:]{{0,80}}:\s*", re.IGNORECASE
)
_LABEL = re.compile(
    rf"^#*\s*(?:(?:the|your|an?|best|better|new|final|improved|expanded|enhanced|revised|detailed|english|image"
    rf"|text[- ]to[- ]image)\s+)*{_NOUN}\s*:\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^(?:[-•]|\d{1,2}[.)])\s+")
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“", "'": "'", "‘": "’", "`": "`"}
_SENTENCE = re.compile(r".*[.!?](?=\s|$)", re.DOTALL)


def answer(said: str) -> str:
    """The first paragraph of an answer in one line, without thoughts, politeness, labels and quotes around it.

    At most MOST_CHARS, cut at a word. What is not English comes out as "", and so does nothing at all.
    """
    paragraphs, first = _paragraphs(said)
    if first is None:
        return ""
    text = _unquoted(_bare(paragraphs[first]))
    if len(text) > MOST_CHARS:
        text = text[:MOST_CHARS].rpartition(" ")[0] or text[:MOST_CHARS]
    return text if is_english(text) else ""


def is_over(said: str) -> bool:
    """Whether the paragraph that `answer` takes is complete, so that nothing later can matter."""
    paragraphs, first = _paragraphs(said)
    turned = _NEXT_TURN.search(_THOUGHTS.sub("", said))
    return first is not None and (len(paragraphs) > first + 1 or turned is not None)


def whole_sentences(text: str) -> str:
    """A text that was cut off, back to its last sentence; where that is less than half of it, to its last comma or
    word."""
    for end in (_SENTENCE.match(text), re.match(r".*(?=,)", text, re.DOTALL)):
        if end and len(end[0]) >= len(text) / 2:
            return end[0]
    return text.rpartition(" ")[0] or text


def is_english(text: str) -> bool:
    """Whether nine letters of ten are Latin, and there are any."""
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and sum(letter < "\u0250" for letter in letters) >= 0.9 * len(letters)


def _paragraphs(said: str) -> tuple[list[str], int | None]:
    """The paragraphs of an answer up to where the model speaks for somebody else, and the first that says anything."""
    text = _THOUGHTS.sub("", said).lstrip()
    turn = _NEXT_TURN.search(text)
    paragraphs = re.split(r"\n\s*\n", text[: turn.start()] if turn else text)
    return paragraphs, next((index for index, one in enumerate(paragraphs) if _bare(one)), None)


def _bare(paragraph: str) -> str:
    lines = [_BULLET.sub("", line.strip().replace("**", "").strip()) for line in paragraph.splitlines()]
    text = " ".join(" ".join(lines).split())
    for preface in (_POLITE, _ANNOUNCED, _LABEL):
        text = preface.sub("", text)
    return "" if text.endswith(":") else text.strip()


def _unquoted(text: str) -> str:
    """Without the quotes around the whole; an opening one whose end was cut off goes too."""
    closing = _QUOTES.get(text[:1])
    if closing and closing not in text[1:-1]:
        return text[1:].removesuffix(closing).strip()
    return text
