"""The card: what each kind may be asked for, kind by kind."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from inference.requests import MAX_PICTURES, Ability, Control, FlashTextToImage, ModelCard, Source, Texts, WeighedSource

WIDE = Ability(native_size=(256, 256), sizes={"1:1": (256, 256), "2:1": (384, 192)}, languages=("ru",), most_pictures=2)
CARD = ModelCard(
    label=Texts(ru="Две семьи", en="Two families"),
    abilities={"flash": Ability(sizes={"1:1": (1024, 1024)}), "scribble": WIDE},
)


def test_each_kind_has_sizes_and_languages_of_its_own() -> None:
    assert CARD.kinds == ("flash", "scribble")
    assert CARD.of("flash").size_for(16, 9) == (1024, 1024)
    assert CARD.of("scribble").size_for(16, 9) == (384, 192)
    assert (CARD.of("flash").languages, CARD.of("scribble").languages) == (("en",), ("ru",))
    assert (CARD.of("flash").most_pictures, CARD.of("scribble").most_pictures) == (MAX_PICTURES, 2)


def test_a_kind_without_weights_has_what_is_usual() -> None:
    assert CARD.of("mix") == Ability()
    assert CARD.of("mix").size_for(16, 9) == (1024, 1024)


def test_a_request_can_be_drawn_where_all_that_it_needs_is_there() -> None:
    picture = Source(blob="a" * 64, width=64, height=64)
    style = WeighedSource(blob="b" * 64, width=64, height=64)
    plain = Control(kind="scribble", prompt="", seeds=(1,), image=picture)
    assert CARD.can(FlashTextToImage(prompt="", seeds=(1,))) and CARD.can(plain)
    assert not CARD.can(plain.model_copy(update={"styles": (style,)}))  # for which it needs mix


def test_the_card_survives_the_wire() -> None:
    assert ModelCard.model_validate_json(CARD.model_dump_json()) == CARD


def test_a_kind_that_nobody_knows_is_refused_on_a_card() -> None:
    with pytest.raises(ValidationError, match="one of flash"):
        ModelCard(label=CARD.label, abilities={"magic": Ability()})
