"""What is so at the moment: read when somebody asks, and told as gauges and as counters that others keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inference.queue.figures import WorkerSeen
from inference.queue.jobs import LIVING


@dataclass(frozen=True, slots=True)
class Moment:
    """A look at a studio. `jobs` counts those that have not ended, by state and door; what could not be read is
    None."""

    leads: bool = False
    jobs: Mapping[tuple[str, str], int] | None = None
    oldest_seconds: float | None = None
    slots: int = 0
    trouble: str | None = None
    outbox: int = 0
    disk: tuple[int, int] | None = None
    database_seconds: float | None = None
    workers: tuple[WorkerSeen, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


DOORS = ("chat", "api")
TROUBLES = ("engine", "queue", "ledger", "store")


class Gauges(Collector):
    """Tells the moment that was looked at last."""

    def __init__(self) -> None:
        self.moment = Moment()

    def collect(self) -> Iterator[Metric]:
        now = self.moment
        yield _gauge("studio_leads", "Whether this bot leads, or stands by", [((), float(now.leads))])
        yield from _queue(now)
        yield from _workers(now)
        yield _gauge("studio_outbox_waiting", "Calls to Telegram that wait for their turn", [((), now.outbox)])
        free, total = now.disk or (None, None)
        yield _gauge("studio_disk_free_bytes", "Free bytes of the disk under DATA_DIR", [((), free)])
        yield _gauge("studio_disk_total_bytes", "All bytes of that disk", [((), total)])
        yield _gauge(
            "studio_database_seconds", "How long the database took to count the jobs", [((), now.database_seconds)]
        )


Samples = Iterable[tuple[tuple[str, ...], float | None]]


def _gauge(name: str, words: str, samples: Samples, labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    _fill(family, samples)
    return family


def _counter(name: str, words: str, samples: Samples, labels: tuple[str, ...]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    _fill(family, samples)
    return family


def _fill(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> None:
    for values, number in samples:
        if number is not None:
            family.add_metric(values, number)


def _queue(now: Moment) -> Iterator[Metric]:
    jobs = now.jobs
    places = [(state, door) for state in LIVING for door in DOORS]
    counts: Samples = () if jobs is None else [(place, jobs.get(place, 0)) for place in places]
    yield _gauge("studio_jobs", "Jobs that have not ended", counts, ("state", "door"))
    yield _gauge(
        "studio_oldest_waiting_seconds", "How long the job has waited that waits longest", [((), now.oldest_seconds)]
    )
    yield _gauge("studio_slots", "Jobs that the live workers take at a time", [((), now.slots)])
    troubles: Samples = [((cause,), float(now.trouble == cause)) for cause in TROUBLES]
    yield _gauge("studio_trouble", "What keeps the whole queue from going on", troubles, ("cause",))


def _workers(now: Moment) -> Iterator[Metric]:
    at_work = [worker for worker in now.workers if not worker.refused]
    versions = sorted({worker.version for worker in at_work})
    by_version: Samples = [((version,), sum(worker.version == version for worker in at_work)) for version in versions]
    yield _gauge("studio_workers", "Workers that are there", by_version, ("version",))
    refused = sum(bool(worker.refused) for worker in now.workers)
    yield _gauge("studio_workers_refused", "Workers that are left out", [((), refused)])

    def each(number: str) -> Samples:
        return [((now.names[worker.life],), getattr(worker, number)) for worker in at_work]

    def counted(number: str) -> Samples:
        told = ((now.names[worker.life], worker.figures) for worker in at_work)
        return [((name,), getattr(figures, number)) for name, figures in told if figures is not None]

    label = ("worker",)
    yield _gauge("studio_worker_slots", "Jobs that a worker takes at a time", each("slots"), label)
    yield _gauge("studio_worker_jobs", "Jobs that are at a worker", each("jobs"), label)
    yield _gauge("studio_worker_memory_bytes", "Memory of its device in use", counted("memory_used"), label)
    yield _gauge("studio_worker_memory_total_bytes", "Memory that its device has", counted("memory_total"), label)
    yield _counter("studio_worker_steps", "Steps of jobs that its engine has taken", counted("steps"), label)
    yield _counter("studio_worker_passes", "Passes of heavy nets for them", counted("passes"), label)
    yield _counter("studio_worker_busy_seconds", "Seconds in which it had work", counted("busy_seconds"), label)
    yield _counter("studio_worker_restarts", "Engines and local workers that died", counted("restarts"), label)
    nets: Samples = [
        ((now.names[worker.life], net), 1.0)
        for worker in at_work
        if worker.figures is not None
        for net in worker.figures.nets
    ]
    yield _gauge("studio_worker_net_loaded", "A net on its device", nets, ("worker", "net"))
