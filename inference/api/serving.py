"""The door's server: no more connections than it can bear, none that says nothing for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from inference.api.application import ELSEWHERE, Answered, Bounds, Heard, application
from inference.api.house import House
from inference.queue.http_log import log_of_http

IDLE_SECONDS = 30.0  # also for headers that do not end
LINGER_SECONDS = 1.0  # for the rest of a body that was refused
CLOSING_SECONDS = 5.0


@asynccontextmanager
async def served(
    house: House, host: str, port: int, bounds: Bounds | None = None, heard: Heard | None = None
) -> AsyncIterator[int]:
    """Inside, the door is open at this address; the port it has, which the system chooses where 0 is given. `heard` is
    told of every request. On leaving, what is being answered has a moment to end. Raises OSError where the address
    cannot be had."""
    bounds = bounds or Bounds()
    runner = web.AppRunner(
        application(house, bounds, heard),
        access_log=None,
        logger=log_of_http(__name__),
        handler_cancellation=True,  # a client that has gone is heard of
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=CLOSING_SECONDS,
        auto_decompress=False,  # a small bomb becomes large before anybody can count
    )
    await runner.setup()
    try:
        server = runner.server
        assert server is not None

        def connected() -> asyncio.Protocol:
            if len(server.connections) < bounds.connections:
                return server()
            if heard is not None:
                heard(Answered(ELSEWHERE, 503, "too_many_connections", 0.0))
            return _Refused()

        listening = await asyncio.get_running_loop().create_server(connected, host, port, reuse_address=True)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()


class _Refused(asyncio.Protocol):
    """A connection more than there may be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        transport.close()
