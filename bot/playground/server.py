"""The server: three planes on one port, for this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.playground.botplane import BotPlane
from bot.playground.records import Bot
from bot.playground.request import MAX_BODY
from bot.playground.sim import SimPlane
from bot.playground.store import Store
from bot.playground.webhook import WebhookSender
from bot.playground.world import LOOPBACK, World

logger = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
        "frame-src https: http://localhost:* http://127.0.0.1:*; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class Playground:
    """A running playground. `url` has no slash at its end; `close()` ends all polls, webhooks and streams."""

    def __init__(self, world: World, strict: bool = False, known_as: Iterable[str] = ()) -> None:
        self.world = world
        self.names = LOOPBACK | {name.lower() for name in known_as}
        self.bots = BotPlane(world, strict)
        self.sim = SimPlane(world, self.bots)
        self.host = ""
        self.port = 0
        self.runner: web.AppRunner | None = None
        self.session: aiohttp.ClientSession | None = None
        self.senders: dict[int, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104 - what listens there is reached so
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self, host: str, port: int) -> None:
        app = web.Application(middlewares=[self._only_this_machine], client_max_size=MAX_BODY)
        app.add_routes([*self.bots.routes(), *self.sim.routes()])
        app.router.add_get("/", self._page)
        app.router.add_get("/{name:[a-zA-Z0-9_.-]+}", self._page)
        # Polls end with their clients; no access log, because it would show tokens.
        self.runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, host, port, reuse_address=True)
        await site.start()
        self.host, self.port = host, self.runner.addresses[0][1]
        self.session = aiohttp.ClientSession()
        self.world.on_webhook_change = self._watch_webhook
        for bot in self.world.bots.values():
            self._watch_webhook(bot)

    async def close(self) -> None:
        for sender in self.senders.values():
            sender.cancel()
        await asyncio.gather(*self.senders.values(), return_exceptions=True)
        self.sim.closing.set()
        for mailbox in self.world.mailboxes.values():
            mailbox.end_poll("the playground is closing")
        if self.runner is not None:
            await self.runner.cleanup()
        await self.bots.close()
        if self.session is not None:
            await self.session.close()
        self.world.store.close()

    def _watch_webhook(self, bot: Bot) -> None:
        running = self.senders.pop(bot.id, None)
        if running is not None:
            running.cancel()
        if bot.webhook is not None and self.session is not None:
            sender = WebhookSender(bot, self.world.mailboxes[bot.id], self.session, self.bots.answer)
            task = self.senders[bot.id] = asyncio.create_task(sender.run(bot.webhook))
            task.add_done_callback(_log_failure)

    @web.middleware
    async def _only_this_machine(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """No page of another site may drive the playground: not by its own name (DNS rebinding), not across origins."""
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.partition("://")[2] != request.host
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            # A person may follow a link to the page; nothing else crosses over.
            foreign = foreign or request.path != "/"
        if foreign or not self._is_ours(request.host):
            return web.json_response({"ok": False, "error": "for pages and programs of this machine only"}, status=403)
        return await handler(request)

    def _is_ours(self, host: str) -> bool:
        if self.world.allow_remote:
            return True
        with contextlib.suppress(ValueError):  # as of "["
            return urlsplit(f"//{host}").hostname in self.names
        return False

    async def _page(self, request: web.Request) -> web.StreamResponse:
        path = STATIC / request.match_info.get("name", "index.html")
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=PAGE_HEADERS)


def _log_failure(sender: asyncio.Task[None]) -> None:
    if not sender.cancelled() and (failure := sender.exception()) is not None:
        logger.error("the webhook sender stopped", exc_info=failure)


async def serve(
    host: str = "127.0.0.1",
    port: int = 8081,
    state_dir: Path | str | None = None,
    *,
    usernames: Mapping[int, str] | None = None,
    query_lifetime: float = 60.0,
    allow_remote: bool = False,
    known_as: Collection[str] = (),
    strict: bool = False,
) -> Playground:
    """Start a playground and return it; port 0 takes a free one.

    `state_dir` keeps chats, files and waiting updates over restarts. `usernames` names bots by id. `query_lifetime`:
    seconds in which a button press may be answered. A `host` that is not a loopback address raises ValueError unless
    `allow_remote`, which also drops the check of the Host header: the playground knows no passwords. With `known_as`,
    names beside those of this machine that it answers to, as between containers, it may listen anywhere and the check
    stays. `strict` refuses the fields of a call that the Bot API does not know and Telegram passes over.
    """
    if not allow_remote and not known_as and not is_loopback(host):
        raise ValueError(f"{host} can be reached from other machines; the playground has no passwords (allow_remote)")
    store = Store(Path(state_dir) if state_dir is not None else None)
    playground = Playground(World(store, usernames, query_lifetime, allow_remote), strict, known_as)
    try:
        await playground.start(host, port)
    except BaseException:
        await playground.close()
        raise
    return playground


def is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
