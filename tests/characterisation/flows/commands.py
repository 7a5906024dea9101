"""Every command of the menu in both languages, settings, styles, history, and what nobody understands."""

from __future__ import annotations

from bot.conversation.commands import listed
from bot.jobs.mode import Modes
from bot.modes import MODES
from tests.bot.conversation.painter import ALL_MODES, BIG, SMALL
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage, picture


@flow
async def every_command_alone(stage: Stage) -> None:
    stage.greeted = True
    await stage.open(ALL_MODES)
    for person in (stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")):
        await person.says("/start")
        for command in listed(Modes(MODES)):
            await person.says(f"/{command}")
        for command in ("draw", "fix", "expand", "teapot", "help@somebody_else_bot"):
            await person.says(f"/{command}")


@flow
async def every_command_to_a_picture(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.says("a red circle --n 2 --seed 7")
    for command in listed(Modes(MODES)):
        if command not in ("settings", "styles", "help", "history"):
            await anna.says(f"/{command}", reply_to=2)
            await anna.says(f"/{command} 2", reply_to=2)


@flow
async def the_welcome(stage: Stage) -> None:
    await stage.open(SMALL)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("/start")
    await vera.says("/start")
    await anna.presses("a blue cat")
    await vera.presses("синий кот")


@flow
async def settings(stage: Stage) -> None:
    await stage.open(BIG)
    anna = stage.person("Anna", 1001)
    await anna.says("/settings")
    for choice, value in (
        ("Quality", "Full quality"),
        ("Format", "16:9"),
        ("Number", "2"),
        ("Style", "Anime"),
        ("Language", "Русский"),
    ):
        await anna.presses(choice)
        await anna.presses(value)
    await anna.says("лиса --seed 1")
    for choice, value in (("Качество", "Назад"), ("Язык", "Telegram"), ("Style", "No style"), ("Number", "4")):
        await anna.presses(choice)
        await anna.presses(value)
    await anna.presses("Done")
    await anna.says("/styles")
    await anna.presses("Khokhloma")
    await anna.says("a fox --seed 1")


@flow
async def history(stage: Stage) -> None:
    await stage.open(BIG)
    anna = stage.person("Anna", 1001)
    for number in range(3):
        await anna.says(f"a red circle --seed {number * 10}")
    await anna.says("/history")
    turns = ("Favourites only", "Older", "10", "☆", "Recipe", "File", "Back", "Favourites only", "All")
    for button in (*turns, "Favourites only", "1", "⭐", "Back"):
        await anna.presses(button)
    for button in ("2", "Delete", "Keep", "Delete", "Delete for good", "Older", "Newer"):
        await anna.presses(button)
    vera = stage.person("Вера", 1003, "ru")
    await vera.says("синий кот --n 1 --seed 4")
    await vera.says("/history")
    for button in ("избранн", "1", "Назад"):
        await vera.presses(button)


@flow
async def recipes(stage: Stage) -> None:
    await stage.open(BIG)
    anna = stage.person("Anna", 1001)
    await anna.says("a red circle --n 2 --seed 8")
    await anna.presses("Files")
    number = await anna.last()
    message = await anna.person.message(number)
    content = await anna.person.bytes_of(message["document"])
    await anna.says("/info", reply_to=2)
    await anna.says("/info", reply_to=number)
    await anna.says("/info", reply_to=1)
    await anna.sends(content, kind="document")
    await anna.presses("Repeat exactly")
    await anna.sends(picture((1, 2, 3)), kind="document")
    await anna.sends(b"hello", kind="document", name="words.txt")


@flow
async def the_family_of_a_picture(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.says("a red circle --n 1 --seed 7")
    single = await anna.last()
    await anna.says("show the tree")
    await anna.presses("Subtle", under=single)
    await anna.presses("Extend", under=single)
    await anna.presses("➡️")
    await anna.presses("×2", under=single)
    await anna.says("/tree", reply_to=single)
    await anna.says("show me its family tree", reply_to=await anna.last() - 2)
    await anna.says("покажи дерево")
