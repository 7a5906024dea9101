"""What a person reads: HTML in the language being spoken; whatever people typed is escaped here."""

from bot.jobs.cards.captions import CAPTION_LIMIT, caption, deleting, examples, note, remark, unknown_words
from bot.jobs.cards.costs import cost
from bot.jobs.cards.failures import failed
from bot.jobs.cards.names import style_name
from bot.jobs.cards.origins import origins
from bot.jobs.cards.progress import accepted, bar, cancelled, drawing, place_in_line, queued, resumed, stage
from bot.jobs.cards.recipes import COPY_LIMIT, guided, in_steps, recipe
from bot.jobs.cards.troubles import moved, notice, out_of_order, refused, unread, why_it_waits
from bot.jobs.cards.words import (
    escape,
    number,
    quote,
    seconds_taken,
    shortened,
    spoken,
    steps_counted,
    visible_length,
    wait,
)

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
    "escape",
    "examples",
    "failed",
    "guided",
    "in_steps",
    "moved",
    "note",
    "notice",
    "number",
    "origins",
    "out_of_order",
    "place_in_line",
    "queued",
    "quote",
    "recipe",
    "refused",
    "remark",
    "resumed",
    "seconds_taken",
    "shortened",
    "spoken",
    "stage",
    "steps_counted",
    "style_name",
    "unknown_words",
    "unread",
    "visible_length",
    "wait",
    "why_it_waits",
]
