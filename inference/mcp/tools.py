"""The tools: draw, vary, edit, upscale, and the queue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from pydantic import Field

from inference.mcp.door import Door, DoorError, Drawn, Said
from inference.mcp.gallery import Gallery, Unknown, as_shown
from inference.queue.version import code_version

MOST_PICTURES, MOST_SOURCES = 10, 4
INSTRUCTIONS = (
    "Draws pictures with Kandinsky 3.1 on somebody's own graphics card. Every picture has a short name, by which vary, "
    "edit and upscale take it up. What is shown is a preview; resource studio://pictures/NAME is the original PNG. "
    "Drawing may take from seconds to minutes; queue says how many wait."
)

Answer = list[Any]
Prompt = Annotated[str, Field(min_length=1, max_length=4000, description="What is to be seen, in Russian or English.")]
Count = Annotated[int, Field(ge=1, le=MOST_PICTURES, description="How many pictures.")]
Seed = Annotated[int | None, Field(ge=0, le=2**32 - 1, description="The same seed draws the same picture again.")]
Size = Annotated[str, Field(pattern=r"^(auto|[0-9]{2,4}x[0-9]{2,4})$", description="auto, or a shape like 1344x768.")]
Quality = Annotated[
    Literal["auto", "low", "high"], Field(description="low: in a few steps; high: slower, with more detail.")
]
Named = Annotated[str, Field(description="The name of a picture that was drawn here of late, or one in base64.")]
Strength = Annotated[
    float | None, Field(ge=0.05, le=1, description="How much is drawn over: 0.3 keeps most, 0.9 keeps little.")
]
KeyOf = Callable[[Context[Any, Any]], str]


class Tools:
    """The tools of one server. `key_of` says whose key a call comes with, and raises ToolError where it has none."""

    def __init__(self, door: Door, key_of: KeyOf, gallery: Gallery | None = None) -> None:
        self._door = door
        self._key_of = key_of
        self._gallery = gallery or Gallery()

    async def draw(
        self,
        prompt: Prompt,
        ctx: Context[Any, Any],
        n: Count = 1,
        size: Size = "auto",
        quality: Quality = "auto",
        seed: Seed = None,
        style: Annotated[str | None, Field(max_length=64, description="A style that the studio knows.")] = None,
        negative_prompt: Annotated[
            str | None, Field(max_length=4000, description="What to avoid; high quality.")
        ] = None,
    ) -> Answer:
        """Draw pictures from words."""
        key = self._key_of(ctx)
        fields: dict[str, Said | None] = {"prompt": prompt, "n": n, "size": size, "quality": quality, "seed": seed}
        fields |= {"style": style, "negative_prompt": negative_prompt}
        return await self._shown(key, self._door.draw(key, fields))

    async def vary(
        self, picture: Named, ctx: Context[Any, Any], n: Count = 1, strength: Strength = None, seed: Seed = None
    ) -> Answer:
        """Draw pictures that are like one."""
        fields = {"n": n, "strength": strength, "seed": seed}
        return await self._made("variations", ctx, fields, [picture])

    async def edit(
        self,
        prompt: Prompt,
        pictures: Annotated[
            list[str],
            Field(min_length=1, max_length=MOST_SOURCES, description="One to draw anew by words, or several to mix."),
        ],
        ctx: Context[Any, Any],
        mask: Annotated[
            str | None, Field(description="PNG in base64, as large as the picture: what is transparent is repainted.")
        ] = None,
        strength: Strength = None,
        n: Count = 1,
        seed: Seed = None,
    ) -> Answer:
        """Draw a picture anew by words, repaint a part of it, or mix several."""
        fields = {"prompt": prompt, "strength": strength, "n": n, "seed": seed}
        return await self._made("edits", ctx, fields, pictures, mask)

    async def upscale(
        self,
        picture: Named,
        ctx: Context[Any, Any],
        factor: Annotated[Literal[2, 4], Field(description="How many times as wide and high.")] = 2,
    ) -> Answer:
        """Enlarge a picture with more detail."""
        return await self._made("upscales", ctx, {"factor": factor}, [picture])

    async def queue(self, ctx: Context[Any, Any]) -> str:
        """How many requests wait and are being drawn, and where your own are in the line."""
        try:
            line = await self._door.queue(self._key_of(ctx))
        except DoorError as refused:
            raise ToolError(str(refused)) from None
        return described(line)

    async def original(self, name: str, ctx: Context[Any, Any]) -> bytes:
        """A picture as it was drawn, with its recipe inside."""
        try:
            return self._gallery.take(_owner(self._key_of(ctx)), name)
        except Unknown:
            raise ResourceNotFoundError(f"no picture of late is called {name}") from None

    async def _made(
        self,
        route: str,
        ctx: Context[Any, Any],
        fields: Mapping[str, Said | None],
        named: Sequence[str],
        mask: str | None = None,
    ) -> Answer:
        key = self._key_of(ctx)
        try:
            pictures = [self._gallery.take(_owner(key), said) for said in named]
            painted = None if mask is None else self._gallery.take(_owner(key), mask)
        except Unknown as unknown:
            raise ToolError(str(unknown)) from None
        return await self._shown(key, self._door.from_pictures(key, route, fields, pictures, painted))

    async def _shown(self, key: str, drawing: Awaitable[list[Drawn]]) -> Answer:
        try:
            drawn = await drawing
        except DoorError as refused:
            raise ToolError(str(refused)) from None
        answer: Answer = []
        for one in drawn:
            preview, (width, height) = await asyncio.to_thread(as_shown, one.png)
            name = self._gallery.keep(_owner(key), one.png)
            answer += [
                Image(data=preview, format="jpeg"),
                f"{name}: {width}x{height}, seed {one.seed}, drawn by: {one.words}",
            ]
        return answer


def server(door: Door, key_of: KeyOf) -> MCPServer[Any]:
    """A server with these tools, to be run over whatever transport."""
    tools, made = (
        Tools(door, key_of),
        MCPServer[Any]("kandinsky-studio", version=code_version(), instructions=INSTRUCTIONS, log_level="WARNING"),
    )
    for tool in (tools.draw, tools.vary, tools.edit, tools.upscale, tools.queue):
        made.tool(structured_output=False)(tool)
    made.resource("studio://pictures/{name}", mime_type="image/png")(tools.original)
    return made


def described(line: dict[str, Any]) -> str:
    """The queue in words."""
    parts = [f"{line.get('waiting', 0)} waiting, {line.get('running', 0)} being drawn."]
    if not line.get("ready", True):
        parts.insert(0, "Nothing is being drawn now: no engine is ready.")
    for own in line.get("own", []):
        place = "being drawn" if own.get("place") is None else f"place {own['place']}"
        eta = own.get("eta_seconds")
        parts.append(f"Yours, job {own.get('job')}: {place}" + (f", about {round(eta)} s." if eta is not None else "."))
    return " ".join(parts)


def _owner(key: str) -> str:
    """Whose pictures these are: nothing by which the key could be told."""
    return hashlib.sha256(key.encode()).hexdigest()
