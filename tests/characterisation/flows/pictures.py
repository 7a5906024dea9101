"""Photos that people send: menus, captions, albums, mixes, outlines, larger ones, and what cannot be read."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.bot.conversation.painter import ALL_MODES, BIG, SMALL, offering
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage, picture

RED, BLUE, GREEN = (220, 40, 40), (30, 60, 210), (40, 160, 70)


@flow
async def a_photo_and_its_menu(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.sends(picture(RED))
    menu = await anna.last()
    for button in ("Vary", "Repaint", "Extend", "×2", "4K", "Mix", "Restyle"):
        await anna.presses(button, under=menu)
    await anna.says("a watercolour --n 1", reply_to=await anna.last())
    await anna.presses("Outlines", under=menu)
    await anna.says("a glass house --n 1", reply_to=await anna.last())


@flow
async def more_under_a_picture(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.says("a red circle --n 1 --seed 7")
    single = await anna.last()
    for button in ("Subtle", "Strong", "×2", "4K"):
        await anna.presses(button, under=single)
    await anna.presses("More", under=single)
    for button in ("Refine a little", "Refine a lot", "Refine a lot ✓", "Mix", "Restyle"):
        await anna.presses(button, under=single)
    await anna.says("in oil --n 1", reply_to=await anna.last())
    await anna.presses("Outlines", under=single)
    await anna.says("a stone bridge --n 1", reply_to=await anna.last())
    await anna.presses("Back", under=single)


@flow
async def captions(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    photo = picture(RED)
    for caption in (
        "a blue evening --seed 7 --n 1 --iw 0.4",
        "/restyle a watercolour --strength 0.5 --n 1",
        "/restyle quickly --flash --n 1",
        "/vary strong --n 1",
        "/vary --n 1 --strength 0.3",
        "/control a house --n 1",
        "/control a house --method scribble --scale 0.8 --start 0.1 --end 0.7 --levels -1:1 --n 1",
        "/control a house --method depth --n 1",
        "/control a house --method depth --drawn --n 1",
        "/control a house --scale 3",
        "/control a house --iw 0.4",
        "/upscale",
        "/upscale 4k",
        "/upscale 3",
        "/upscale --full",
        "/upscale --iw 0.5",
        "/outpaint 16:9 a blue sea --n 1",
        "left: a cat, right: a dog --n 1",
        "/imagine a drawing of it --n 1",
    ):
        await anna.sends(photo, caption=caption)
    for caption in (
        "переделай в акварель --n 1",
        "по контуру стеклянный дом --n 1",
        "сделай вариацию --n 1",
        "увеличь",
        "расширь вправо на 25%: море --n 1",
        "расширь на 900%",
        "замени небо на море",
        "слева: кот --n 1",
        "/upscale 3",
    ):
        await vera.sends(photo, caption=caption)


@flow
async def a_recipe_of_a_photo(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, boris = stage.person("Anna", 1001), stage.person("Boris", 1002)
    await anna.sends(picture(RED), caption="a blue evening --n 1 --iw 0.4 --cfg 5")
    result = await anna.last()
    await anna.presses("Recipe", under=result)
    await anna.presses("File", under=result)
    message = await anna.person.message(await anna.last())
    content = await anna.person.bytes_of(message["document"])
    await boris.sends(content, kind="document")
    await boris.presses("Repeat exactly")
    await anna.sends(content, kind="document")
    await anna.presses("Repeat exactly")
    await anna.presses("Edit", under=result)
    await anna.says("a green morning --cfg 6", reply_to=await anna.last())
    await anna.presses("Edit", under=result)
    await anna.says("a green morning --steps", reply_to=await anna.last())


@flow
async def albums_and_mixes(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.sends(picture(RED), picture(BLUE), caption="a garden --seed 3 --n 1")
    for button in ("➕", "➖", "1: 50 %", "Swap", "Start"):
        await anna.presses(button)
    await anna.presses("Recipe")
    await anna.sends(picture(RED), picture(BLUE), caption="/control a stone bridge --seed 3 --n 1 --iw 0.4")
    await anna.sends(picture(RED), picture(BLUE), caption="/upscale")
    await anna.sends(picture(RED), picture(BLUE), caption="/mix --flash --n 1 --seed 2")
    await anna.presses("Start")
    await anna.says("/mix")
    await anna.sends(picture(RED))
    await anna.sends(picture(BLUE))
    await anna.presses("Done")
    await anna.presses("Never mind")
    await vera.says("смешай")
    await vera.sends(picture(RED))
    await vera.sends(*(picture((40 * place, 0, 0)) for place in range(5)))
    await vera.presses("▶️")


@flow
async def files_that_cannot_be_worked_from(stage: Stage) -> None:
    await stage.open(ALL_MODES, upload_mb_per_person=1)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    moving = Image.new("RGB", (100, 100), RED)
    for person in (anna, vera):
        await person.sends(picture(RED, (30, 30)), kind="document", name="tiny.png")
        await person.sends(picture(RED, (300, 300))[:60], kind="document", name="cut.png")
        await person.sends(b"hello", kind="document", name="words.jpg")
        await person.sends(_moving(moving), kind="document", name="moving.gif")
    await anna.sends(picture(RED, (20000, 4000)), kind="document", name="wide.png")
    await anna.sends(b"%PDF-1.4", kind="document", name="letter.pdf", caption="/vary")
    await anna.says("/upscale", reply_to=await anna.last())
    await anna.sends(_noise(), kind="document", name="noise.png")


def _moving(first: Image.Image) -> bytes:
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=[Image.new("RGB", (100, 100), BLUE)])
    return buffer.getvalue()


def _noise() -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (768, 768, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@flow
async def long_work_costs(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await vera.sends(picture(RED, (1600, 1600)), kind="document", caption="/upscale 4k")
    await vera.presses("✖️")
    await anna.sends(picture(RED, (1100, 1100)), kind="document", caption="/upscale")
    await anna.presses("Start")


@flow
async def photos_without_the_weights(stage: Stage) -> None:
    await stage.open(SMALL)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.sends(picture(RED))
    menu = await anna.last()
    for button in ("Vary", "Restyle", "Repaint", "Extend", "×2", "4K", "Outlines", "Mix"):
        await anna.presses(button, under=menu)
    await anna.sends(picture(RED), caption="make it blue")
    await anna.sends(picture(RED), picture(BLUE), picture(GREEN))
    await vera.sends(picture(RED), caption="/control дом")
    await vera.sends(picture(RED), caption="/upscale")


@flow
async def varied_by_refining_and_quickly(stage: Stage) -> None:
    """Where there is no image adapter a picture is drawn over; where Flash alone has one, it is quick."""
    await stage.open(offering(BIG, *BIG.kinds, "refine"))
    anna = stage.person("Anna", 1001)
    await anna.sends(picture(RED), caption="/vary --n 1")
    await anna.sends(picture(RED), caption="a blue evening --n 1")
    stage.house.painter.card = offering(BIG, *BIG.kinds, "mix_flash", "x2")
    await stage.restart()
    await anna.sends(picture(RED), caption="/vary --n 1")
    await anna.sends(picture(RED), caption="/upscale")
