"""A part of a picture repainted, and its frame extended."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from benchmarks.paintings import COLOURS, paint, photograph, ring
from tests.bot.conversation.painter import ALL_MODES
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage, picture

PHOTO = photograph(1, (512, 384))
BLUE = (30, 60, 210)


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _circled() -> Image.Image:
    return paint(PHOTO, ring((0.5, 0.5), 0.2, 0.03, COLOURS["red"]))[0]


@flow
async def a_part_tapped(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.sends(_encoded(PHOTO))
    await anna.presses("Repaint")
    for button in ("▫️", "Bigger", "Smaller", "4×4", "▫️", "◼️", "▫️", "✅"):
        await anna.presses(button)
    await anna.says("a green balloon --n 2 --seed 7", reply_to=await anna.last())
    await anna.presses("⬆ 1")
    await anna.presses("Region")
    await anna.presses("▫️")
    await anna.presses("Same words")
    await anna.presses("Region")
    await anna.presses("Never mind")


@flow
async def a_part_named(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("a red circle --seed 3")
    await anna.says("/inpaint 2 the centre: a green star --n 1", reply_to=2)
    await anna.presses("✅")
    await anna.says("/inpaint 1 left: --whole --n 1", reply_to=2)
    await anna.presses("✅")
    await anna.says("a kite", reply_to=await anna.last())
    await anna.says("/inpaint 1 everywhere: a kite", reply_to=2)
    await vera.sends(_encoded(PHOTO))
    await vera.presses("Перерисовать")
    await vera.says("слева вверху")
    await vera.says("красный змей --n 1", reply_to=await vera.last())


@flow
async def a_part_painted_over(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.sends(_encoded(PHOTO))
    await anna.presses("Repaint")
    question = await anna.last()
    copy = _circled()
    for spoiled in (copy.crop((60, 45, 450, 340)), ImageOps.mirror(copy), PHOTO, photograph(9, (512, 384))):
        await anna.sends(_encoded(spoiled), reply_to=question)
    await anna.sends(_encoded(copy), caption="a blue bird --n 1", reply_to=question)
    await anna.presses("✅")
    await vera.sends(_encoded(PHOTO))
    await vera.presses("Перерисовать")
    question = await vera.last()
    await vera.sends(_encoded(PHOTO), reply_to=question)
    await vera.sends(_encoded(copy))
    await vera.presses("Это новая картинка")


@flow
async def a_frame_extended(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("a red circle --n 1 --seed 3")
    ours = await anna.last()
    await anna.presses("Extend")
    ways = await anna.last()
    for button in ("⬅️", "⬆️", "⬇️", "➡️", "1.5×", "2×"):
        await anna.presses(button, under=ways)
    await anna.presses("Never mind", under=ways)
    for words in ("/outpaint 16:9 a blue sea --n 1", "/expand 1:1", "/expand 9:1", "/outpaint zoom 2 --n 1"):
        await anna.says(words, reply_to=ours)
    await anna.sends(picture(BLUE), caption="/outpaint a green meadow --n 1")
    await anna.presses("Square")
    await anna.sends(picture(BLUE, (4000, 200)), kind="document", caption="/outpaint right --n 1")
    await vera.sends(picture(BLUE, (128, 128)))
    await vera.says("расширь влево --n 1", reply_to=await vera.last() - 1)
    await vera.presses("Изменить")
    await vera.says("зелёный луг", reply_to=await vera.last())
