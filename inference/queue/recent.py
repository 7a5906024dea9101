"""A mapping that forgets."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(OrderedDict[Key, Value]):
    """At most `capacity` entries: a further one pushes out that which was set or used the longest ago."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > self._capacity:
            self.popitem(last=False)

    def use(self, key: Key) -> Value | None:
        """The value of a key, which is thereby the latest used; None where it is not known."""
        if key in self:
            self.move_to_end(key)
        return self.get(key)
