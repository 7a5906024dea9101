"""How long something takes where several workers draw, each as fast as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from inference.queue.foresight import LEAST_SECONDS, Foresight
from inference.requests import kind_in


class Member(NamedTuple):
    """A worker, what is foreseen of it, and the kinds that it can draw, None being all."""

    name: str
    foresight: Foresight
    kinds: Collection[str] | None = None


class Fleet:
    """Foretells seconds as a `Foresight` does, for whoever does not know yet which worker it will be."""

    def __init__(self, members: Sequence[Member] = ()) -> None:
        self._members = tuple(members)

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return any(member.foresight for member in self._members)

    def can(self, compatibility: str) -> bool:
        """Whether anybody can draw a job of this key; True while nobody is there who could say."""
        return not self._members or any(_draws(member, compatibility) for member in self._members)

    def at(self, worker: str) -> Foresight | Fleet:
        """What is foreseen of one worker; of all where that is not known."""
        return next((member.foresight for member in self._members if member.name == worker), self)

    def seconds(self, compatibility: str, cost: float, developed: float, drawings: int = 1) -> float | None:
        """How long a job takes by itself: the mean (harmonic, as of speeds) over the workers that can draw it. None
        while nothing at all has been measured."""
        each = self._each(compatibility, cost, developed, drawings)
        return None if not each else len(each) / sum(1 / seconds for seconds in each)

    def turn(self, compatibility: str, cost: float, developed: float, drawings: int = 1) -> float | None:
        """How much later a job makes whoever is behind it: its time where all that can draw it add up their speeds."""
        each = self._each(compatibility, cost, developed, drawings)
        return None if not each else 1 / sum(1 / seconds for seconds in each)

    def at_most(self, drawings: int, cost: float, developed: float) -> float:
        """No less than so many drawings of so much work together will take, which is quick to ask. 0 while nothing is
        known."""
        return sum(member.foresight.at_most(drawings, cost, developed) for member in self._members)

    def _each(self, compatibility: str, cost: float, developed: float, drawings: int) -> list[float]:
        able = [member for member in self._members if _draws(member, compatibility)] or self._members
        told = (member.foresight.seconds(compatibility, cost, developed, drawings) for member in able)
        return [max(LEAST_SECONDS, seconds) for seconds in told if seconds is not None]


def _draws(member: Member, compatibility: str) -> bool:
    return member.kinds is None or kind_in(compatibility) in member.kinds
