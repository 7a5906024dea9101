"""Kandinsky 3.1: what its modes ask for, its nets and its samplers. Torch is imported when it is opened."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from inference.checkpoints.folders import MissingWeights
from inference.engine.family import Family, Place
from inference.families.kandinsky.files.catalogue import FORMATS, KINDS
from inference.families.kandinsky.files.store import EMBEDDED, choose, locate, model_card
from inference.queue.options import WorkerOptions
from inference.requests import ModelCard

if TYPE_CHECKING:
    from inference.engine.kit import Kit

log = logging.getLogger(__name__)


def _offer(options: WorkerOptions, _before: ModelCard | None) -> ModelCard | None:
    try:
        return model_card(options.weights_dir)
    except MissingWeights as lack:
        log.error("%s", lack)
        return None


def _open(place: Place) -> Kit:
    """Over the weights to draw with; where no mode can run, over an incomplete folder.

    With that every job fails by naming what is missing, which the owner can mend without a restart loop.
    """
    from inference.families.kandinsky.files.load import Checkpoint
    from inference.families.kandinsky.kit import CheckpointKit

    weights = place.options.weights_dir
    try:
        files = choose(weights)
    except MissingWeights:
        files = locate(weights or EMBEDDED)
    return CheckpointKit(
        Checkpoint(files),
        place.policy,
        place.nets,
        read_blob=place.read_blob,
        before_encoding=lambda: place.before_long("the text encoder"),
    )


KANDINSKY = Family(name="kandinsky", kinds=KINDS, formats=FORMATS, offer=_offer, open=_open)
