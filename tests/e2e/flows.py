"""What people do with pictures, one flow for each mode, for the sheet of screenshots.

A flow is a person's part over HTTP. At every yield the chat is as it shall be seen: its end, or down to the photo of
the message that is yielded. Photos come from the world that the embedded model knows, so that weights of its size have
a chance to do well.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import aiohttp
from PIL import Image

from benchmarks.paintings import COLOURS, paint, ring
from inference.nano.drawing import draw
from inference.nano.world import Scene, Thing
from inference.requests import Kind
from tests.e2e.chat import Message, Person, buttons, is_result

PATIENCE = 600.0  # seconds: four pictures one after the other, on a machine that has other things to do

CIRCLE = Scene("single", 3, (Thing("circle", "red"),), background="blue", size="large")
CAT = Scene("single", 5, (Thing("cat", "black"),), background="sunset", size="large")
STAR = Scene("single", 8, (Thing("star", "yellow"),), background="violet", size="large")
PAIR = Scene("pair", 4, (Thing("heart", "red"), Thing("circle", "yellow")), background="light blue", size="large")


@dataclass(frozen=True)
class Flow:
    """What one person does. `kinds` are the requests that it takes weights for, any one of them."""

    person: int
    language: str
    name: str
    kinds: tuple[Kind, ...]
    acts: Callable[[Person], AsyncIterator[Message | None]]


async def menu(anna: Person) -> AsyncIterator[Message | None]:
    await send(anna, photo(CAT))
    await anna.until(offers("Vary"))
    yield None


async def mix(anna: Person) -> AsyncIterator[Message | None]:
    await send(anna, photo(CIRCLE), photo(STAR))
    weights = await anna.until(offers("Start"))
    await anna.press(weights, "➕")
    await anna.until(offers("1: 60 %"))
    yield None
    await anna.press(weights, "Start")
    await finished(anna, weights["id"])
    yield None


async def repaint(anna: Person) -> AsyncIterator[Message | None]:
    image = draw(PAIR, 4)
    await send(anna, png(image))
    choice = await anna.until(offers("Repaint"))
    await anna.press(choice, "Repaint")
    question = await anna.until(offers("▫️"), after=choice["id"])
    circled, _ = paint(image, ring((0.76, 0.5), 0.21, 0.025, COLOURS["red"]))
    painted = await send(anna, png(circled), caption="a green star", reply_to=str(question["id"]))
    shown = await anna.until(offers("✅"), after=question["id"])
    yield painted
    yield None
    await anna.press(shown, "✅")
    await finished(anna, shown["id"])
    yield None


async def extend(boris: Person) -> AsyncIterator[Message | None]:
    drawn = await boris.draw("жёлтая лодка на море --n 1 --seed 4")
    await boris.press(drawn, "Расширить")
    ways = await boris.until(offers("➡️"), after=drawn["id"])
    yield None
    await boris.press(ways, "➡️")
    await finished(boris, ways["id"])
    yield None


async def upscale(anna: Person) -> AsyncIterator[Message | None]:
    drawn = await anna.draw("a yellow boat at sea --n 1 --seed 4")
    yield None
    await anna.press(drawn, "4K")
    await finished(anna, drawn["id"])
    yield None


async def outlines(boris: Person) -> AsyncIterator[Message | None]:
    tree = Scene("single", 6, (Thing("tree", "brown"),), background="meadow", size="large")
    given = await send(boris, photo(tree), caption="по контуру: синее дерево на жёлтом фоне --seed 5")
    await finished(boris, given["id"])
    yield given
    yield None


async def tree(anna: Person) -> AsyncIterator[Message | None]:
    grid = await anna.draw("a red heart on a white background --n 2 --seed 9")
    await anna.press(grid, "🎨 2")
    varied = await finished(anna, grid["id"])
    await anna.press(varied, "⬆ 1")
    single = await anna.until(offers("×2"), after=varied["id"])
    await anna.press(single, "×2")
    large = await finished(anna, single["id"])
    await anna.say("/tree", reply_to=large["id"])
    await anna.until(lambda message: "Family tree" in (message["caption"] or ""))
    yield None


FLOWS: Mapping[str, Flow] = {
    "menu": Flow(3001, "en", "Anna", ("mix", "mix_flash", "refine"), menu),
    "mix": Flow(3002, "en", "Anna", ("mix", "mix_flash"), mix),
    "repaint": Flow(3003, "en", "Anna", ("inpaint",), repaint),
    "extend": Flow(3004, "ru", "Борис", ("outpaint",), extend),
    "upscale": Flow(3005, "en", "Anna", ("x4",), upscale),
    "outlines": Flow(3006, "ru", "Борис", ("hed", "depth", "scribble"), outlines),
    "tree": Flow(3007, "en", "Anna", ("x2", "flash_x2"), tree),
}


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def photo(scene: Scene) -> bytes:
    return png(draw(scene, 4))


def offers(text: str) -> Callable[[Message], bool]:
    return lambda message: any(text in name for name in buttons(message))


async def send(person: Person, *photos: bytes, caption: str = "", **fields: str) -> Message:
    """Sends photos as a person does; two and more are an album. Returns the first message."""
    who = {"user": str(person.id), "chat": str(person.chat_id), "language": person.language}
    form = aiohttp.FormData({**who, **fields})
    if caption:
        form.add_field("caption", caption)
    for content in photos:
        form.add_field("photo", content, filename="photo.png", content_type="image/png")
    async with person.session.post(f"{person.url}/sim/message", data=form) as response:
        answer = await response.json()
    assert answer["ok"], answer
    message: Message = answer["message"]
    return message


async def finished(person: Person, after: int) -> Message:
    """The next result after a message; where the bot says first what it will cost, it is told to begin."""

    def result(message: Message) -> bool:
        return is_result(message) and any(mark in name for name in buttons(message) for mark in ("⬆", "⋯"))

    asked = offers("▶️")
    seen = await person.until(lambda message: result(message) or asked(message), after=after, patience=PATIENCE)
    if not result(seen):
        await person.press(seen, "▶️")
        seen = await person.until(result, after=after, patience=PATIENCE)
    return seen
