"""How jobs look while they live and when they end: without Telegram, a database or files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from bot.jobs.context import JobContext, context_of
from bot.jobs.ending import Facts, render
from bot.jobs.mode import Modes
from bot.jobs.shown import Shown
from bot.jobs.status import render as render_status
from bot.jobs.studio import Studio
from bot.modes import MODES
from bot.prompt import PromptLine
from bot.store import StoredPicture
from bot.telegram.screen import Photo, Screen
from bot.texts.i18n import speaking
from inference.queue.jobs import Job
from inference.requests import (
    AnyRequest,
    Cancelled,
    Failed,
    FailureCode,
    Finished,
    FlashTextToImage,
    Note,
    Outcome,
    Picture,
    Progress,
    Queued,
    Recipe,
    Rewrite,
    Source,
    Started,
    Stopping,
    Upscale,
)
from tests.bot.conversation.painter import SMALL, offering

CARD = offering(SMALL, *SMALL.kinds, "beautify")
ALL: Modes[Studio] = Modes(MODES)
JOB, OWNER, CHAT = 42, 1001, 1001
FOX = PromptLine("a <fox>", seed=7)
BETTER = Rewrite(kind="beautify", prompt="a <fox>", seeds=(0,))


def drawn(count: int) -> FlashTextToImage:
    return FlashTextToImage(prompt="a <fox>", seeds=tuple(range(7, 7 + count)))


def job_of(request: AnyRequest, **context: Any) -> Job:
    told = JobContext(language="en", line=FOX, **context).told()
    return Job(
        id=JOB, update_id=1, owner_id=OWNER, chat_id=CHAT, message_id=2, request=request, state="done",
        outcome=None, priority=0, cost=1.0, attempts=1, retries=0, crashes=0, suspect=False, created_at=0.0,
        queued_at=0.0, started_at=0.0, finished_at=0.0, shown_at=None, **told,
    )  # fmt: skip


def pictures_of(request: AnyRequest) -> tuple[StoredPicture, ...]:
    return tuple(
        StoredPicture(
            id=100 + tile, job_id=JOB, tile=tile, blob="b" * 64, width=128, height=128, owner_id=OWNER, chat_id=CHAT,
            recipe=Recipe(request=request, tile=tile, checkpoints={}, code_version="1"), parent_id=None, starred=False,
            created_at=0.0,
        )
        for tile in range(len(request.seeds))
    )  # fmt: skip


def facts_of(outcome: Outcome, request: AnyRequest, **context: Any) -> Facts:
    job = job_of(request, **context)
    return Facts(job, context_of(job), request, FOX, outcome, ALL, CARD)


def finished(count: int, notes: tuple[Note, ...] = (), **context: Any) -> Facts:
    request = drawn(count)
    shown = Shown(pictures_of(request), alone=count == 1, only=count == 1, card=CARD)
    facts = facts_of(Finished(engine_seconds=3.14, notes=notes), request, **context)
    return replace(facts, shown=shown, jpeg=b"jpeg")


def ending(facts: Facts) -> Screen:
    with speaking("en"):
        screen = render(facts)
    assert screen is not None
    return screen


def names(screen: Screen) -> list[str]:
    rows = screen.keys.inline_keyboard if screen.keys is not None else []
    return [key.text for row in rows for key in row]


def test_one_picture_ends_as_a_photo_with_its_words_its_facts_and_its_own_keys() -> None:
    screen = ending(finished(1))
    assert screen.photo == Photo(b"jpeg", "42.jpg")
    assert "a &lt;fox&gt;" in screen.text
    assert "seed 7 · 3.1\xa0s" in screen.text
    assert {"📄 File", "🔄 Again", "✏️ Edit"} <= {*names(screen)}


def test_several_pictures_end_as_a_grid_with_a_number_each() -> None:
    screen = ending(finished(4))
    assert screen.photo == Photo(b"jpeg", "42.jpg")
    assert names(screen)[:4] == ["⬆ 1", "⬆ 2", "⬆ 3", "⬆ 4"]
    assert "✨ Improve" in names(screen)


def test_what_is_opened_and_what_has_ordered_is_ticked() -> None:
    facts = finished(4)
    assert facts.shown is not None
    shown = replace(facts.shown, opened=frozenset({101}), used=frozenset({f"j:again:{JOB}"}))
    assert {"⬆ 1", "⬆ 2 ✓", "🔄 Again ✓"} <= {*names(ending(replace(facts, shown=shown)))}


def test_what_was_deleted_before_it_was_shown_is_not_shown() -> None:
    facts = facts_of(Finished(engine_seconds=1.0), drawn(1))
    with speaking("en"):
        assert render(facts) is None


def test_the_file_of_a_picture_that_a_photo_does_not_show_in_full_belongs_to_the_result() -> None:
    facts = finished(1)
    assert facts.shown is not None
    large = replace(facts.shown, pictures=(replace(facts.shown.pictures[0], width=4096),))
    assert not facts.larger
    assert replace(facts, shown=large).larger == [*large.pictures]
    assert not replace(facts, shown=large, jpeg=None).larger


def test_pictures_whose_files_are_lost_end_with_an_honest_word() -> None:
    facts = replace(finished(4), jpeg=None)
    screen = ending(facts)
    assert screen.photo is None
    assert "Something broke on our side." in screen.text
    assert names(screen) == ["🔄 Try again", "✏️ Edit"]
    assert not facts.seen


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_every_failure_keeps_the_words_and_offers_another_try(code: FailureCode) -> None:
    screen = ending(facts_of(Failed(code=code, message="Traceback"), drawn(1)))
    assert screen.photo is None
    assert "a &lt;fox&gt;" in screen.text
    assert "<code>#42</code>" in screen.text
    assert "Traceback" not in screen.text
    assert names(screen) == ["🔄 Try again", "✏️ Edit"]


def test_what_has_no_words_is_not_offered_to_be_edited() -> None:
    enlarged = Upscale(kind="x2", image=Source(blob="b" * 64, width=128, height=128), seeds=(0,))
    assert names(ending(facts_of(Cancelled(), enlarged))) == ["🔄 Try again"]


def test_what_was_cancelled_says_so_and_what_it_was() -> None:
    screen = ending(facts_of(Cancelled(), drawn(4)))
    assert screen.text.startswith("🚫 Cancelled.")
    assert "a &lt;fox&gt;" in screen.text
    assert names(screen) == ["🔄 Try again", "✏️ Edit"]


def stopped(ready: int, asked: int) -> Facts:
    request = drawn(asked)
    made = pictures_of(request)[:ready]
    recipes = [picture.recipe for picture in made]
    ended = Cancelled(
        pictures=tuple(
            Picture(tile=recipe.tile, blob="b" * 64, width=128, height=128, recipe=recipe) for recipe in recipes
        ),
        engine_seconds=1.5,
    )
    shown = Shown(made, alone=ready == 1, only=ready == 1, card=CARD)
    return replace(facts_of(ended, request), shown=shown, jpeg=b"jpeg")


@pytest.mark.parametrize(
    ("ready", "asked", "english", "russian"),
    [
        (1, 4, "⏹ Stopped: 1 of 4 was ready.", "⏹ Остановлено: готова 1 из 4."),
        (2, 4, "⏹ Stopped: 2 of 4 were ready.", "⏹ Остановлено: готовы 2 из 4."),
        (5, 8, "⏹ Stopped: 5 of 8 were ready.", "⏹ Остановлено: готово 5 из 8."),
        (4, 4, "⏹ All 4 were ready before I could stop.", "⏹ Все 4 были готовы раньше, чем я остановился."),
        (1, 1, "⏹ It was ready before I could stop.", "⏹ Картинка была готова раньше, чем я остановился."),
    ],
)
def test_what_was_stopped_says_how_much_of_it_was_ready_and_shows_it(
    ready: int, asked: int, english: str, russian: str
) -> None:
    facts = stopped(ready, asked)
    screen = ending(facts)
    assert screen.photo == Photo(b"jpeg", "42.jpg") and screen.text.split("\n")[0] == english
    assert "a &lt;fox&gt;" in screen.text and "seed 7 · 1.5\xa0s" in screen.text
    assert "🔄 Again" in names(screen)
    numbers = [name for name in names(screen) if name.startswith("⬆")]
    assert numbers == ([f"⬆ {number}" for number in range(1, ready + 1)] if ready > 1 else [])
    with speaking("ru"):
        told = render(facts)
    assert told is not None and told.text.startswith(russian)


def test_what_was_ready_and_is_gone_again_is_told_like_any_other() -> None:
    assert "Something broke on our side." in ending(replace(stopped(2, 4), jpeg=None)).text
    with speaking("en"):
        assert render(replace(stopped(2, 4), shown=None, jpeg=None)) is None, "deleted before it was shown"


def test_what_is_being_stopped_says_so_and_has_no_buttons() -> None:
    with speaking("en"):
        screen = render_status(ALL, job_of(drawn(4)), Stopping())
    assert screen.text.startswith("⏹ Stopping.") and "a &lt;fox&gt;" in screen.text and names(screen) == []


def test_a_translation_that_was_cancelled_is_told_by_what_it_was_for() -> None:
    facts = facts_of(Cancelled(), Rewrite(kind="translate", prompt="лиса", seeds=(0,)))
    screen = ending(replace(facts, request=drawn(1)))
    assert "Translating" not in screen.text
    assert names(screen) == ["🔄 Try again", "✏️ Edit"]


def test_better_words_are_shown_against_the_old_ones_and_nothing_is_drawn() -> None:
    screen = ending(facts_of(Finished(texts=("a red <fox>",)), BETTER))
    assert screen.photo is None
    assert "<b>red</b>" in screen.text
    assert "✅ Use new" in names(screen)


@pytest.mark.parametrize(
    "outcome", [Finished(texts=("",)), Failed(code="timed_out", message="slow"), Cancelled()], ids=lambda it: it.type
)
def test_words_that_got_no_better_leave_the_persons_own(outcome: Outcome) -> None:
    screen = ending(facts_of(outcome, BETTER))
    assert "a &lt;fox&gt;" in screen.text
    assert names(screen) == ["▶️ Draw my words", "🔄 Try again"]


def test_there_is_a_remark_on_whatever_is_not_as_it_was_asked_for() -> None:
    remarks = (("nearest_size", "3:2"),)
    text = ending(finished(1, notes=(Note(code="leaner_retry"),), own_words="my fox", remarks=remarks)).text
    said = ["Your own words: <i>my fox</i>", "Memory ran short", "The nearest size I have is 3:2."]
    assert [line.removeprefix("💬 ").startswith(said[number]) for number, line in enumerate(text.split("\n")[2:])] == [
        True
    ] * 3


def test_words_that_the_small_model_does_not_know_are_named_once() -> None:
    text = ending(finished(1, notes=(Note(code="unknown_tokens"),), unknown=("dragon",))).text
    assert "“dragon”" in text
    assert text.count("💬") == 1


def test_a_status_says_where_the_job_is_and_can_be_cancelled() -> None:
    job, modes = job_of(drawn(4)), ALL
    with speaking("en"):
        said = [
            render_status(modes, job, event)
            for event in (None, Queued(place=2, eta_seconds=40.0), Started(), Progress(stage="drawing", step=1, of=2))
        ]
    assert [screen.text.split("\n")[0] for screen in said] == [
        "✅ Got it, your request is saved.",
        "🕓 In line: place 2 · about 40\xa0s",
        "🎨 Starting to draw",
        "🎨 Drawing ▓▓▓▓▓░░░░░ 50 %",
    ]
    assert all(names(screen) == ["❌ Cancel", "🕓 Queue"] and "a &lt;fox&gt;" in screen.text for screen in said)


def test_a_status_shows_words_as_they_are_found_and_what_keeps_the_queue() -> None:
    with speaking("en"):
        growing = render_status(ALL, job_of(BETTER), Progress(stage="writing", step=1, of=2, text="a <red"))
        waiting = render_status(ALL, job_of(drawn(1)), Queued(place=1, eta_seconds=None), "engine")
    assert "<i>a &lt;red</i> ✍️" in growing.text
    assert "a &lt;fox&gt;" in waiting.text
    assert "In line" not in waiting.text


def test_a_status_says_when_nobody_is_there_who_could_draw_it_and_that_it_waits() -> None:
    with speaking("en"):
        waiting = render_status(ALL, job_of(drawn(1)), Queued(place=3, eta_seconds=None, possible=False))
    assert waiting.text.startswith("🕓 In line: place 3") and "not installed" in waiting.text
    assert "a &lt;fox&gt;" in waiting.text and names(waiting) == ["❌ Cancel", "🕓 Queue"]
