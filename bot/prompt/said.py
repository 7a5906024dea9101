"""What of a text is to be drawn: not what nobody sees, and not the courtesies around a wish."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = re.compile("[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_DRAWN = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "So"))  # letters, numbers, emoji
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols by name that nothing is seen of

_HELLO = r"(?:привет(?:ик)?|здравствуй(?:те)?|добр(?:ый|ое) (?:день|утро|вечер)|hello|hi|hey)"
_PLEASE = r"(?:пожалуйста|плиз|please)"
_ASK = r"(?:(?:можешь|можете|сможешь|сможете)(?: ли)?(?: ты| вы)? нарисовать|нарисуй(?:те)?|изобрази(?:те)?"
_ASK += r"|(?:(?:can|could|would|will) you )?(?:please )?draw)(?: мне| нам| me| us)?"
_WISH = re.compile(
    rf"(?:{_HELLO}[ ,.:!]+)?(?:{_PLEASE}[ ,.:!]+)?{_ASK}(?: ?,? ?{_PLEASE})?(?: ?[:,] ?| )(?=\S)", re.IGNORECASE
)
_BARE = re.compile(
    rf"(?:{_HELLO}[ ,.:!]+)?(?:{_PLEASE}[ ,.:!]+)?{_ASK}(?:[ ,]+(?:{_PLEASE}|мне|нам|me|us))*[ .!?]*", re.IGNORECASE
)
_COURTESY = re.compile(rf"(?:{_HELLO}[ ,.:!]+)?{_PLEASE} ?, ?(?=\S)", re.IGNORECASE)
_LAST = rf"{_PLEASE}[ .!?)]*(?=$|(?<= )(?:--|[\u2012-\u2015]))"
_PLEASE_LAST = re.compile(rf"(?<=\S) ?, ?{_LAST}", re.IGNORECASE)
_PLEASE_LAST_OF_WISH = re.compile(rf"(?<=\S) ?,? ?{_LAST}", re.IGNORECASE)


def seen(text: str) -> str:
    """The text without what nobody sees, a space between words; what joins letters or emoji stays."""
    return " ".join(_UNSEEN.sub("", text).split())


def says_something(text: str) -> bool:
    """Whether a text holds anything that could be drawn: a letter, a number, an emoji."""
    return any(unicodedata.category(one) in _DRAWN and one not in _BLANK for one in text)


def wish_in(text: str) -> str:
    """What a text wishes for: "Привет, нарисуй мне, пожалуйста, кота" asks for "кота", and without the cat for ""."""
    text = seen(text)
    if _BARE.fullmatch(text):
        return ""
    wish = _WISH.match(text)
    words = text[wish.end() :] if wish else _COURTESY.sub("", text, count=1) if _COURTESY.match(text) else text
    last = (_PLEASE_LAST_OF_WISH if wish else _PLEASE_LAST).search(words)
    if last is not None and says_something(words[: last.start()]):
        words = " ".join(part for part in (words[: last.start()], words[last.end() :]) if part)
    return words
