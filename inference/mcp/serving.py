"""The tools over either transport."""

from __future__ import annotations

import socket
import sys
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from inference.mcp.door import Door
from inference.mcp.tools import server

MOST_BODY = 64_000_000  # bytes of a call, pictures in base64 included


def serve_stdio(url: str, key: str) -> None:
    """Answers on standard output what comes on standard input, until that ends."""

    async def serving() -> None:
        async with Door(url) as door:
            await server(door, lambda ctx: key).run_stdio_async()

    anyio.run(serving)


def serve_http(url: str, listener: socket.socket) -> None:
    """Answers on a socket of this machine until SIGTERM or SIGINT. Every caller brings a key of their own, and the
    server has none."""
    port = listener.getsockname()[1]

    async def serving() -> None:
        async with Door(url) as door:
            app = server(door, key_of_caller).streamable_http_app(
                stateless_http=True,  # so that nobody speaks in another's session
                max_request_body_size=MOST_BODY,
                transport_security=TransportSecuritySettings(
                    allowed_hosts=[f"127.0.0.1:{port}", f"localhost:{port}"],
                    allowed_origins=[f"http://127.0.0.1:{port}", f"http://localhost:{port}"],
                ),
            )
            config = uvicorn.Config(Keyed(app), log_level="warning", access_log=False)
            print(f"MCP at http://127.0.0.1:{port}/mcp", file=sys.stderr, flush=True)
            await uvicorn.Server(config).serve(sockets=[listener])

    anyio.run(serving)


class Keyed:
    """Turns away whoever brings no key, before anything is read of what they say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and bearer(Headers(scope=scope).get("authorization")) is None:
            refusal = PlainTextResponse(
                "Send your key of the studio as a Bearer token.", 401, {"WWW-Authenticate": "Bearer"}
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def key_of_caller(ctx: Context[Any, Any]) -> str:
    """The key in the headers of a call. Raises ToolError."""
    key = bearer((ctx.headers or {}).get("authorization"))
    if key is None:
        raise ToolError("Send your key of the studio as a Bearer token.")
    return key


def bearer(header: str | None) -> str | None:
    """The key of an Authorization header; None where there is none."""
    kind, _space, key = (header or "").partition(" ")
    key = key.strip()
    return key if kind.lower() == "bearer" and key and key.isascii() and len(key) <= 256 else None
