"""Pushes updates to a bot's webhook: at once, again after a refusal, in order within one chat."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp.web import HTTPRequestEntityTooLarge

from bot.playground.errors import ApiError
from bot.playground.mailbox import Mailbox, Update
from bot.playground.records import Bot, Webhook
from bot.playground.request import MAX_BODY, Upload, read_parts

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  the header's name
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0  # seconds between two attempts
ANSWER_WITHIN = 60.0

PerformReply = Callable[[Bot, str, dict[str, Any], dict[str, Upload]], Awaitable[Any]]


class WebhookSender:
    """Delivers one bot's updates until cancelled. `perform` runs a method the bot put into its answer."""

    def __init__(self, bot: Bot, mailbox: Mailbox, session: aiohttp.ClientSession, perform: PerformReply) -> None:
        self.bot = bot
        self.mailbox = mailbox
        self.session = session
        self.perform = perform
        self.busy: dict[str, asyncio.Task[None]] = {}  # one delivery at a time per chat

    async def run(self, hook: Webhook) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self.mailbox.arrived.clear()
                for update in [*self.mailbox.again, *self.mailbox.pending]:
                    if len(self.busy) >= hook.max_connections:
                        break
                    if update.queue not in self.busy:
                        if update in self.mailbox.again:
                            self.mailbox.again.remove(update)
                        self.busy[update.queue] = group.create_task(self._deliver(hook, update))
                await self.mailbox.arrived.wait()

    async def _deliver(self, hook: Webhook, update: Update) -> None:
        pause = FIRST_PAUSE
        try:
            while (refusal := await self._attempt(hook, update)) is not None:
                hook.last_error_date, hook.last_error_message = int(time.time()), refusal
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                if update not in self.mailbox.history:
                    return  # a reset forgot it
            self.mailbox.confirm(update)
        finally:
            del self.busy[update.queue]
            self.mailbox.arrived.set()

    async def _attempt(self, hook: Webhook, update: Update) -> str | None:
        """One POST; returns why it failed, or None."""
        headers = {SECRET_HEADER: hook.secret_token} if hook.secret_token else {}
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        self.mailbox.note_delivery(update)
        try:
            async with self.session.post(
                hook.url, json=update.as_json(), headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    return f"Wrong response from the webhook: {answer.status} {answer.reason}"
                method, fields, uploads = await _call_in(answer)
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientError as failure:
            return f"Connection failed: {failure}"
        if method:
            await self.perform(self.bot, method, fields, uploads)
        return None


async def _call_in(answer: aiohttp.ClientResponse) -> tuple[str | None, dict[str, Any], dict[str, Upload]]:
    """A bot may answer with a call (JSON or multipart) instead of making one; Telegram never tells it how that went."""
    fields: dict[str, Any] = {}
    uploads: dict[str, Upload] = {}
    if answer.content_type == "application/json":
        with contextlib.suppress(ValueError):
            parsed = json.loads(await answer.read() or b"null")
            fields = parsed if isinstance(parsed, dict) else {}
    elif answer.content_type.startswith("multipart/"):
        with contextlib.suppress(ValueError, ApiError, HTTPRequestEntityTooLarge):
            texts, files = await read_parts(aiohttp.MultipartReader(answer.headers, answer.content), MAX_BODY)
            fields, uploads = {**texts}, {name: parts[0] for name, parts in files.items()}
    method = fields.pop("method", None)
    return method if isinstance(method, str) else None, fields, uploads
