"""The routes of the studio's HTTP door that the tools need. What it refuses is told in its own words."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

MOST_ANSWER = 400_000_000  # bytes: ten pictures of 4096² as PNG, in base64
CONNECT_SECONDS, JOB_SECONDS = 10.0, 3600.0

Said = str | int | float


class DoorError(Exception):
    """Why there is no picture, in a sentence for whoever asked."""


@dataclass(frozen=True)
class Drawn:
    """A picture as it was drawn. `words` are those that it was drawn by."""

    png: bytes
    seed: int
    words: str


class Door:
    """State: connections that are kept open. To be used as a context."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=httpx2.Timeout(JOB_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,  # a proxy of the environment has no business between here and the studio
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def draw(self, key: str, fields: Mapping[str, Said | None]) -> list[Drawn]:
        """Pictures from words. Raises DoorError."""
        return _pictures(await self._ask(key, "POST", "/v1/images/generations", json=_said(fields)))

    async def from_pictures(
        self,
        key: str,
        route: str,
        fields: Mapping[str, Said | None],
        pictures: Sequence[bytes],
        mask: bytes | None = None,
    ) -> list[Drawn]:
        """What a route makes of pictures: edits, variations or upscales. Raises DoorError."""
        name = "image" if len(pictures) == 1 else "image[]"
        files = [(name, ("picture", content, "application/octet-stream")) for content in pictures]
        if mask is not None:
            files.append(("mask", ("mask", mask, "image/png")))
        data = {name: str(value) for name, value in _said(fields).items()}
        return _pictures(await self._ask(key, "POST", f"/v1/images/{route}", data=data, files=files))

    async def queue(self, key: str) -> dict[str, Any]:
        """The queue as the owner of the key may see it. Raises DoorError."""
        return await self._ask(key, "GET", "/v1/queue")

    async def _ask(self, key: str, method: str, route: str, **content: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with self._http.stream(method, route, headers=headers, **content) as response:
                body = await _bounded(response)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DoorError(
                f"The studio at {self._http.base_url} cannot be asked: {error or type(error).__name__}"
            ) from None
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise DoorError(f"What answers at {self._http.base_url} is no studio (status {response.status_code}).")
        if response.is_error:
            raise DoorError(_refusal(answer, response))
        return answer


async def _bounded(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_ANSWER:
            raise DoorError("The answer is larger than any picture.")
    return bytes(body)


def _said(fields: Mapping[str, Said | None]) -> dict[str, Said]:
    return {name: value for name, value in fields.items() if value is not None}


def _refusal(answer: dict[str, Any], response: httpx2.Response) -> str:
    error = answer.get("error")
    told = error.get("message") if isinstance(error, dict) else error
    words = str(told or f"The studio refuses with status {response.status_code}.")[:1000]
    wait = response.headers.get("Retry-After")
    return f"{words} Ask again in {wait} seconds." if wait is not None and wait.isdigit() else words


def _pictures(answer: dict[str, Any]) -> list[Drawn]:
    try:
        return [
            Drawn(base64.b64decode(one["b64_json"], validate=True), int(one["seed"]), str(one["revised_prompt"]))
            for one in answer["data"]
        ]
    except (KeyError, TypeError, ValueError):
        raise DoorError("The studio's answer cannot be read.") from None
