"""The studio as tools of a language model: the real client of the protocol, our program, and a bot's real door."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from PIL import Image
from typer.testing import CliRunner

from inference.__main__ import app
from inference.mcp.command import own_key
from inference.mcp.door import Door as HttpDoor
from inference.mcp.gallery import MOST_GIVEN, Gallery, Unknown, given
from inference.mcp.tools import described, server
from tests.bot.door.conftest import ANNA, BORIS, Door, opened, png
from tests.waiting import until

ROOT = Path(__file__).parents[3]
PROGRAM = ["-m", "inference", "mcp"]


def environment(**more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **more}


def over_stdio(door: Door, key: str) -> Client:
    told = environment(STUDIO_URL=door.url, STUDIO_API_KEY=key)
    return Client(StdioServerParameters(command=sys.executable, args=PROGRAM, env=told, cwd=ROOT))


@asynccontextmanager
async def served(door: Door) -> AsyncIterator[str]:
    """The program serving HTTP: its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *PROGRAM, "--port", "0", "--url", door.url),
        env=environment(),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/mcp", said)):
            line = (await process.stderr.readline()).decode()
            assert line, said
            said += line
        yield found[0]
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def over_http(url: str, key: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> tuple[list[Any], str]:
    """The pictures that a tool answers with, and its words. Raises AssertionError where it refuses."""
    result = await client.call_tool(tool, arguments)
    words = "\n".join(part.text for part in result.content if part.type == "text")
    assert not result.is_error, words
    images = [opened(base64.b64decode(part.data)) for part in result.content if part.type == "image"]
    return images, words


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return "\n".join(part.text for part in result.content if part.type == "text")


def names(words: str) -> list[str]:
    return re.findall(r"^([0-9a-f]{12}): ", words, re.MULTILINE)


async def test_a_language_model_draws_and_goes_on_with_what_it_has_drawn(door: Door) -> None:
    async with over_stdio(door, door.keys[ANNA]) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == {"draw", "vary", "edit", "upscale", "queue"}
        assert "ctx" not in str(listed["draw"].input_schema)

        images, words = await call(client, "draw", prompt="a fox in the forest", n=2, seed=7)
        first, second = names(words)
        assert len(images) == 2 and first != second
        assert "seed 7" in words and "a fox in the forest" in words

        original = (await client.read_resource(f"studio://pictures/{first}")).contents[0]
        drawn = base64.b64decode(original.blob)
        assert hashlib.sha256(drawn).hexdigest().startswith(first)
        assert opened(drawn).format == "PNG"

        varied, _ = await call(client, "vary", picture=first)
        assert len(varied) == 1
        _, mixed = await call(client, "edit", prompt="in winter", pictures=[first, second])
        assert "in winter" in mixed
        enlarged, words = await call(client, "upscale", picture=first, factor=2)
        assert len(enlarged) == 1 and len(names(words)) == 1
        own = base64.b64encode(png()).decode()
        _, edited = await call(
            client, "edit", prompt="a red hat", pictures=[f"data:image/png;base64,{own}"], strength=0.5
        )
        assert len(names(edited)) == 1
        repainted, words = await call(client, "edit", prompt="a straw hat", pictures=[own], mask=half_transparent())
        assert len(repainted) == 1 and "a straw hat" in words


def half_transparent() -> str:
    mask = Image.new("RGBA", (128, 96), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 64, 96))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def test_the_queue_tells_ones_own_place_and_a_call_that_is_given_up_is_cancelled(door: Door) -> None:
    door.hold("fox")
    async with over_stdio(door, door.keys[ANNA]) as client:
        drawing = asyncio.create_task(client.call_tool("draw", {"prompt": "a held fox"}))
        (job,) = await door.holding("fox")
        _, words = await call(client, "queue")
        assert f"Yours, job {job.id}: being drawn" in words
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        await until(lambda: no_jobs(door))


async def no_jobs(door: Door) -> bool:
    return not [job for job in await door.jobs() if job.state != "stopping"]


@asynccontextmanager
async def within(door: Door, key: str) -> AsyncIterator[Client]:
    """The tools in this process."""
    async with HttpDoor(door.url) as routes, Client(server(routes, lambda ctx: key)) as client:
        yield client


async def test_what_the_studio_refuses_is_told_in_its_words(door: Door) -> None:
    async with within(door, door.keys[ANNA]) as client:
        assert "style" in await refused(client, "draw", prompt="a fox", style="no such style")
        assert "base64" in await refused(client, "vary", picture="0123456789ab")
        assert "20 MB" in await refused(client, "vary", picture="A" * (MOST_GIVEN * 4 // 3 + 201))
        with pytest.raises(MCPError):
            await client.read_resource("studio://pictures/0123456789ab")
    async with within(door, "ks-00000000-" + "x" * 43) as stranger:
        assert "key" in await refused(stranger, "draw", prompt="a fox")
    async with HttpDoor("http://127.0.0.1:9") as nowhere, Client(server(nowhere, lambda ctx: "ks")) as client:
        assert "cannot be asked" in await refused(client, "draw", prompt="a fox")


async def test_over_http_each_caller_draws_with_their_own_key_and_sees_their_own_pictures(door: Door) -> None:
    async with served(door) as url:
        async with over_http(url, door.keys[ANNA]) as anna, over_http(url, door.keys[BORIS]) as boris:
            _, words = await call(anna, "draw", prompt="a cat of Anna's")
            (name,) = names(words)
            await call(boris, "draw", prompt="a dog of Boris's")
            await call(anna, "vary", picture=name)
            assert "base64" in await refused(boris, "vary", picture=name)
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.post(url, json={})).status_code == 401
            keyed = {"Authorization": f"Bearer {door.keys[ANNA]}"}
            elsewhere = await http.post(url, json={}, headers={**keyed, "Host": "studio.example.org"})
            assert elsewhere.status_code == 421
            page = await http.post(url, json={}, headers={**keyed, "Origin": "https://evil.example.org"})
            assert page.status_code == 403


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "set STUDIO_API_KEY"),
        ({"STUDIO_API_KEY": "two words"}, "set STUDIO_API_KEY"),
        ({"STUDIO_API_KEY_FILE": "/nowhere"}, "/nowhere cannot be read"),
    ],
)
def test_without_a_key_it_says_so_in_one_line(told: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STUDIO_API_KEY", "STUDIO_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    ended = CliRunner().invoke(app, ["mcp"], env=told)
    assert ended.exit_code == 2
    assert said in ended.stderr and ended.stderr.count("\n") == 1


def test_a_key_of_a_file_is_taken_and_one_of_the_environment_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("ks-of-a-file\n")
    monkeypatch.setenv("STUDIO_API_KEY", "ks-of-the-environment")
    assert own_key() == "ks-of-the-environment"
    assert "STUDIO_API_KEY" not in os.environ
    monkeypatch.setenv("STUDIO_API_KEY_FILE", str(tmp_path / "key"))
    assert own_key() == "ks-of-a-file"


def test_pictures_are_kept_by_person_and_only_so_many() -> None:
    gallery = Gallery(most_of_one=2, most_bytes=1000)
    first, second, third = (gallery.keep("anna", bytes([number]) * 200) for number in range(3))
    with pytest.raises(Unknown):
        gallery.take("anna", first)
    assert gallery.take("anna", second) == b"\1" * 200
    with pytest.raises(Unknown):
        gallery.take("boris", third)
    for number in range(4):
        gallery.keep("boris" if number % 2 else "carla", bytes([9 + number]) * 300)
    with pytest.raises(Unknown):
        gallery.take("anna", third)


@pytest.mark.parametrize(
    "said", ["", "fox", "data:image/png;base64,", "data:text/html;base64," + "QUJD" * 40, "%" * 200]
)
def test_what_is_no_picture_is_refused(said: str) -> None:
    with pytest.raises(Unknown):
        given(said)


def test_a_queue_in_which_nothing_is_ready_says_so() -> None:
    own = [{"job": 3, "place": 2, "eta_seconds": 61.4}, {"job": 2, "place": None, "eta_seconds": None}]
    said = described({"ready": False, "waiting": 2, "running": 1, "own": own})
    assert said == (
        "Nothing is being drawn now: no engine is ready. 2 waiting, 1 being drawn. "
        "Yours, job 3: place 2, about 61 s. Yours, job 2: being drawn."
    )
