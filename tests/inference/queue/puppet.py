"""A worker on a Redis server that says what a test has it say, and draws nothing."""

from __future__ import annotations

import json
from typing import Any

from inference.queue.transport import JobEvent, JobReport
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.offer import Offer
from inference.queue.wire import DownMessage, Hello, Report, decode_down, encode
from tests.waiting import until


class Puppet:
    """One life. Its `beat` counts by itself, or stands still where a test says so."""

    def __init__(self, server: Any, number: int) -> None:
        self.server = server
        self.life = keys.new_life(number)
        self.offer = Offer(code_version="test", host="puppet", device="cpu", beat=0, slots=2)
        self.heard: list[DownMessage] = []

    async def beat(self, *, px: int = 60_000, **changed: Any) -> None:
        """Offers anew, and has the bot look at it."""
        self.offer = self.offer.model_copy(update={"beat": self.offer.beat + 1, **changed})
        await self.server.sadd(keys.WORKERS, self.life)
        await self.server.set(keys.offer_of(self.life), self.offer.model_dump_json(), px=px)
        await self.say(encode(Hello(slots=self.offer.slots, pid=1)))

    async def offers(self, content: Any) -> None:
        """Offers what a worker of another version, or nobody, would."""
        await self.server.set(keys.offer_of(self.life), json.dumps(content))

    async def report(self, job_id: int, event: JobEvent) -> None:
        await self.say(encode(Report(report=JobReport(job_id=job_id, event=event))))

    async def report_raw(self, job_id: Any, event: Any) -> None:
        """A report as a worker of another version, or nobody's, would make it."""
        await self.say(json.dumps({"type": "report", "report": {"job_id": job_id, "event": event}}).encode())

    async def say(self, line: bytes) -> None:
        await self.server.xadd(keys.UP, {"life": self.life, "line": line})

    async def orders(self) -> list[DownMessage]:
        """All it has been told up to now."""
        for number, fields in await self.server.xrange(keys.inbox_of(self.life)):
            self.heard.append(decode_down(fields[b"line"]))
            await self.server.xdel(keys.inbox_of(self.life), number)
        return self.heard

    async def told(self, message: DownMessage) -> None:
        async def there() -> bool:
            return message in await self.orders()

        await until(there)
