"""Who comes later is not behind everything that somebody else has asked for before."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.harness import Stage
from tests.waiting import blocking_until


def test_a_flood_delays_the_others_by_the_wave_on_the_device_only(stage: Callable[..., Stage]) -> None:
    busy = stage(slots=8, steps=10, step_seconds=0.06)
    busy.ask(["a cat"] * 40, owner=1)
    busy.start()
    blocking_until(lambda: len(busy.runs("start")) == 8, "the flood on the device")
    busy.ask(["an owl"] * 2, owner=4, priority=1)
    busy.ask([animal for _ in range(5) for animal in ("a dog", "a fox")], owner=[2, 3])
    busy.wait_settled()
    assert busy.judge() == {"done": 52}
    jobs = {row["id"]: row for row in busy.rows()}
    arrived = max(row["queued_at"] for row in jobs.values() if row["owner_id"] != 1)
    order = [jobs[line["job"]] for line in busy.runs("start")]
    owners = "".join(str(job["owner_id"]) for job in order)
    assert owners.startswith("1" * 8)
    assert sorted(owners) == sorted("1" * 40 + "2" * 5 + "3" * 5 + "4" * 2)
    before = sum(job["sent_at"] <= arrived for job in order)  # the wave, and what went in while the others wrote
    assert "4" not in owners[before + 2 :], f"priority is next: {owners}"
    assert "2" not in owners[before + 17 :] and "3" not in owners[before + 17 :], f"each gets a third: {owners}"
