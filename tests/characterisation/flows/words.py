"""Better words and translations."""

from __future__ import annotations

from inference.requests import Failed, Note
from tests.bot.conversation.painter import BIG, offering
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage

WORDY = offering(BIG, *BIG.kinds, "beautify", "translate")


@flow
async def better_words(stage: Stage) -> None:
    painter = stage.house.painter
    painter.answers["a fox & a bear"] = "A red fox & a bear in <deep> snow"
    await stage.open(WORDY)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("/beautify a fox & a bear --ar 16:9 --seed 7 --n 2")
    card = await anna.last()
    await anna.presses("Other words", under=card)
    await anna.presses("Use new", under=card)
    for button in ("Recipe", "Again", "Improve"):
        await anna.presses(button)
    await anna.presses("Keep mine")
    await anna.presses("Edit", under=card)
    await anna.says("a fox, in harsh light --ar 3:2 --n 1", reply_to=await anna.last())
    await vera.says("улучши: нарисуй лису --n 1")
    await vera.presses("Взять новые")
    await anna.says("/beautify")
    await anna.says("/beautify", reply_to=await anna.last() - 1)


@flow
async def words_that_get_no_better(stage: Stage) -> None:
    await stage.open(WORDY)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    for answer in (Failed(code="timed_out", message="x"), Failed(code="internal", message="x"), ""):
        stage.house.painter.answers |= {"a fox": answer, "лиса": answer}
        await anna.says("/beautify a fox --seed 3 --n 1")
        await vera.says("/beautify лиса --seed 3 --n 1")
    await anna.presses("Draw my words")
    stage.house.painter.answers["a fox"] = "a fox in the snow"
    await anna.presses("Try again")
    stage.hold()
    await anna.says("/beautify a bear --n 1")
    await anna.presses("Cancel")
    await stage.let_go()


@flow
async def translations(stage: Stage) -> None:
    painter = stage.house.painter
    painter.answers |= {"лиса в лесу": "a fox in the forest", "текст": "text", "сова": ""}
    painter.answers["волк"] = Failed(code="timed_out", message="x")
    await stage.open(WORDY)
    vera = stage.person("Вера", 1003, "ru")
    await vera.says("лиса в лесу --seed 5 --n 2")
    await vera.presses("Рецепт")
    await vera.presses("Ещё")
    await vera.presses("Изменить")
    await vera.says("лиса в лесу --no текст --n 1", reply_to=await vera.last())
    await vera.says("сова --n 1")
    await vera.says("волк --n 1")
    await vera.says("a fox --n 1")
    painter.notes = (Note(code="cut_short"),)
    await vera.says("лиса в лесу --n 1")
    stage.hold()
    await vera.says("заяц --n 1 --seed 4")
    await vera.presses("Отмен")
    await stage.let_go()
    await vera.presses("🔄")
