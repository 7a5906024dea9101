import pytest

from inference.families.language.cleanup import MOST_CHARS, answer, is_english, is_over, whole_sentences


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("A fox in the snow", "A fox in the snow"),
        ('"A fox in the snow, soft light."', "A fox in the snow, soft light."),
        ("Prompt: a fox in the snow", "a fox in the snow"),
        ("**Improved prompt:** a fox\nin the snow", "a fox in the snow"),
        ("Sure! Here's an expanded prompt for you:\n\n“A fox in the snow”\n\nI hope you like it!", "A fox in the snow"),
        ("Here is the best prompt: a fox in the snow", "a fox in the snow"),
        ("<think>The user wants a fox.</think>\n\nA fox in the snow", "A fox in the snow"),
        ("A fox in the snow.\n### User:\nand a bear", "A fox in the snow."),
        ("A fox in the snow\nUser: and a bear", "A fox in the snow"),
        ("## Prompt:\n\n- a fox in the snow", "a fox in the snow"),
        ('"A fox in the snow, soft', "A fox in the snow, soft"),
        ("Great wall of China, sunset", "Great wall of China, sunset"),
        ("“Red” and “blue”", "“Red” and “blue”"),
        ("A crêpe in a café", "A crêpe in a café"),
        ("Human: a portrait in oil", "Human: a portrait in oil"),
    ],
)
def test_an_answer_is_reduced_to_the_prompt_in_it(said: str, wanted: str) -> None:
    assert answer(said) == wanted


@pytest.mark.parametrize(
    "said", ["", "  \n ", "Sure!", "лиса в лесу", "狐狸", "<think>A fox, perhaps", "Prompt:", "123"]
)
def test_what_cannot_be_drawn_from_is_no_answer(said: str) -> None:
    assert answer(said) == ""


def test_a_long_answer_ends_with_a_whole_word() -> None:
    said = answer("snowflake " * 200)
    assert len(said) <= MOST_CHARS
    assert said.endswith("snowflake")


def test_an_answer_is_over_with_its_first_real_paragraph() -> None:
    assert not is_over("Here's a prompt:\n\nA fox")
    assert is_over("Here's a prompt:\n\nA fox\n\n")
    assert is_over("A fox\n### User:")
    assert not is_over("")
    assert not is_over("<think>A fox\n\nor a bear?")


def test_what_was_cut_off_goes_back_to_a_place_to_stop() -> None:
    assert whole_sentences("A fox in the snow. It is cold. Behi") == "A fox in the snow. It is cold."
    assert (
        whole_sentences("A fox. In the snow of a very cold morning, by a ri")
        == "A fox. In the snow of a very cold morning"
    )
    assert whole_sentences("a fox in the sn") == "a fox in the"
    assert whole_sentences("snow") == "snow"


def test_english_is_told_by_its_letters() -> None:
    assert is_english("a fox, 4k")
    assert not is_english("a лиса в лесу")
    assert not is_english("...")
