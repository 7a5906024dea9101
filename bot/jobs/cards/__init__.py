"""What a person reads: HTML in the language being spoken; whatever people typed is escaped here."""

from bot.jobs.cards.captions import CAPTION_LIMIT, caption, deleting, examples, note, remark, unknown_words
from bot.jobs.cards.costs import cost
from bot.jobs.cards.failures import failed
from bot.jobs.cards.origins import origins
from bot.jobs.cards.progress import (
    accepted,
    bar,
    cancelled,
    drawing,
    place_in_line,
    queued,
    resumed,
    stage,
    stopped,
    stopping,
)
from bot.jobs.cards.recipes import COPY_LIMIT, guided, in_steps, recipe
from bot.jobs.cards.words import number, seconds_taken, steps_counted, wait

__all__ = [
    "CAPTION_LIMIT",
    "COPY_LIMIT",
    "accepted",
    "bar",
    "cancelled",
    "caption",
    "cost",
    "deleting",
    "drawing",
    "examples",
    "failed",
    "guided",
    "in_steps",
    "note",
    "number",
    "origins",
    "place_in_line",
    "queued",
    "recipe",
    "remark",
    "resumed",
    "seconds_taken",
    "stage",
    "steps_counted",
    "stopped",
    "stopping",
    "unknown_words",
    "wait",
]
