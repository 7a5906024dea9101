"""A worker of a stage's own, as `python -m inference worker` is one, with an engine that only sleeps. CLOCK_SECONDS of
the environment is how far its clock is off, PROTOCOL what it says it speaks."""

from __future__ import annotations

import argparse
import asyncio
import os
import time

from inference.queue.logs import log_as
from inference.queue.options import WorkerOptions
from inference.queue.transport.redis.offer import PROTOCOL, Offer
from inference.worker.remote import serve_queue


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("--presence", type=float, required=True)
    parser.add_argument("--worker", type=WorkerOptions.model_validate_json, required=True)
    told = parser.parse_args()
    right, off = time.time, float(os.environ.get("CLOCK_SECONDS", "0"))
    time.time = lambda: right() + off
    Offer.model_fields["protocol"].default = int(os.environ.get("PROTOCOL", PROTOCOL))
    Offer.model_rebuild(force=True)
    log_as("worker", "INFO")
    asyncio.run(serve_queue(told.queue, told.worker, presence_seconds=told.presence))


if __name__ == "__main__":
    main()
