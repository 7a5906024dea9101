from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator

import pytest
from aiogram.client.session.aiohttp import AiohttpSession


@pytest.fixture(scope="session", autouse=True)
def no_tls() -> Iterator[None]:
    """No test speaks TLS: the world's certificates, which take 30 ms to read, are read once and not for every Bot, and
    no Bot that closes waits a quarter of a second for connections of that kind."""

    async def close(session: AiohttpSession) -> None:
        if session._session is not None:
            await session._session.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        patch.setattr(AiohttpSession, "close", close)
        yield
