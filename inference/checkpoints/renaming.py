"""Parameter names of one library under those of another, by pairs of dotted name parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

Parts = Iterable[tuple[str, str]]


def rename(name: str, parts: Parts) -> str:
    """`name` with the first of every pair replaced by the second, between dots or ends of the name.

    {n} in a pair is an index, {n+1} the same index one higher. Pairs are applied in order, one after another.
    """
    for found, wanted in parts:
        pattern, insert = _rule(found, wanted)
        name = pattern.sub(insert, name)
    return name


def backwards(parts: Parts) -> Parts:
    """The pairs that rename the other way; where two have the same second part, the earlier one wins."""
    return tuple((wanted, found) for found, wanted in parts)


@cache
def _rule(found: str, wanted: str) -> tuple[re.Pattern[str], Callable[[re.Match[str]], str]]:
    """The pattern of one pair in one direction, and what to put there."""
    index = re.escape(found).replace(r"\{n\}", r"(\d+)").replace(r"\{n\+1\}", r"(\d+)")
    shift = ("{n+1}" in wanted) - ("{n+1}" in found)
    template = wanted.replace("{n+1}", "{n}")

    def insert(match: re.Match[str]) -> str:
        return template.format(n=int(match[1]) + shift) if match.groups() else template

    return re.compile(rf"(?<![^.]){index}(?![^.])"), insert
