"""Lines as they lie in the database: JSON of what was said, and the strings of older rows."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from bot.prompt import OF_WORDS, NoWords, PromptError, PromptLine, UnknownStyle, parse, write
from bot.prompt.stored import Said, as_json, read_line
from tests.bot.prompt.test_prompt import CONTROL_LINES, LINES


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES | CONTROL_LINES)
def test_a_line_comes_back_as_it_was_from_json_and_from_the_string_of_an_older_row(line: PromptLine) -> None:
    assert read_line(json.loads(json.dumps(as_json(line)))) == line
    assert read_line(write(line)) == line


def test_json_holds_what_was_said_and_nothing_else() -> None:
    line = parse("a fox --ar 16:9 --full --seed 7")
    assert as_json(line) == {"prompt": "a fox", "ar": [16, 9], "quality": "full", "seed": 7}
    assert as_json(PromptLine("")) == {"prompt": ""}


def test_words_that_look_like_parameters_stay_words_in_json() -> None:
    line = PromptLine("a sign that reads --open —ar")
    assert read_line(as_json(line)) == line


def test_an_older_row_reads_as_it_was_meant_to() -> None:
    assert read_line("a fox —n 2") == PromptLine("a fox —n 2")
    assert read_line("a fox —n 2", OF_WORDS) == PromptLine("a fox", n=2)
    assert read_line("--n 2", OF_WORDS) == PromptLine("", n=2)
    with pytest.raises(UnknownStyle):
        read_line("a fox --style gone")


def test_what_was_said_is_quoted_as_typed_and_meant_as_parsed() -> None:
    said = Said.of("a fox --seed 7 —n 2", OF_WORDS)
    assert (said.text, said.line) == ("a fox --seed 7 —n 2", PromptLine("a fox", seed=7, n=2))
    assert Said.read(said.model_dump(mode="json"), ()) == said, "what is kept does not depend on what is taken now"
    assert Said.read("a fox --seed 7 —n 2", OF_WORDS) == said
    assert Said.read("", OF_WORDS) == Said()


def test_a_text_that_nobody_can_draw_is_refused_when_it_is_said() -> None:
    with pytest.raises(PromptError):
        Said.of("a fox --steps many", OF_WORDS)
    with pytest.raises(NoWords):
        parse("--n 2")
