"""Every figure of the bot's own, by name: what is counted as it happens. docs/metrics.md tells what each means."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

from bot.troubles import OWNERS_CAUSES
from inference.requests.registry import REQUESTS

OUTCOMES = ("done", "failed", "dead", "cancelled")
RERUNS = ("engine_crashed", "engine_hung", "worker_gone", "drained", "retry")
CRASHES = ("engine_crashed", "engine_hung")
PARTS = ("database", "disk", "jobs")

_HANDLING = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WAITING = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_DRAWING = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600)
_LAGGING = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ANSWERING = (0.01, 0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_PATIENCE = (1, 2, 5, 10, 20, 30, 60, 120, 300)


class Counted:
    """The figures that grow as things happen. What alerts look for is there from the start, as zeros: an increase is
    not seen of what has only just appeared."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each of a hundred series began
        ProcessCollector(registry=registry)
        self.updates = Counter("studio_updates", "Updates that were given to handlers", ["type"], registry=registry)
        self.handling = Histogram(
            "studio_handler_seconds", "From a handler's begin to its end", buckets=_HANDLING, registry=registry
        )
        self.calls = Counter(
            "studio_telegram_calls", "Calls to Telegram, each try", ["method", "outcome"], registry=registry
        )
        self.retry_after = Histogram(
            "studio_telegram_retry_after_seconds",
            "How long Telegram has told us to wait",
            buckets=_PATIENCE,
            registry=registry,
        )
        self.lag = Histogram(
            "studio_event_loop_lag_seconds",
            "How much later than asked for the loop comes round",
            buckets=_LAGGING,
            registry=registry,
        )
        self.finished = Counter("studio_jobs_finished", "Jobs that have ended", ["kind", "outcome"], registry=registry)
        self.wait = Histogram(
            "studio_wait_seconds", "From the queue to the last start", ["kind"], buckets=_WAITING, registry=registry
        )
        self.draw = Histogram(
            "studio_draw_seconds", "From the last start to the end", ["kind"], buckets=_DRAWING, registry=registry
        )
        self.reruns = Counter(
            "studio_reruns", "Runs that have ended without an end of their job", ["cause"], registry=registry
        )
        self.crashes = Counter("studio_crashes", "Runs that an engine has ended with", registry=registry)
        self.requests = Counter("studio_api_requests", "Requests of programs", ["route", "status"], registry=registry)
        self.refusals = Counter("studio_api_refusals", "Those that were refused", ["code"], registry=registry)
        self.answering = Histogram(
            "studio_api_seconds", "From a request to its answer", ["route"], buckets=_ANSWERING, registry=registry
        )
        self.notices = Counter("studio_notices", "What the owner was to be told", ["cause"], registry=registry)
        self.unread = Counter(
            "studio_scrape_failures", "What could not be read when somebody asked", ["part"], registry=registry
        )
        for kind in REQUESTS:
            for outcome in OUTCOMES:
                self.finished.labels(kind, outcome)
        for cause in RERUNS:
            self.reruns.labels(cause)
        for of_owners in OWNERS_CAUSES:
            self.notices.labels(of_owners)
        for part in PARTS:
            self.unread.labels(part)
        self.calls.labels("sendMessage", "flood")
        self.refusals.labels("internal")
