"""Entities held against TDLib itself, whose parser the servers of Telegram run.

Left out, because it cannot be asked offline or says nothing of bots: the blanks that are cut off around a text, texts
past the limits, letters of a later Unicode than Python's, times in films and bank cards (TDLib finds them, messages of
bots show none), phone numbers (the server alone finds them), NUL, and in the older Markdown words in brackets beyond
ASCII that have no address (TDLib moves them by bytes and breaks letters; it cannot even say how that looks).
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.playground.entities.detect import detected
from bot.playground.entities.given import given as given_entities
from bot.playground.entities.html import parse_html
from bot.playground.entities.markdown import parse_markdown_v2
from bot.playground.entities.markdown_old import parse_markdown
from bot.playground.entities.tidy import cleaned
from bot.playground.errors import ApiError
from tests.bot.playground import tdlib

Entity = dict[str, Any]

# The same few hundred texts in every run; as many others as are asked for.
ASKED = os.environ.get("TDLIB_EXAMPLES")
often = settings(max_examples=int(ASKED or 300), derandomize=ASKED is None, deadline=None)

WORDS = ["a", "b", " ", "\n", "\r", "лис", "🦊", "é", "x.org", "http://a.ru/", "1"]
TAGS = ["b", "i", "u", "s", "code", "pre", "blockquote", "a", "tg-spoiler", "span", "tg-emoji", "tg-time"]
HTML = """
</> <B> </b < > &lt; &amp &#33; &#x1F98A; &#xd83e; & <b <b=' " ' / = </ <b| <b|class=x> <blockquote|expandable>
<code|class="language-py"> <a|href="x.org"> <a|href='tg://user?id=5'> <span|class="tg-spoiler">
<tg-emoji|emoji-id="5"> <tg-time|unix="5"|format="wDt">
"""
MARKDOWN = r"""
* _ __ ~ || | ` ``` ```py| [ ](x.org) ](tg://user?id=5) ] ( ) ![ ](tg://emoji?id=5) ](tg://time?unix=5&format=r)
> **> \ \* . ! #
"""
PLAIN = """
@anna @an @gif @ /start / @a_bot # tag $ USD 1INCH a.ru x.qwerty .Ru http:// https:// ftp:// tg:// // tonsite:// mailto:
user@ @x.org 1.2.3.4 пример.рф xn--p1ai . : 80 ? ( ) _ - ~ « < > " ! , ² ٣ ß 一
"""
KINDS = ["bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre"]
KINDS += ["blockquote", "expandable_blockquote"]


def texts(*parts: list[str]) -> st.SearchStrategy[str]:
    tokens = st.sampled_from([it for part in parts for it in part])
    return st.lists(tokens, min_size=1, max_size=12).map("".join)


def tokens(written: str) -> list[str]:
    """The words of a list; "|" within one stands for a blank."""
    return [it.replace("|", " ") if len(it) > 2 else it for it in written.split()]


HTML_TOKENS = [*tokens(HTML), *(f"<{it}>" for it in TAGS), *(f"</{it}>" for it in TAGS)]
MARKDOWN_TOKENS = [*tokens(MARKDOWN), "```py\n", "\n>", "||\n"]
PLAIN_TOKENS = [*tokens(PLAIN), "\u200c", "\u2028", "\u00a0"]


def strange(text: str) -> bool:
    return any(unicodedata.category(it) in ("Cn", "Cs", "Co") or it == "\x00" for it in text)


def ours(read: Callable[[], tuple[str, list[Entity]]]) -> tdlib.Read:
    try:
        text, entities = read()
    except ApiError as refusal:
        return refusal.description.removeprefix("Bad Request: ")
    return text, [{**it, "user": it["user"]["id"]} if "user" in it else it for it in entities]


@often
@given(texts(WORDS, HTML_TOKENS) | st.text(max_size=30))
def test_html_is_read_as_tdlib_reads_it(source: str) -> None:
    assume(not strange(source))
    assert ours(lambda: parse_html(source)) == tdlib.parsed(source, "HTML")


@often
@given(texts(WORDS, MARKDOWN_TOKENS) | st.text(max_size=30))
def test_markdown_v2_is_read_as_tdlib_reads_it(source: str) -> None:
    assume(not strange(source))
    assert ours(lambda: parse_markdown_v2(source)) == tdlib.parsed(source, "MarkdownV2")


@often
@given(texts(WORDS, MARKDOWN_TOKENS) | st.text(max_size=30))
def test_the_older_markdown_is_read_as_tdlib_reads_it(source: str) -> None:
    assume(not strange(source) and (source.isascii() or "[" not in source))
    assert ours(lambda: parse_markdown(source)) == tdlib.parsed(source, "Markdown")


@often
@given(texts(WORDS, PLAIN_TOKENS) | st.text(max_size=30))
def test_what_nobody_marks_up_is_found_as_tdlib_finds_it(text: str) -> None:
    assume(not strange(text))
    found = tdlib.detected(text)
    assume(found is not None)
    assert detected(text) == found


@st.composite
def entities_of(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    text = draw(texts(["a", "b", " ", "\n", "\r", "я", "🦊", "\t", "\u2028", "\u200e", "\u200f", "\u0333"]))
    end = len(text.encode("utf-16-le")) // 2
    special: list[Entity] = [
        {"type": "text_link", "url": "x.org"},
        {"type": "text_link", "url": "tg://user?id=7"},
        {"type": "text_link", "url": "x"},
        {"type": "text_mention", "user": {"id": 5}},
        {"type": "custom_emoji", "custom_emoji_id": "5"},
        {"type": "date_time", "unix_time": 5},
        {"type": "pre", "language": "py"},
    ]
    kinds = st.sampled_from([*special, *({"type": it} for it in KINDS)])
    places = st.tuples(st.integers(0, end), st.integers(0, end + 1))
    drawn = draw(st.lists(st.tuples(kinds, places), max_size=6))
    return text, [{**kind, "offset": start, "length": max(stop - start, 0)} for kind, (start, stop) in drawn]


@often
@given(entities_of())
def test_given_entities_become_what_tdlib_makes_of_them(sent: tuple[str, list[Entity]]) -> None:
    text, entities = sent

    def tidied() -> tuple[str, list[Entity]]:
        found = cleaned(text, given_entities(entities))
        return found if found[0].strip(" \n") else ("", [])

    assert ours(tidied) == tdlib.tidied(text, entities)


ADDRESSES = r"""
.x x. a..b a.ru:00080 a.ru:0 a.ru:-5 \a.ru a%20.ru a%2.ru [::1]:80 [::g] http://a ftp://a.b tg:http://a tg://a@b tg://a:80
tg://a#y tg:a?b tg:?x ton://a.b //a.ru tonsite://a_b.c ПРИМЕР.рф A.RU/X u:p@a.ru @a.ru tg://user?id=0
tg://user/?a=1&id=7#x TG://USER?ID=7 tg://user?id=1099511627776 javascript:alert(1) :80 tg:////a
"""


@pytest.mark.parametrize("url", [*ADDRESSES.split(), "", "a .ru", "a.ru/ x", "a.ru/\n"])
def test_addresses_are_taken_and_written_as_tdlib_does(url: str) -> None:
    entity = {"type": "text_link", "offset": 0, "length": 2, "url": url}
    assert ours(lambda: cleaned("ab", given_entities([entity]))) == tdlib.tidied("ab", [entity])
