"""Numbers and their units, which belong together."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"(?<=\d) (?=[^\W\d])")


def unbroken(text: str) -> str:
    """The same, but no line of it ends between a number and what follows it."""
    return _BETWEEN.sub("\N{NO-BREAK SPACE}", text)
