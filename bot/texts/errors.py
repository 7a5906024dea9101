"""What every error that a person can cause has in common."""

from __future__ import annotations


class ToldError(Exception):
    """Somebody cannot have what they asked for, and the error itself says why and what to do instead."""

    def told(self) -> str:
        """What the person reads: HTML in the language being spoken, whatever people typed escaped."""
        raise NotImplementedError(f"{type(self).__name__} says nothing")
