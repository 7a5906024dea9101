from __future__ import annotations

from typing import Any

import pytest
from aiogram import html
from aiogram.types import MessageEntity
from aiogram.utils.text_decorations import html_decoration, markdown_decoration
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.entities import formatted
from bot.playground.errors import ApiError


def spans(source: str, mode: str) -> tuple[str, list[tuple[str, int, int]]]:
    found = formatted(source, mode)
    return found.text, [(it["type"], it["offset"], it["length"]) for it in found.entities]


def test_html_becomes_text_and_entities_counted_in_utf16() -> None:
    assert spans("🦊 <b>a<i>b</i></b> &lt;3", "HTML") == (
        "🦊 ab <3",
        [("bold", 3, 1), ("bold", 4, 1), ("italic", 4, 1)],
    ), "a style is cut where another one begins"


def test_a_code_block_with_a_language_is_one_entity() -> None:
    found = formatted('<pre><code class="language-python">x = 1</code></pre>', "html")
    assert found.entities == [{"type": "pre", "offset": 0, "length": 5, "language": "python"}]


def test_links_mentions_of_people_spoilers_and_quotes_are_known() -> None:
    source = (
        '<a href="https://t.me/x?a=1&amp;b=2">l</a><a href="tg://user?id=7">p</a>'
        '<span class="tg-spoiler">s</span><tg-spoiler>t</tg-spoiler><blockquote expandable>q</blockquote>'
    )
    found = formatted(source, "HTML").entities
    kinds = ["text_link", "text_mention", "spoiler", "expandable_blockquote"]
    assert [it["type"] for it in found] == kinds
    assert found[0]["url"] == "https://t.me/x?a=1&b=2"
    assert found[1]["user"]["id"] == 7


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("я</b>", "Unexpected end tag at byte offset 2"),
        ("<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler"'),
    ],
)
def test_broken_html_is_refused_with_its_place(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as refusal:
        formatted(source, "HTML")
    assert refusal.value.code == 400
    assert refusal.value.description.startswith("Bad Request: can't parse entities: ")
    assert reason in refusal.value.description


def test_markdown_v2_is_parsed_and_its_reserved_characters_must_be_escaped() -> None:
    source = r"*b _i_* __u__ ~s~ ||p|| `c\`` [l](https://x.org/\)) 1\.5"
    assert spans(source, "MarkdownV2") == (
        "b i u s p c` l 1.5",
        [
            ("bold", 0, 2),
            ("bold", 2, 1),
            ("italic", 2, 1),
            ("underline", 4, 1),
            ("strikethrough", 6, 1),
            ("spoiler", 8, 1),
            ("code", 10, 2),
            ("text_link", 13, 1),
        ],
    )
    assert formatted("```py\nx\n```", "MarkdownV2").entities[0]["language"] == "py"
    assert spans(">a\n>b\nc", "MarkdownV2") == ("a\nb\nc", [("blockquote", 0, 4)])
    for source, reason in (("1.5", "Character '.' is reserved"), ("*x", "Can't find end of Bold entity")):
        with pytest.raises(ApiError, match=reason.replace(".", r"\.")):
            formatted(source, "MarkdownV2")


def test_the_older_markdown_is_parsed() -> None:
    assert spans("*b* _i_ `c` [l](https://x.org) a\\_b", "Markdown") == (
        "b i c l a_b",
        [("bold", 0, 1), ("italic", 2, 1), ("code", 4, 1), ("text_link", 6, 1)],
    )


def test_an_unknown_parse_mode_is_refused() -> None:
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        formatted("x", "BBCode")


def test_commands_names_links_and_hashtags_are_found_in_plain_text() -> None:
    text = "/imagine@kandinsky_bot лиса @anna https://ya.ru/x. #лес me@x.org 1/2 <b>"
    found = formatted(text).entities
    words = [(it["type"], text[it["offset"] : it["offset"] + it["length"]]) for it in found]
    assert words == [
        ("bot_command", "/imagine@kandinsky_bot"),
        ("mention", "@anna"),
        ("url", "https://ya.ru/x"),
        ("hashtag", "#лес"),
        ("email", "me@x.org"),
    ]
    assert formatted("<code>/start</code>", "HTML").entities[0]["type"] == "code"


@given(st.text(max_size=60))
def test_escaped_html_comes_back_as_it_was(text: str) -> None:
    assert formatted(html.quote(text), "HTML").text == formatted(text).text


def test_what_no_reader_sees_is_taken_out_and_entities_move_along() -> None:
    entities = [{"type": "bold", "offset": 2, "length": 4}, {"type": "mention", "offset": 0, "length": 1}]
    found = formatted(" a\r\tb\u202eс \n", entities=entities)
    assert (found.text, found.entities) == ("a bс", [{"type": "bold", "offset": 1, "length": 2}])
    assert formatted("\u2800\u200b ").text == ""


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ({"type": "bold", "offset": 1, "length": 1}, "begins in a middle of a UTF-16 symbol at byte offset 4"),
        ({"type": "bold", "offset": 0, "length": 9}, "ends after the end of the text at UTF-16 offset 9"),
        ({"type": "bold", "offset": -1, "length": 1}, "receive an entity with incorrect offset -1"),
        ({"type": "text_link", "offset": 0, "length": 2, "url": "x"}, "entity URL 'x' is invalid: Wrong HTTP URL"),
        ({"type": "wavy", "offset": 0, "length": 2}, "unsupported type specified"),
    ],
)
def test_entities_that_do_not_fit_are_refused(entity: dict[str, Any], reason: str) -> None:
    with pytest.raises(ApiError) as refusal:
        formatted("🦊 x", entities=[entity])
    assert reason in refusal.value.description


@given(st.text(alphabet="ab 🦊я<&*_[].", min_size=1, max_size=30), st.data())
def test_what_aiogram_marks_up_is_read_back_the_same(text: str, data: st.DataObject) -> None:
    units = len(text.encode("utf-16-le")) // 2
    places = range(len(text) + 1)
    first, last = sorted(data.draw(st.tuples(st.sampled_from(places), st.sampled_from(places))))
    start, stop = (len(text[:it].encode("utf-16-le")) // 2 for it in (first, last))
    kind = data.draw(st.sampled_from(["bold", "italic", "underline", "strikethrough", "spoiler", "code"]))
    inner = text[first:last]
    if not inner.strip() or inner != inner.strip() or text != text.strip() or not units:
        return
    entity = MessageEntity(type=kind, offset=start, length=stop - start)
    expected = (text, [{"type": kind, "offset": start, "length": stop - start}])
    for decoration, mode in ((html_decoration, "HTML"), (markdown_decoration, "MarkdownV2")):
        found = formatted(decoration.unparse(text, [entity]), mode)
        assert (found.text, [it for it in found.entities if it["type"] == kind]) == expected
