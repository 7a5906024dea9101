"""`python -m bot.playground`: run the playground alone."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from bot.playground.server import serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.playground", description="A local Telegram for any bot.")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8081, help="default 8081; 0 takes a free one")
    parser.add_argument("--state", type=Path, default=None, help="folder that keeps chats and files over restarts")
    parser.add_argument("--allow-remote", action="store_true", help="listen on other interfaces too; no passwords!")
    parser.add_argument(
        "--known-as",
        action="append",
        default=[],
        metavar="NAME",
        help="answer to this host name too; as of a container",
    )
    parser.add_argument("--strict", action="store_true", help="refuse fields of calls that the Bot API does not know")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    playground = await serve(
        options.host,
        options.port,
        options.state,
        allow_remote=options.allow_remote,
        known_as=options.known_as,
        strict=options.strict,
    )
    print(f"Chat page  {playground.url}/\nBot API    {playground.url}/bot<token>/<method>", flush=True)
    try:
        await stop.wait()
    finally:
        await playground.close()


def main() -> None:
    try:
        asyncio.run(run(arguments()))
    except (ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
