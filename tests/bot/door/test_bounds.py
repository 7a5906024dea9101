"""Clients that mean no good, or do not know what they do: bodies, connections and answers have bounds."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import pytest

from inference.api.application import Bounds
from inference.api.bodies import MOST_BODY, MOST_FILES, MOST_PARTS
from tests.bot.door.conftest import ANNA, Door, png
from tests.waiting import until

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"


async def told(door: Door, path: str, data: Any, **headers: str) -> tuple[int, str]:
    async with door.asking("POST", path, data=data, headers=headers) as response:
        return response.status, (await response.json())["error"]["code"]


def form(**fields: Any) -> aiohttp.FormData:
    made = aiohttp.FormData()
    for name, value in fields.items():
        if isinstance(value, bytes):
            made.add_field(name, value, filename="a.png")
        else:
            made.add_field(name, value)
    return made


async def test_bodies_that_are_none_are_refused_before_anything_is_made_of_them(door: Door) -> None:
    json = {"Content-Type": "application/json"}
    for body in (b"", b"nonsense", b"[1]", b'{"prompt": NaN}', b"[" * 100_000, b'{"prompt": "\xff"}'):
        assert (await told(door, GENERATIONS, body, **json))[0] == 400, body[:20]
    assert await told(door, GENERATIONS, b'{"prompt": "\\ud800"}', **json) == (400, "invalid_value")
    assert (await told(door, GENERATIONS, b"{}", **{"Content-Type": "text/plain"}))[0] == 415
    assert (await told(door, GENERATIONS, b"x", **json, **{"Content-Encoding": "gzip"}))[0] == 415
    assert await told(door, GENERATIONS, b" " * 1_000_001, **json) == (413, "body_too_large")
    disposition = b"--x\r\nContent-Disposition: form-data; name="
    unreadable = disposition + b'"\x16"\r\n\r\ncat\r\n--x--\r\n'
    for body in (b"", b"--x\r\n", disposition + b"prompt\r\n\r\ncat", unreadable):
        status, code = await told(door, EDITS, body, **{"Content-Type": "multipart/form-data; boundary=x"})
        assert status == 400, (body, code)
    assert (await told(door, EDITS, form(prompt="cat"), **{"Content-Type": "multipart/form-data"}))[0] == 415
    assert await told(door, EDITS, form(prompt="cat", image=b"no picture")) == (400, "picture_not_an_image")
    assert await told(door, EDITS, form(prompt="cat", other=png())) == (400, "unknown_parameter")
    assert await told(door, EDITS, form(prompt="cat", image="words", mask=png())) == (400, "unknown_parameter")
    for factor in ("²", "٣", "9" * 5000, "x"):
        status, code = await told(door, "/v1/images/upscales", form(factor=factor, image=png()))
        assert (status, code) == (400, "invalid_value"), factor[:9]
    many = aiohttp.FormData()
    for _part in range(MOST_FILES + 1):
        many.add_field("image[]", png(), filename="a.png")
    assert await told(door, EDITS, many) == (400, "too_many_files")
    parts = form(**{f"field{number}": "x" for number in range(MOST_PARTS + 1)}, image=png())
    assert await told(door, EDITS, parts) == (400, "too_many_parts")
    assert not list((door.house.folder / "incoming-api").iterdir()), "nothing is left of what came"
    assert await door.jobs() == []


class Endless(io.RawIOBase):
    """A file of more bytes than a body may have, none of which is in memory."""

    def __init__(self) -> None:
        self.sent = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), MOST_BODY + 200_000 - self.sent)
        self.sent += size
        return size


async def test_a_body_larger_than_any_is_not_read_to_its_end(door: Door) -> None:
    length = {"Content-Length": str(MOST_BODY + 1), "Content-Type": "multipart/form-data; boundary=x"}
    reader, writer = await asyncio.open_connection("127.0.0.1", door.house.studio.api_port)
    lines = [f"POST {EDITS} HTTP/1.1", "Host: x", f"Authorization: Bearer {door.keys[ANNA]}"]
    lines += [f"{name}: {value}" for name, value in length.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 413 " in await reader.readline(), "by what it says of itself"
    writer.close()
    made = aiohttp.FormData()
    made.add_field("prompt", "cat")
    made.add_field("image", io.BufferedReader(Endless()), filename="a.png")
    try:
        status, code = await told(door, EDITS, made)
        assert (status, code) == (413, "body_too_large"), "by what came"
    except aiohttp.ClientError:  # the answer may be overtaken by the end of the connection
        pass
    assert not list((door.house.folder / "incoming-api").iterdir())


async def test_requests_of_one_person_that_are_open_are_counted(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.hold("held")
    most = Bounds().of_one
    json = {"json": {"prompt": "held red"}, "headers": {"Idempotency-Key": "same"}}
    open_ = [asyncio.create_task(status_of(door, json)) for _request in range(most)]
    await door.holding("held")
    await until(lambda: refused_for_number(door))
    door.release()
    assert await asyncio.gather(*open_) == [200] * most
    async with door.asking("GET", "/v1/models") as response:
        assert response.status == 200


async def status_of(door: Door, more: dict[str, Any]) -> int:
    async with door.asking("POST", GENERATIONS, **more) as response:
        return response.status


async def refused_for_number(door: Door) -> bool:
    async with door.asking("GET", "/v1/models") as response:
        return response.status == 429 and (await response.json())["error"]["code"] == "too_many_requests"


async def test_no_more_connections_than_there_may_be(door: Door) -> None:
    port, writers = door.house.studio.api_port, []
    for _number in range(Bounds().connections):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
    refused: list[bytes] = []

    async def full() -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        refused.append(await reader.readline())
        writer.close()
        return b" 503 " in refused[-1]

    await until(full)
    for writer in writers:
        writer.close()
    await until(lambda: is_open(door))


async def is_open(door: Door) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{door.url}/health") as response:
        return response.status == 200
