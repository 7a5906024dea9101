"""kill -9 for bot, worker and engine while people write, send photos and albums, press, answer and edit, and while
Telegram refuses, drops and dawdles. Then all comes to rest, and the chats are judged as people see them.

The bot is the real program against the playground; only its engine paints squares instead of pictures, so that a
thousand kills take under an hour.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import aiohttp

from bot.playground import serve
from tests.e2e.chat import Person
from tests.hostile.crowd import Diary, Visitor
from tests.hostile.judge import Verdict
from tests.hostile.lives import Lives, Victim
from tests.hostile.report import Table
from tests.hostile.trial import Trial

SHORT, BY_POLLING, BY_WEBHOOK = 9, 800, 200  # kills
OF_ONE_TRIAL = 100  # then all comes to rest and is judged, and the next trial begins with an empty studio
GROUP = -700


@dataclass(frozen=True)
class Outcome:
    """What a campaign has found: figures by name, and faults as sentences."""

    figures: dict[str, int]
    faults: tuple[str, ...]


async def campaign(
    kills: int, seed: int, folder: Path, *, privately: int = 4, together: int = 1, webhook: bool = False
) -> Outcome:
    """A whole trial, people in private chats and in one group, to its verdict. Faults leave evidence in the folder."""
    playground = await serve(port=0, usernames={123456: "kandinsky_bot"}, strict=True)
    lives = await Lives.prepare(playground, folder, webhook=webhook)
    diary = Diary()
    try:
        async with aiohttp.ClientSession() as session:
            people = [
                Visitor(
                    Person(session, playground.url, 100 + number, "ru" if number % 2 else "en", chat),
                    random.Random(seed * 1000 + number),
                    diary,
                )
                for number, chat in enumerate([None] * privately + [GROUP] * together)
            ]
            trial = Trial(playground, lives, people, diary, random.Random(seed))
            began = time.monotonic()
            await trial.run(kills, group=GROUP)
            spent = time.monotonic() - began
            verdict = await trial.settle()
            waiting = await trial.waiting_lines()
            unmended = await trial.press_orphans(verdict)
            outcome = _outcome(trial, verdict, waiting, unmended, spent)
            if outcome.faults:
                await trial.keep_evidence(folder / "evidence.json")
            return outcome
    finally:
        await lives.end()
        await playground.close()


def attack(*, long: bool, seed: int) -> Table:
    """Short: nine kills. Long: a thousand in ten trials, a fifth by webhook, and more people. Faults leave evidence."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    if long:
        ways = {"by polling": (BY_POLLING, False), "by webhook": (BY_WEBHOOK, True)}
        outcomes = {
            way: _many(kills, seed, folder / way[3:], webhook=webhook) for way, (kills, webhook) in ways.items()
        }
    else:
        outcomes = {"how many": asyncio.run(campaign(SHORT, seed, folder))}
    names = dict.fromkeys(name for outcome in outcomes.values() for name in outcome.figures)
    rows: list[tuple[object, ...]] = [
        (name, *(outcome.figures.get(name, 0) for outcome in outcomes.values())) for name in names
    ]
    faults = tuple(f"{way}: {fault}" for way, outcome in outcomes.items() for fault in outcome.faults)
    if faults:
        rows.append(("log and chats", folder, *[""] * (len(outcomes) - 1)))
    else:
        shutil.rmtree(folder)
    return Table("kill -9 of bot, worker and engine", ("", *outcomes), rows, faults)


def _many(kills: int, seed: int, folder: Path, *, webhook: bool) -> Outcome:
    """So many kills in several trials, added up; what each has found is said to stderr as soon as it is known."""
    figures, faults = Counter[str](), list[str]()
    for number in range(kills // OF_ONE_TRIAL):
        one = folder / str(number)
        outcome = asyncio.run(
            campaign(OF_ONE_TRIAL, seed * 100 + number, one, privately=9, together=3, webhook=webhook)
        )
        print(f"{one}: {outcome}", file=sys.stderr, flush=True)
        figures.update(outcome.figures)
        faults += [f"trial {number}: {fault}" for fault in outcome.faults]
    return Outcome(dict(figures), tuple(faults))


def _outcome(trial: Trial, verdict: Verdict, waiting: list[str], unmended: int, spent: float) -> Outcome:
    diary, log = trial.diary, trial.lives.log.read_text(errors="replace")
    wishes = Counter(ask.wish for ask in diary.asks)
    figures: dict[str, int] = {
        "kills": sum(trial.count[victim] for victim in get_args(Victim)),
        "seconds": round(spent),
        **dict(sorted(trial.count.items())),
        "messages that ask for something": len(diary.asks),
        **{f"of these: {wish}": number for wish, number in sorted(wishes.items())},
        "presses": len(diary.presses),
        "edits": diary.edits,
        **{f"answered by {how}": number for how, number in sorted(verdict.answered.items())},
        "lost": len(verdict.lost),
        "albums torn apart": len(verdict.torn),
        "two results for one ask": len(verdict.twice),
        "stuck": len(verdict.stuck),
        "presses without an answer": len(verdict.unanswered),
        "presses answered too late": verdict.late,
        "statuses left behind": len(verdict.orphans),
        "of these, a press mends": len(verdict.orphans) - unmended,
        "small answers given twice": len(verdict.repeated),
        "apologies": verdict.apologies,
        "tracebacks in the log": log.count("Traceback (most recent call last)"),
    }
    faults = [*verdict.faults, *waiting]
    if unmended:
        faults.append(f"{unmended} status messages go on saying that they wait after their person has pressed them")
    return Outcome(figures, tuple(faults))
