"""What all parts share: pauses between tries, and mappings that forget."""

from __future__ import annotations

from itertools import islice

from inference.queue.backoff import pause_after, pauses
from inference.queue.recent import Recent


def test_pauses_double_up_to_the_longest_and_never_end() -> None:
    assert list(islice(pauses(0.5, 3.0), 6)) == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]
    assert pause_after(1, first=5.0, longest=3.0) == 3.0
    assert pause_after(10_000, first=0.1, longest=30.0) == 30.0, "and does not overflow"


def test_jitter_makes_a_pause_longer_by_its_share_at_most() -> None:
    assert all(10.0 <= pause <= 12.0 for pause in islice(pauses(10.0, 10.0, jitter=0.2), 200))


def test_what_was_set_or_used_the_longest_ago_is_forgotten_first() -> None:
    recent: Recent[str, int] = Recent(3)
    for number, name in enumerate("abc"):
        recent[name] = number
    assert recent.use("a") == 0 and recent.get("b") == 1
    recent["c"] = 7
    recent["d"] = 9
    assert dict(recent) == {"a": 0, "c": 7, "d": 9}
    assert recent.use("b") is None and len(recent) == 3
