"""A second family of models, of the autoregressive kind: a picture is hundreds of short asks, and what has been painted
grows between them. All that the studio needs of it lies in this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.engine.family import Family, Place
from inference.queue.options import WorkerOptions
from inference.requests import Ability, ModelCard, Texts
from tests.inference.families.toy.files import weights_of
from tests.inference.families.toy.requests import SIDE, TILE, Mosaic

if TYPE_CHECKING:
    from inference.engine.kit import Kit

__all__ = ["TOY", "Mosaic"]


def _offer(options: WorkerOptions, card: ModelCard | None) -> ModelCard | None:
    if weights_of(options) is None:
        return card
    plain = card or ModelCard(label=Texts(ru="Мозаика", en="Mosaic"), abilities={})
    able = Ability(native_size=(SIDE * TILE, SIDE * TILE), languages=("ru", "en"))
    return plain.model_copy(update={"abilities": {**plain.abilities, "mosaic": able}})


def _open(place: Place) -> Kit:
    from tests.inference.families.toy.kit import ToyKit

    return ToyKit(weights_of(place.options), place.nets)


TOY = Family(name="toy", kinds=("mosaic",), offer=_offer, open=_open)
