"""What the conversation keeps with a job, in rows of today and of before."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import bot
from bot.jobs.context import JobContext, context_of, line_of, line_of_tile, names_of
from bot.jobs.mode import Modes
from bot.modes import MODES
from bot.prompt import PromptLine
from bot.store import Parent
from bot.texts.i18n import speaking
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.requests import FlashTextToImage

ANNA = 1001
ALL: Modes[Any] = Modes(MODES)
DRAWN = FlashTextToImage(prompt="a fox", width=256, height=256, seeds=(7, 8))
MEANT = PromptLine("a fox", ar=(1, 1), n=2, seed=7, quality="flash")
OLDER = {"language": "en", "line": "a fox --ar 1:1 --n 2 --seed 7 --flash", "action": "draw", "parent_id": 3}


@pytest.fixture
def ledger(database: AsyncEngine) -> Ledger:
    return Ledger(database)


async def taken_in(ledger: Ledger, **told: Any) -> Job:
    """A job as the ledger gives it back."""
    fields: dict[str, Any] = {"update_id": None, "owner_id": ANNA, "chat_id": ANNA, "request": DRAWN, **told}
    job = await ledger.job((await ledger.accept(**fields)).job.id)
    assert job is not None
    return job


async def test_all_that_is_remembered_of_a_job_comes_back(ledger: Ledger) -> None:
    told = JobContext(
        language="ru", line=MEANT, private=False, reply_to=5, thread=2, key="j:again:1", parents=(Parent(upload_id=3),),
        remarks=(("nearest_size", "3:2"),), unknown=("zzz",), own_words="a dog", follows=1, styles=("default", "anime"),
    )  # fmt: skip
    job = await taken_in(ledger, **told.told())
    assert context_of(job) == told
    assert job.context["line"] == {"prompt": "a fox", "ar": [1, 1], "n": 2, "seed": 7, "quality": "flash"}
    assert not {"key", "reply_to"} & job.context.keys(), "the queue is told them by name"
    assert (job.key, job.reply_to) == ("j:again:1", 5)


async def test_a_job_of_before_has_its_line_as_a_string_and_a_single_parent(ledger: Ledger) -> None:
    job = await taken_in(ledger, context=OLDER, key="j:again:1", reply_to=5)
    assert line_of(ALL, job) == MEANT
    assert context_of(job).parents == (Parent(picture_id=3),)


async def test_a_job_of_before_has_a_line_for_each_style_and_one_of_a_later_version_a_style_unknown_here(
    ledger: Ledger,
) -> None:
    lines = [{"prompt": "a fox", "n": 1, "seed": 7}, {"prompt": "a fox", "n": 1, "seed": 7, "style": "frescoes"}]
    job = await taken_in(ledger, context={**OLDER, "lines": lines})
    assert context_of(job).styles == ("default", "frescoes")
    with speaking("en"):
        assert names_of(job) == ("No style", "frescoes")
    assert line_of_tile(ALL, job, 1) == replace(MEANT, n=1, seed=8, style="frescoes")


@pytest.mark.parametrize(
    "line",
    [
        "a fox --style gone",
        "a fox --flash --steps 3",
        {"prompt": "a fox", "quality": "instant"},
        {"prompt": "a fox", "ar": "wide"},
        {"seed": 7},
    ],
)
async def test_a_line_of_another_version_that_cannot_be_read_is_told_by_the_request(
    ledger: Ledger, line: str | dict[str, Any]
) -> None:
    job = await taken_in(ledger, context={**OLDER, "line": line})
    assert context_of(job).line is None
    assert line_of(ALL, job) == ALL.line(DRAWN)
    again = await taken_in(ledger, **context_of(job).told())
    assert line_of(ALL, again) == ALL.line(DRAWN)


def test_nobody_else_opens_what_is_kept_with_a_job() -> None:
    package = Path(bot.__file__).parent
    opening = {path for path in package.glob("**/*.py") if re.search(r"\bjob\.context\b", path.read_text("utf-8"))}
    assert opening == {package / "jobs" / "context.py"}
