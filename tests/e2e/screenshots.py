"""`python -m tests.e2e.screenshots FOLDER [--weights FOLDER] [--only NAME …]`: the README's pictures, of the real demo.

Three chats from words to pictures, one strip for every flow of `flows.py` that the weights can serve (the embedded
model's by default), and a film of a sentence that becomes four pictures, of which one is varied. Also says how long
each grid took, from pressing Enter to the picture on the page.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import aiohttp
from PIL import Image
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from inference.families.kandinsky.files.store import model_card
from tests.e2e.chat import Message, Person
from tests.e2e.flows import FLOWS, Flow

PORT = 8093
URL = f"http://127.0.0.1:{PORT}"
CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
}
PHONE: ViewportSize = {"width": 430, "height": 860}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
GAP = 24
FILM, FILM_PERSON, FILM_SENTENCE = "film", 3100, "a yellow star on a violet background"
PAUSE, LAST_PAUSE = 1.2, 3.0  # seconds that a film rests on a picture
CHATS: dict[str, tuple[ViewportSize, str, str, list[str]]] = {
    "chat-ru": (PHONE, "ru-RU", "1001", ["красный круг на синем фоне"]),
    "chat-en": (PHONE, "en-GB", "1002", ["a black cat in space"]),
    "desktop": (DESKTOP, "en-GB", "1002", ["two yellow stars on a blue background --seed 7"]),
}


async def say(page: Page, text: str) -> None:
    """Types a line and waits until the newest picture offers to be opened."""
    grids = page.locator(".key:has-text('⬆ 4')")
    before = await grids.count()
    start = time.monotonic()
    await page.locator(".pane.active textarea").fill(text)
    await page.keyboard.press("Enter")
    while await grids.count() <= before:
        await asyncio.sleep(0.05)
    print(f"{time.monotonic() - start:5.1f} s  {text}")
    await page.wait_for_load_state("networkidle")


async def chat(page: Page, address: str, greeted: set[str], sentences: Sequence[str], target: Path) -> None:
    await page.goto(f"{URL}/#{address}")
    await page.wait_for_selector(".pane.active textarea")
    if address not in greeted:
        greeted.add(address)
        await page.locator(".pane.active .start").click()
        await page.wait_for_selector(".key")
    for sentence in sentences:
        await say(page, sentence)
    await asyncio.sleep(0.7)  # the fade of the last picture
    await page.screenshot(path=target)


@asynccontextmanager
async def newcomer(number: int, name: str, language: str) -> AsyncIterator[Person]:
    """Somebody whom the page has not seen yet."""
    async with aiohttp.ClientSession() as session:
        person = Person(session, URL, number, language)
        await person.post("user", {"id": number, "name": name, "language": language})
        yield person


async def strip(browser: Browser, flow: Flow, target: Path) -> None:
    """The chat as it is after each part of a flow, side by side."""
    async with newcomer(flow.person, flow.name, flow.language) as person:
        shots = [await shot(browser, flow, last) async for last in flow.acts(person)]
    sheet = Image.new("RGB", (sum(it.width for it in shots) + GAP * (len(shots) - 1), shots[0].height), "white")
    for place, one in enumerate(shots):
        sheet.paste(one, (place * (one.width + GAP), 0))
    sheet.save(target, optimize=True)
    print(f"        {target}")


async def shot(browser: Browser, flow: Flow, last: Message | None) -> Image.Image:
    """The end of a person's chat, or its part down to the photo `last`, on a page of its own, every picture loaded."""
    locale = {"ru": "ru-RU", "en": "en-GB"}[flow.language]
    context = await browser.new_context(viewport=PHONE, locale=locale, device_scale_factor=1.5)
    page = await context.new_page()
    await page.goto(f"{URL}/#{flow.person}")
    await page.wait_for_selector(".pane.active .bubble")
    await page.wait_for_function("[...document.images].every(image => image.complete)")
    await asyncio.sleep(0.7)  # the fade of the pictures
    if last is not None:
        photo = page.locator(f".pane.active [data-slot='{last['id']}']")
        await photo.evaluate("image => image.closest('.bubble').scrollIntoView({block: 'end', behavior: 'instant'})")
    content = await page.screenshot()
    await context.close()
    return Image.open(io.BytesIO(content)).convert("RGB")


async def film(browser: Browser, target: Path) -> None:
    """An animated WebP of a chat on a phone, as long as it took."""
    context = await browser.new_context(viewport=PHONE, locale="en-GB")
    page = await context.new_page()
    async with newcomer(FILM_PERSON, "Kate", "en"):
        await page.goto(f"{URL}/#{FILM_PERSON}")
    await page.locator(".pane.active .start").click()
    await page.wait_for_selector(".key")
    frames: list[tuple[float, bytes]] = []

    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            frames.append((time.monotonic(), await page.screenshot(type="jpeg", quality=92)))
            await asyncio.sleep(0.04)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(PAUSE)
    await page.locator(".pane.active textarea").press_sequentially(FILM_SENTENCE, delay=55)
    await page.keyboard.press("Enter")
    await page.locator(".key:has-text('⬆ 4')").first.wait_for()
    await asyncio.sleep(PAUSE)
    vary = page.locator(".key:has-text('🎨 2')").first
    await vary.hover()
    await asyncio.sleep(PAUSE / 2)
    await vary.click()
    await page.locator(".key:has-text('⬆ 4')").nth(1).wait_for()
    await asyncio.sleep(PAUSE)
    over.set()
    await watching
    await context.close()
    save_film(frames, target)


def save_film(frames: Sequence[tuple[float, bytes]], target: Path) -> None:
    """Frames (time in seconds, picture) as an animation; what did not change is one longer frame."""
    kept = [frames[0], *(frame for before, frame in pairwise(frames) if frame[1] != before[1])]
    times = [when for when, _ in kept]
    lasting = [round((end - start) * 1000) for start, end in pairwise([*times, times[-1] + LAST_PAUSE])]
    first, *others = [Image.open(io.BytesIO(content)) for _, content in kept]
    first.save(target, save_all=True, append_images=others, duration=lasting, loop=0, quality=70, method=4)
    print(f"        {target}: {sum(lasting) / 1000:.0f} s, {target.stat().st_size / 1e6:.1f} MB")


@asynccontextmanager
async def demo(weights: Path | None) -> AsyncIterator[None]:
    """The demo, running, with a data folder of its own."""
    with tempfile.TemporaryDirectory() as data:
        chosen = {"WEIGHTS_DIR": str(weights)} if weights else {}
        settings = {**os.environ, "DATA_DIR": data, "PLAYGROUND_PORT": str(PORT), **chosen}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "demo", env=settings, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            while URL not in (line := (await process.stdout.readline()).decode()):
                if not line:
                    raise SystemExit("the demo has ended before it began")
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def main(folder: Path, weights: Path | None, only: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kinds = model_card(weights).kinds
    async with demo(weights), async_playwright() as playwright:
        greeted: set[str] = set()
        browser = await playwright.chromium.launch(**CHROMIUM)  # type: ignore[arg-type]
        for name, (viewport, locale, address, sentences) in CHATS.items():
            if not only or name in only:
                context = await browser.new_context(viewport=viewport, locale=locale, device_scale_factor=1.5)
                await chat(await context.new_page(), address, greeted, sentences, folder / f"{name}.png")
                await context.close()
        for name, flow in FLOWS.items():
            if only and f"flows-{name}" not in only:
                continue
            if set(flow.kinds) & set(kinds):
                await strip(browser, flow, folder / f"flows-{name}.png")
            else:
                print(f"        flows-{name} needs weights for {' or '.join(flow.kinds)}")
        if not only or FILM in only:
            await film(browser, folder / f"{FILM}.webp")
        await browser.close()


if __name__ == "__main__":
    names = (*CHATS, *(f"flows-{name}" for name in FLOWS), FILM)
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs"))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--only", nargs="+", choices=names, default=[], metavar="NAME", help=", ".join(names))
    given = parser.parse_args()
    asyncio.run(main(given.folder, given.weights and given.weights.absolute(), given.only))
