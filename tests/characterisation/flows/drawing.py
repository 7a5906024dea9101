"""Words to pictures, and every button under them."""

from __future__ import annotations

from inference.requests import Failed, Note
from tests.bot.conversation.painter import ALL_MODES, BIG, SMALL
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage


@flow
async def a_sentence_and_its_buttons(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna = stage.person("Anna", 1001)
    await anna.says("a red circle")
    for button in ("⬆ 3", "⬆ 3 ✓", "Recipe", "Repeat exactly", "Quality", "Quality"):
        await anna.presses(button)
    grid = 2
    for button in ("Again", "Files", "Recipe", "☆", "⭐", "🎨 2", "Edit"):
        await anna.presses(button, under=grid)
    await anna.says("a blue circle --n 2", reply_to=await anna.last())
    await anna.presses("🗑", under=grid)
    await anna.presses("Keep", under=grid)
    await anna.presses("🗑", under=grid)
    await anna.presses("Delete for good", under=grid)


@flow
async def one_picture_and_its_buttons_in_russian(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    vera = stage.person("Вера", 1003, "ru")
    await vera.says("Нарисуй красный круг --n 1 --seed 5")
    single = await vera.last()
    for button in ("Рецепт", "Файл", "☆", "⭐", "Качество", "Ещё раз", "Изменить"):
        await vera.presses(button, under=single)
    await vera.says("синий круг --n 1", reply_to=await vera.last())
    await vera.presses("🗑", under=single)
    await vera.presses("↩️", under=single)
    await vera.presses("🗑", under=single)
    await vera.presses("🗑", under=single)


@flow
async def parameters(stage: Stage) -> None:
    await stage.open(BIG)
    anna = stage.person("Anna", 1001)
    for words in (
        "/imagine a blue cat —seed 7 --n 2 --ar 3:2",
        "/draw a blue cat --n 1 --ar 5:4",
        "/imagine a fox --style аниме --full --n 1 --seed 1",
        "a fox --no text --n 1 --seed 1",
        "a fox --full --steps 30 --cfg 4.5 --n 1 --seed 1",
        "a <b>red</b> & <a href='x'>cat</a> --n 1 --seed 1 --style none",
    ):
        await anna.says(words)
    await anna.presses("Recipe")


@flow
async def parameters_that_do_not_fit(stage: Stage) -> None:
    await stage.open(BIG)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    for words in (
        "a red circle --stile anime",
        "a red circle --qwertz 5",
        "a red circle --style anome",
        "a red circle --style qqqqqq",
        "a red circle --seed",
        "a red circle --seed x",
        "a red circle --n 40",
        "a red circle --steps 0 --full",
        "a red circle --cfg 500 --full",
        "a red circle --ar 100:1",
        "a red circle --flash --cfg 4",
        "a red circle --seed 5 and a cat",
        "a red circle --iw 0.5",
        "a red circle --whole",
        "/imagine",
        "/imagine --n 2",
        "a cat " * 600,
        "a cat --no " + "fog " * 600,
        "a cat" + " --n 2" * 50,
    ):
        await anna.says(words)
    for words in ("кот --сид 5", "кот --seed x", "кот --n 40", "кот --flash --no люди", "/imagine", "кот --iw 2"):
        await vera.says(words)


@flow
async def a_small_model(stage: Stage) -> None:
    await stage.open(SMALL)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("a red dragon <b>castle</b> --n 2 --seed 1")
    await anna.presses("🔒 2")
    await anna.says("a red circle --style anime --n 1 --seed 1")
    for button in ("Subtle", "Region", "Extend", "×2", "4K"):
        await anna.presses(button)
    await anna.presses("More")
    for button in ("Restyle", "Outlines", "Refine a little", "Refine a lot", "Mix", "Back"):
        await anna.presses(button)
    await vera.says("красный дракон на синем фоне --ar 16:9 --n 1 --seed 1")
    await vera.says("/vary")
    await vera.says("/inpaint слева: кот", reply_to=await vera.last())


@flow
async def notes_of_the_engine(stage: Stage) -> None:
    await stage.open(BIG)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    for code, detail in NOTES:
        stage.house.painter.notes = (Note(code=code, detail=detail),)
        await anna.says(f"a note called {code} --n 1 --seed 1")
        await vera.says(f"пометка {code} --n 1 --seed 1")


@flow
async def failures(stage: Stage) -> None:
    await stage.open(BIG)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    for code in FAILURES:
        stage.house.painter.failure = Failed(code=code, message="RuntimeError: boom")
        await anna.says(f"a <failure> called {code} --n 1")
        await vera.says(f"неудача {code} --n 1")
    stage.house.painter.failure = None
    await anna.presses("Try again")
    await vera.presses("Изменить")
    await vera.says("удача --n 1", reply_to=await vera.last())


NOTES = (
    ("prompt_cut", "and a <very> long tail"), ("negative_cut", "fog"), ("unknown_tokens", "☃"), ("leaner_retry", ""),
    ("float32_retry", ""), ("experimental", ""), ("cut_short", ""),
)  # fmt: skip
FAILURES = (
    "invalid_request", "source_gone", "missing_weights", "out_of_memory", "not_finite", "engine_crashed",
    "too_many_attempts", "timed_out", "internal",
)  # fmt: skip
