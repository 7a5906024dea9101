"""The line: places, progress, cancelling, too much of it, and a studio that is out of order."""

from __future__ import annotations

from tests.bot.conversation.painter import BIG
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage


@flow
async def those_who_wait(stage: Stage) -> None:
    stage.house.painter.slots, stage.in_order = 1, True
    await stage.open(BIG)
    anna, boris = stage.person("Anna", 1001), stage.person("Борис", 1002, "ru")
    stage.hold()
    await anna.says("a red circle")
    for words in ("a blue cat", "a green circle"):
        await anna.says(words)
    await anna.sees("next in line")
    await boris.says("синий кот")
    await anna.says("/queue")
    await boris.says("/queue")
    await anna.says("a fourth")
    await anna.says("a fifth")
    await anna.presses("❌ 1 · a blue cat")
    await boris.says("/cancel", reply_to=8)
    await boris.says("/cancel")
    await anna.presses("Cancel all")
    await anna.says("/queue")
    await anna.says("/cancel")
    await anna.presses("Try again", under=4)
    await anna.presses("Edit", under=6)
    await stage.let_go()


@flow
async def progress_with_a_preview(stage: Stage) -> None:
    painter = stage.house.painter
    painter.steps, painter.hold = 4, "circle"
    painter.gate.clear()
    await stage.open(BIG)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    stage.hold()
    await anna.says("a red circle --seed 1")
    await vera.says("красный circle --seed 1")
    painter.told.set()
    await anna.sees("░")
    await vera.sees("░")
    await anna.presses("Queue")
    await anna.says("/queue")
    await vera.presses("Отмен")
    await stage.let_go()
    await vera.presses("ещё раз")


@flow
async def the_engine_does_not_start(stage: Stage) -> None:
    await stage.open(BIG, admin_ids=frozenset({4001}))
    owner = stage.person("Owner", 4001)
    anna, boris = stage.person("Anna", 1001), stage.person("Борис", 1002, "ru")
    await owner.says("/help")
    stage.hold()
    painter = stage.house.painter
    painter.slots = 0
    await anna.says("a red circle")
    await anna.sees("next in line")
    painter.trouble = "SafetensorError: flash.safetensors is cut short, 123456789:" + "A" * 35
    await anna.sees("engine does not start")
    await owner.sees("cut short")
    await boris.says("синий кот")
    await anna.presses("Queue")
    painter.trouble, painter.slots = None, 2
    await stage.house.has_trouble(trouble=False)
    await stage.let_go()


@flow
async def a_restart_in_the_middle(stage: Stage) -> None:
    await stage.open(BIG)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    stage.hold()
    await anna.says("a red circle --n 2 --seed 1")
    await vera.says("красный круг --n 2 --seed 1")
    await stage.restart()
    await stage.let_go()
