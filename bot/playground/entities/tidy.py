"""What the server makes of a text and its entities: characters it does not keep, and entities that nest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.playground.entities.builder import QUOTES, STYLES, UNSTYLED, Entity, end_of, in_order, units
from bot.playground.errors import bad_request

LARGEST = 1_000_000
DROPPED = frozenset("\r\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u0333\u033f\u030a")
BLANKS = dict.fromkeys((*range(10), 11, 12, *range(14, 32)), " ")
DIRECTIONS = re.compile("[\u200e\u200f]+(?=[\u200e\u200f])")


def cleaned(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the characters that are never shown; entities move along, and those of nothing are gone.

    Raises ApiError for entities that lie outside the text or cut a character in two.
    """
    for it in entities:
        for name in ("offset", "length"):
            if not 0 <= it[name] <= LARGEST:
                raise bad_request(f"receive an entity with incorrect {name} {it[name]}")
    entities = nested([it for it in entities if it["length"] > 0])
    moved = _moved(text, entities) if entities else []
    return shown(text), nested([it for it in moved if it["length"] > 0])


def shown(text: str) -> str:
    """Without the characters that are never shown, blanks in the place of the others that control something."""
    text = "".join(it for it in text.translate(BLANKS) if it not in DROPPED)
    return DIRECTIONS.sub(lambda found: "\u200c" * len(found[0]), text)


def _moved(text: str, entities: list[Entity]) -> list[Entity]:
    """The entities counted in the text without the characters that are dropped."""
    new: list[int | None] = []  # UTF-16 offset before → after; None in the middle of a character
    byte = 0
    bytes_after: list[int] = []
    kept = 0
    for char in text:
        byte += len(char.encode())
        new += [kept] if char <= "\uffff" else [kept, None]
        bytes_after += [byte] * (1 if char <= "\uffff" else 2)
        kept += 0 if char in DROPPED else units(char)
    new.append(kept)
    if wrong := min((found for it in entities if (found := _misplaced(it, new, bytes_after))), default=None):
        raise bad_request(wrong[-1])
    places = [(new[it["offset"]] or 0, new[end_of(it)] or 0) for it in entities]
    return [{**it, "offset": begin, "length": end - begin} for it, (begin, end) in zip(entities, places, strict=True)]


def _misplaced(it: Entity, new: list[int | None], bytes_after: list[int]) -> tuple[int, int, int, int, str] | None:
    """Where an entity does not fit the text, and the words for it: the server reads to the right, inner ones first."""
    start, stop = it["offset"], end_of(it)
    named = f"entity beginning at UTF-16 offset {start} ends"
    if start < len(new) and new[start] is None:
        return start, 1, 0, 0, f"entity begins in a middle of a UTF-16 symbol at byte offset {bytes_after[start]}"
    if stop < len(new) and new[stop] is None:
        cut = f"{named} in a middle of a UTF-16 symbol at byte offset {bytes_after[stop]}"
        return stop, 0, -start, it["length"], cut
    if start >= len(new):
        return len(new), 0, 0, 0, f"entity begins after the end of the text at UTF-16 offset {start}"
    if stop >= len(new):
        return len(new), 1, -start, it["length"], f"{named} after the end of the text at UTF-16 offset {stop}"
    return None


def nested(entities: list[Entity], found: list[Entity] | None = None) -> list[Entity]:
    """Entities that lie within each other or apart: of two that cross the first stays, styles are cut to fit.

    `found` are those detected in plain text; they give way to all others.
    """
    entities = in_order(entities)
    styles = [it for it in entities if it["type"] in STYLES]
    quotes = _apart([it for it in entities if it["type"] in QUOTES])
    rest = _apart([it for it in entities if it["type"] not in QUOTES and it["type"] not in STYLES])
    if found is None:
        rest = [it for it in rest if not _crosses(it, quotes)]
    else:
        free = [it for it in found if not _crosses(it, quotes)]
        rest += [it for it in free if all(end_of(it) <= one["offset"] or it["offset"] >= end_of(one) for one in rest)]
    others = in_order(rest + quotes)
    return in_order(others + list(_pieces(styles, others)))


def _apart(entities: list[Entity]) -> list[Entity]:
    kept: list[Entity] = []
    for it in entities:
        if not kept or it["offset"] >= end_of(kept[-1]):
            kept.append(it)
    return kept


def _crosses(it: Entity, quotes: list[Entity]) -> bool:
    quote = next((one for one in quotes if end_of(one) > it["offset"]), None)
    return quote is not None and (end_of(quote) < end_of(it) or it["offset"] < quote["offset"] < end_of(it))


def _pieces(styles: list[Entity], others: list[Entity]) -> Iterator[Entity]:
    """The styles cut where another entity begins or ends and where another style begins; none within code or a date."""
    waiting = list(styles)
    running: dict[str, list[int]] = {}  # style → where it begins and ends

    def flush(at: int) -> Iterator[Entity]:
        for kind in STYLES:
            if kind in running and running[kind][0] < at:
                begin, end = running[kind]
                yield {"type": kind, "offset": begin, "length": min(end, at) - begin}
                if end <= at:
                    del running[kind]
                else:
                    running[kind][0] = at

    def until(at: int) -> Iterator[Entity]:
        while waiting and waiting[0]["offset"] < at:
            it = waiting.pop(0)
            known = running.get(it["type"])
            if known is not None and it["offset"] <= known[1]:
                known[1] = max(known[1], end_of(it))
            else:
                yield from flush(it["offset"])
                running[it["type"]] = [it["offset"], end_of(it)]
        yield from flush(at)

    inside: list[Entity] = []

    def leave(at: int) -> Iterator[Entity]:
        while inside and at >= end_of(inside[-1]):
            left = inside.pop()
            pieces = list(until(end_of(left)))
            yield from [] if left["type"] in UNSTYLED else pieces
        yield from until(at)

    for it in others:
        yield from leave(it["offset"])
        inside.append(it)
    yield from leave(2**31)


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without blanks around it: at the end all, at the beginning those before the first entity."""
    text = text.rstrip(" \n")
    end = units(text)
    kept = [{**it, "length": min(it["length"], end - it["offset"])} for it in entities if it["offset"] < end]
    first = kept[0]["offset"] if kept else end
    lead = min(len(text) - len(text.lstrip(" \n")), first)
    return text[lead:], in_order([{**it, "offset": it["offset"] - lead} for it in kept])
