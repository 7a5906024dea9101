"""Updates by webhook: an HTTP server on the loopback interface, behind whatever terminates TLS."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from aiogram import Bot
from aiohttp import web

from bot.telegram.inbox import Inbox, NotWritten
from bot.telegram.updates import MAX_UPDATE_BYTES, id_in, id_of, log_odd
from inference.queue.http_log import log_of_http

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
BODY_SECONDS = 10.0
ROOM_SECONDS = 20.0
IDLE_SECONDS = 75.0


async def serve_webhook(
    bot: Bot,
    inbox: Inbox,
    stop: asyncio.Event,
    *,
    url: str,
    secret: str,
    host: str,
    port: int,
    allowed_updates: Sequence[str],
) -> None:
    """Brings updates posted to the path of `url` into an open inbox until `stop` is set.

    One is answered with 200 when it is written down, and with 503 while that cannot be done, so that Telegram brings
    it again. Nothing is read before the secret is right (else 401). `GET /health` answers 200. The webhook stays set:
    updates wait for the next start.
    """
    door = Door(inbox, secret)
    application = web.Application()
    application.router.add_post(urlsplit(url).path, door.answer)
    application.router.add_get("/health", _health)
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=log_of_http(__name__),
        shutdown_timeout=BODY_SECONDS,
        keepalive_timeout=IDLE_SECONDS,  # also for headers that do not end
        auto_decompress=False,  # Telegram compresses nothing; a small bomb becomes large before anybody can count
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await bot.set_webhook(url, secret_token=secret, allowed_updates=list(allowed_updates))
        served = ", ".join(f"{address[0]}:{address[1]}" for address in runner.addresses)
        log.info("webhook %s, served on %s", url, served)
        await stop.wait()
    finally:
        await runner.cleanup()


class Door:
    """Lets updates in, each once, and nobody who does not know the secret."""

    def __init__(self, inbox: Inbox, secret: str, *, body_seconds: float = BODY_SECONDS) -> None:
        self._inbox = inbox
        self._secret = secret.encode()
        self._body_seconds = body_seconds

    async def answer(self, request: web.Request) -> web.Response:
        if not hmac.compare_digest(_bytes(request.headers.get(SECRET_HEADER, "")), self._secret):
            return _closing(HTTPStatus.UNAUTHORIZED)
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            return _closing(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if (request.content_length or 0) > MAX_UPDATE_BYTES:
            return _closing(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(request)
        except TimeoutError:
            return _closing(HTTPStatus.REQUEST_TIMEOUT)
        except (web.RequestPayloadError, ConnectionError):
            return _closing(HTTPStatus.BAD_REQUEST)
        if body is None:
            return _closing(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return web.Response(status=await self._taken_in(body))

    async def _taken_in(self, body: bytes) -> HTTPStatus:
        try:
            raw = json.loads(body.decode())
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        except RecursionError:
            log_odd(id_in(body.decode()), "nested too deep", body.decode())
            return HTTPStatus.OK
        if id_of(raw) is None:
            return HTTPStatus.BAD_REQUEST
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                await self._inbox.receive([raw])
        except (NotWritten, TimeoutError):
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK


async def _read(request: web.Request) -> bytes | None:
    """The body; None where it is larger than any update."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_UPDATE_BYTES:
            return None
    return bytes(body)


def _closing(status: HTTPStatus) -> web.Response:
    """A refusal after which the connection ends, so that nobody need read what else is sent."""
    response = web.Response(status=status)
    response.force_close()
    return response


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")


async def _health(_request: web.Request) -> web.Response:
    return web.Response(text="ok")
