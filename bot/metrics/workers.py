"""Names by which workers are told apart for longer than one life of theirs."""

from __future__ import annotations

from collections.abc import Iterable

from inference.queue.figures import WorkerSeen


class WorkerNames:
    """A worker is called by its machine and device, `rack/cuda:0`, the second one there `rack/cuda:0#2`, so that it is
    the same to a reader after a restart. A name is free again when its life has left."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def of(self, workers: Iterable[WorkerSeen]) -> dict[str, str]:
        """The name of each life that is there."""
        present = {worker.life: f"{worker.host}/{worker.device}" for worker in workers}
        self._of = {life: name for life, name in self._of.items() if life in present}
        for life, place in sorted(present.items()):
            if life not in self._of:
                taken = set(self._of.values())
                names = (place if number == 1 else f"{place}#{number}" for number in range(1, len(present) + 1))
                self._of[life] = next(name for name in names if name not in taken)
        return self._of
