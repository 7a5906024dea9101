"""Makes the files of this folder: people live through a few minutes with the bot, and then it is killed."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sqlite3
import time
from contextlib import closing

from inference.requests import Failed
from tests.bot.conversation.painter import ALL_MODES, offering
from tests.characterisation.old_database import HERE, MADE_AT, shift_times
from tests.characterisation.stage import Stage, picture, staged

EVERYTHING = offering(ALL_MODES, *ALL_MODES.kinds, "beautify", "translate")
RED, BLUE, GREEN = (220, 40, 40), (30, 60, 210), (40, 160, 70)
GROUP = -500


async def live(stage: Stage) -> None:
    """Jobs of every kind that end, drafts of every kind that stay open, then jobs that do not end."""
    stage.house.painter.answers |= {"лиса": "a fox", "a fox": "a fox in deep snow"}
    await stage.open(EVERYTHING, waiting_per_person=100)
    await _things_that_end(stage)
    await _things_that_stay_open(stage)
    await _things_that_are_cut_off(stage)


async def _things_that_end(stage: Stage) -> None:
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    group = stage.person("Anna", 1001, "en", GROUP)
    await anna.sends(
        picture(RED, (1100, 1100)), kind="document", caption="/upscale 4"
    )  # asks while nothing is measured
    await anna.says("a red circle --n 2 --seed 1")
    grid = await anna.last()
    for button in ("⬆ 2", "☆"):
        await anna.presses(button)
    single = await anna.last()
    await anna.presses("Files", under=grid)
    for button in ("More", "Refine a little", "Recipe", "Back", "×2"):
        await anna.presses(button, under=single)
    await anna.says("a blue cat --full --no text --n 1 --seed 4")
    await vera.says("лиса --n 1 --seed 2")
    await vera.says("/settings")
    await vera.presses("Стиль")
    await group.says("/imagine a green circle --seed 3")
    await anna.sends(picture(RED), caption="/vary --n 1 --seed 5")
    await anna.sends(picture(RED), picture(BLUE), caption="/control a bridge --n 1 --seed 6")
    await anna.sends(picture(BLUE), caption="/outpaint right a sea --n 1 --seed 7")
    await anna.sends(picture(RED), caption="/inpaint left: a kite --n 1 --seed 8")
    await anna.presses("✅")
    await anna.says("/history")
    await vera.says("/history")
    await vera.presses("1")
    await anna.says("/styles")
    await anna.says("/start")
    stage.house.painter.failure = Failed(code="internal", message="RuntimeError: boom")
    for words in ("a failure", "a failure that nobody has seen", "a death"):
        await anna.says(f"{words} --n 1 --seed 9")
    stage.house.painter.failure = None


async def _things_that_stay_open(stage: Stage) -> None:
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("/beautify a fox --n 1 --seed 10")
    await anna.sends(picture(RED), picture(BLUE), caption="a garden --seed 11 --n 1")
    await anna.says("/mix")
    await anna.presses("Never mind")
    await vera.says("/mix")
    await vera.sends(picture(GREEN))
    await anna.sends(picture(GREEN))
    menu = await anna.last()
    await anna.presses("Outlines", under=menu)
    await anna.presses("Extend", under=menu)
    await anna.presses("Repaint", under=menu)
    await anna.presses("▫️")
    await anna.presses("✅")
    await anna.presses("Repaint", under=menu)
    await anna.sends(picture(RED), caption="a blue evening --n 1 --seed 12")
    await anna.presses("Edit")


async def _things_that_are_cut_off(stage: Stage) -> None:
    """Jobs in every state that is no end; which is in which is written into the copy by `_cut_off`."""
    stage.hold()
    for user in range(2001, 2009):
        person = stage.person(f"Person {user}", user, "ru" if user % 2 else "en")
        await person.says(f"circle of {user} --n 1 --seed {user}")
    await stage.person("Person 2008", 2008).presses("Cancel")
    await stage.person("Anna", 1001, "en", GROUP).says("/styles")


STATES = {
    2001: "state = 'new', message_id = null, queued_at = null, sent_at = null, attempts = 0",
    2002: "state = 'queued', sent_at = null, attempts = 0",
    2003: "state = 'sent', attempts = 1, sent_at = queued_at",
    2004: "state = 'running', attempts = 1, sent_at = queued_at, started_at = queued_at",
    2005: "state = 'retry_wait', attempts = 1, retries = 1, not_before = queued_at",
    2006: "state = 'cancelled', outcome = '{\"type\":\"cancelled\"}', finished_at = queued_at, shown_at = null",
}


def main() -> None:
    logging.disable(logging.CRITICAL)
    raise SystemExit(asyncio.run(_make()))


async def _make() -> int:
    async with staged(keep_telegram=True) as stage:
        await live(stage)
        began = time.time()
        with closing(sqlite3.connect(":memory:")) as copy:
            with closing(sqlite3.connect(stage.house.database)) as source:
                source.backup(copy)
            _cut_off(copy, stage)
            shift_times(copy, MADE_AT - began)
            _write("studio.sql", copy)
        with closing(sqlite3.connect(stage.house.folder / "telegram" / "playground.sqlite3")) as telegram:
            _write("telegram.sql", telegram)
        shutil.rmtree(HERE / "blobs", ignore_errors=True)
        shutil.copytree(stage.house.folder / "blobs", HERE / "blobs")
        stage.held = False
    return 0


def _cut_off(copy: sqlite3.Connection, stage: Stage) -> None:
    for owner, changes in STATES.items():
        copy.execute(f"update jobs set {changes} where owner_id = ?", (owner,))
    copy.execute("insert into sendings select chat_id, 'status:' || job_id, message_id - 1, created_at"
                 " from posts where chat_id = 2001 and kind = 'status'")  # fmt: skip
    copy.execute("delete from posts where chat_id = 2001")
    copy.execute("update jobs set shown_at = null where request like '%nobody has seen%'")
    copy.execute("update jobs set state = 'dead' where request like '%a death%'")
    unshown = "(select id from jobs where request like '%a blue cat%')"
    copy.execute(f"delete from pictures where job_id = {unshown}")
    copy.execute("update posts set kind = 'status', picture_id = null, file_id = null, file_unique_id = null"
                 f" where job_id = {unshown}")  # fmt: skip
    copy.execute(f"update jobs set shown_at = null where id = {unshown}")
    last = max(
        (it for box in stage.house.playground.world.mailboxes.values() for it in box.history), key=lambda it: it.id
    )
    body = json.dumps(last.as_json(), ensure_ascii=False)
    copy.execute("update inbox set body = ?, handled_at = null, attempts = 1 where update_id = ?", (body, last.id))
    copy.execute("update inbox set set_aside = 'RuntimeError: boom', handled_at = null, attempts = 3"
                 " where update_id = (select min(update_id) from inbox)")  # fmt: skip
    copy.execute("update people set blocked_at = created_at where id = 2007")
    copy.commit()


def _write(name: str, database: sqlite3.Connection) -> None:
    (HERE / name).write_text("\n".join(database.iterdump()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
