"""An order told as it goes on: server-sent events with previews, then every picture.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from inference.api.errors import REFUSED, ApiError
from inference.api.house import Drawn, Order
from inference.queue.logs import of_job
from inference.requests import Progress

log = logging.getLogger(__name__)

READ_SECONDS = 60.0  # a client may take to read one event
PING_SECONDS = 15.0  # a stream that says nothing for long is cut by proxies

Each = Callable[[Drawn], Awaitable[list[dict[str, Any]]]]


async def streamed(request: web.Request, order: Order, partials: int, events: str, each: Each) -> web.StreamResponse:
    """Answers with a stream: so many previews at most, evenly over the work, then one event a picture. What goes wrong
    on the way is the last event, called "error"."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",
            "x-job-id": str(order.job),
        }
    )
    await response.prepare(request)
    async with _pinged(response):
        try:
            number = 0
            async for progress in _shown(order, partials):
                await _say(response, f"{events}.partial_image", _partial(progress, number))
                number += 1
            for picture in await each(await order.drawn()):
                await _say(response, f"{events}.completed", picture)
        except ApiError as error:
            request[REFUSED] = error.code
            await _say(response, "error", error.body())
        except (TimeoutError, ConnectionError):
            raise ConnectionResetError from None  # nobody reads it
        except Exception:  # the answer has begun: no other can be given
            log.exception("the stream of job %d", order.job, extra=of_job(order.job))
            broken = ApiError(500, "internal", "Something went wrong here.")
            request[REFUSED] = broken.code
            await _say(response, "error", broken.body())
    await response.write_eof()
    return response


async def _shown(order: Order, partials: int) -> AsyncIterator[Progress]:
    """Previews, the first of those that come after each of as many parts of the work."""
    shown = 0
    async for progress in order.progress():
        if shown < partials and progress.preview and progress.step * (partials + 1) >= shown * max(1, progress.of):
            shown += 1
            yield progress


def _partial(progress: Progress, number: int) -> dict[str, Any]:
    preview = base64.b64encode(progress.preview or b"").decode()
    return {"b64_json": preview, "partial_image_index": number, "output_format": "jpeg", "background": "opaque"}


async def _say(response: web.StreamResponse, event: str, told: dict[str, Any]) -> None:
    body = json.dumps({"type": event, **told}, ensure_ascii=False)
    async with asyncio.timeout(READ_SECONDS):
        await response.write(f"event: {event}\ndata: {body}\n\n".encode("utf-8", "replace"))


@contextlib.asynccontextmanager
async def _pinged(response: web.StreamResponse) -> AsyncIterator[None]:
    """Keeps a stream alive with comments while there is nothing to tell."""

    async def ping() -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await response.write(b": still at it\n\n")

    pinging = asyncio.create_task(ping())
    try:
        yield
    finally:
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)
