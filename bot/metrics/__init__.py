"""Figures of a running studio for Prometheus, where METRICS_PORT is set; nothing of this room is imported otherwise.

What happens is counted where it passes anyway: in the middlewares of updates and of calls to Telegram, and by the
dispatcher's listeners. What is so is read when somebody asks. No label is a user, a chat, a job or a prompt, and none
takes a value that a stranger could make up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from bot.metrics.figures import Figures


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Figures | None]:
    """Inside, figures are kept and served; None where nobody will ask for them. Raises SettingsError."""
    if settings.metrics_port is None:
        yield None
        return
    from bot.metrics.door import metrics_door

    async with metrics_door(settings.metrics_host, settings.metrics_port) as figures:
        yield figures
