"""`python -m tests.e2e.screenshots FOLDER`: the README's pictures, taken of the real demo with the embedded model.

Also says how long each grid took, from pressing Enter to the picture on the page.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright

PORT = 8093
URL = f"http://127.0.0.1:{PORT}"
CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
}
PHONE: ViewportSize = {"width": 430, "height": 860}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


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


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        settings = {**os.environ, "DATA_DIR": data, "PLAYGROUND_PORT": str(PORT)}
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "demo", env=settings, stdout=asyncio.subprocess.PIPE
        )
        assert demo.stdout is not None
        while URL not in (await demo.stdout.readline()).decode():
            pass
        try:
            async with async_playwright() as playwright:
                greeted: set[str] = set()
                browser = await playwright.chromium.launch(**CHROMIUM)  # type: ignore[arg-type]
                for name, viewport, locale, address, sentences in (
                    ("chat-ru", PHONE, "ru-RU", "1001", ["красный круг на синем фоне"]),
                    ("chat-en", PHONE, "en-GB", "1002", ["a black cat in space"]),
                    ("desktop", DESKTOP, "en-GB", "1002", ["two yellow stars on a blue background --seed 7"]),
                ):
                    context = await browser.new_context(viewport=viewport, locale=locale, device_scale_factor=1.5)
                    await chat(await context.new_page(), address, greeted, sentences, folder / f"{name}.png")
                    await context.close()
                await browser.close()
        finally:
            demo.terminate()
            await demo.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
