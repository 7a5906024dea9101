"""How the bot of this machine is, asked from outside: at its door where updates are brought, else by its sign of life.

One that stands by while another leads is alive and not ready.
"""

from __future__ import annotations

import http.client
import ipaddress
from contextlib import suppress
from http import HTTPStatus

from bot.settings import Settings
from inference.queue.health import Health, look

SILENT_SECONDS = 90.0  # more than two polls in a row take to fail; polling itself would bring all of aiogram along
ANSWER_SECONDS = 5.0
MOST_BYTES = 200


def health_of(settings: Settings) -> Health:
    """Asks `GET /health` where WEBHOOK_URL is set, and looks how old the last answer to getUpdates is where not."""
    if settings.webhook_url is None:
        return look(settings.health_file, SILENT_SECONDS)
    return _at_the_door(_reachable(settings.webhook_host), settings.webhook_port)


def _at_the_door(host: str, port: int) -> Health:
    door = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        door.request("GET", "/health")
        answer = door.getresponse()
        words = " ".join(answer.read(MOST_BYTES).decode("utf-8", "replace").split())
    except (OSError, http.client.HTTPException) as failure:
        return Health(
            alive=False, ready=False, words=f"no answer at {host}:{port}: {failure or type(failure).__name__}"
        )
    finally:
        door.close()
    ready = answer.status == HTTPStatus.OK
    alive = ready or answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    return Health(alive=alive, ready=ready, words=f"{answer.status} {words}")


def _reachable(host: str) -> str:
    """Where one knocks to reach who listens there: "all addresses" is none."""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            return "127.0.0.1" if address.version == 4 else "::1"
    return host
