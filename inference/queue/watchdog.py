"""When a silent engine counts as hung."""

from __future__ import annotations

TYPICAL_GAPS = 10.0
SMOOTHING = 0.2


class Silence:
    """Time since the engine was last heard, against what is usual for it. All times monotonic, in seconds.

    It may be silent for `floor` seconds, for ten times its usual gap between two messages, or for as long as it has
    announced, whichever is longest.
    """

    def __init__(self, floor: float, now: float) -> None:
        self._floor = floor
        self._heard_at = now
        self._gap = 0.0
        self._patience_began: float | None = None
        self._patience_until = 0.0

    def begin(self, now: float) -> None:
        """Work has just begun: what came before was no silence."""
        self._heard_at = now

    def heard(self, now: float) -> float:
        """Any message ends the silence. Returns how much of it had been announced."""
        gap, announced = now - self._heard_at, 0.0
        if self._patience_began is not None:
            announced = now - self._patience_began
        else:
            self._gap += SMOOTHING * (gap - self._gap)
        self._heard_at, self._patience_began, self._patience_until = now, None, 0.0
        return announced

    def announce(self, seconds: float, now: float) -> None:
        """The next message may take this long."""
        self._patience_began, self._patience_until = now, now + seconds

    def too_long(self, now: float) -> bool:
        limit = max(self._floor, TYPICAL_GAPS * self._gap)
        return now > max(self._heard_at + limit, self._patience_until)
