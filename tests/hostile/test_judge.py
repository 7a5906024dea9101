"""The judge of kills sees what a person would complain about, and lets pass what nobody would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.hostile.judge import Answer, Ask, Message, Orphan, Press, Verdict, answers_to, came_late, is_result, judge

ANNA = 101


def said(number: int, text: str = "a red circle", **more: Any) -> Message:
    """Something Anna has sent."""
    return _message(number, False, text=text, **more)


def answer(number: int, to: int | None, text: str, *data: str, photo: bool = False, **more: Any) -> Message:
    body = {"caption": text, "photo": {"width": 1}} if photo else {"text": text}
    return _message(number, True, reply_to=to, buttons=[[{"text": "?", "data": it} for it in data]], **body, **more)


def _message(number: int, is_bot: bool, **more: Any) -> Message:
    empty: dict[str, Any] = {"text": None, "caption": None, "photo": None, "reply_to": None, "album": None}
    empty |= {"buttons": [], "entities": []}
    return {"id": number, "from": {"id": 7 if is_bot else ANNA, "is_bot": is_bot}, "deleted": False, **empty, **more}


def status(number: int, to: int, text: str = "✅ Got it, your request is saved.\na red circle") -> Message:
    return answer(number, to, text, "j:cancel:1", "j:queue:1")


def grid(number: int, to: int) -> Message:
    return answer(number, to, "a red circle", "p:open:1", "j:again:1", "j:files:1", photo=True)


def failure(number: int, to: int) -> Message:
    return answer(number, to, "⚠️ The drawing engine crashed", "j:retry:1", "j:edit:1")


def mix(number: int, to: int, pictures: int) -> Message:
    rows = [f"m:{step}:5:{place}" for place in range(pictures) for step in ("less", "more")]
    return answer(number, to, "🧬 How much of each?", *rows, "m:start:5:0", photo=True)


def verdict_on(messages: list[Message], *asks: Ask, presses: tuple[Press, ...] = ()) -> Verdict:
    return judge({ANNA: messages}, asks, presses)


def ask(wish: Any, *messages: int) -> Ask:
    return Ask(wish, ANNA, ANNA, messages)


def press(message: int, data: str, *, answered: bool = True, told: str | None = None, brings: bool = True) -> Press:
    return Press(ANNA, ANNA, message, data, answered, told, brings)


def card(number: int, to: int, kept: int) -> Message:
    message = answer(number, to, "✋ You have 3 requests waiting already", "q:take:9", "q:drop:9")
    message["buttons"][0][0]["text"] = f"▶️ Take ({kept})"
    return message


def test_a_card_answers_for_as_many_requests_as_it_keeps_and_for_no_more() -> None:
    asked = [said(number) for number in (1, 2, 3, 4)]
    asks = [ask("draw", number) for number in (1, 2, 3, 4)]
    kept = verdict_on([*asked, card(5, 1, 4)], *asks)
    assert not kept.faults and kept.answered == {"words": 1, "kept": 3}
    assert verdict_on([*asked, card(5, 1, 3)], *asks).lost != []
    assert verdict_on([*asked, card(5, 1, 4) | {"deleted": True}], *asks).lost != []


def test_what_everybody_got_is_no_fault() -> None:
    messages = [
        said(1), grid(2, 1), said(3), failure(4, 3), said(5, "/help"), answer(6, None, "What I can do", "g:photos"),
        said(7), answer(8, 7, "You have 3 requests waiting already"), said(9), said(10), mix(11, 9, 2),
        answer(12, 2, "a red circle", "p:file:1", photo=True),
    ]  # fmt: skip
    asks = (ask("draw", 1), ask("draw", 3), ask("help", 5), ask("draw", 7), ask("mix", 9, 10))
    verdict = verdict_on(messages, *asks, presses=(press(2, "p:open:1"), press(2, "j:star:1", brings=False)))
    assert verdict.faults == ()
    assert (verdict.orphans, verdict.repeated, verdict.apologies) == ([], [], 0)
    assert verdict.answered == {"picture": 1, "words": 4}


@pytest.mark.parametrize("wish", ["draw", "menu", "words", "mix", "help", "settings", "history"])
def test_a_message_that_nobody_answers_is_lost(wish: str) -> None:
    verdict = verdict_on([said(1), said(2), answer(3, 2, "an answer to something else")], ask(wish, 1))
    assert len(verdict.lost) == 1 and "message 1" in verdict.lost[0]


def test_an_answer_that_was_deleted_is_none() -> None:
    messages = [said(1), {**grid(2, 1), "deleted": True}]
    assert verdict_on(messages, ask("draw", 1)).lost


def test_an_answer_before_the_question_is_none() -> None:
    messages = [answer(1, None, "What I can do", "g:photos"), said(2, "/help")]
    assert verdict_on(messages, ask("help", 2)).lost


def test_what_says_which_question_it_answers_leaves_the_other_answers_to_the_others() -> None:
    nothing_yet = [said(1, "/history"), answer(2, 1, "You have no pictures yet.")]
    messages = [*nothing_yet, said(3, "/history"), answer(4, None, "🖼 Your pictures", "h:101:0:0:turn:0", photo=True)]
    assert verdict_on(messages, ask("history", 1), ask("history", 3)).faults == ()


def test_two_results_for_one_request_are_one_too_many() -> None:
    assert verdict_on([said(1), grid(2, 1), grid(3, 1)], ask("draw", 1)).twice


def test_two_living_statuses_for_one_request_are_one_too_many() -> None:
    verdict = verdict_on([said(1), status(2, 1), status(3, 1)], ask("draw", 1))
    assert verdict.twice and verdict.stuck


@pytest.mark.parametrize("text", ["🕓 You are next in line\na red circle", "🎨 Drawing ▓▓▓░ 30 %\na red circle"])
def test_a_status_that_waits_for_ever_is_stuck(text: str) -> None:
    verdict = verdict_on([said(1), status(2, 1, text)], ask("draw", 1))
    assert verdict.stuck and not verdict.lost


def test_a_card_that_says_for_ever_that_it_stops_is_stuck() -> None:
    card = answer(2, 1, "⏹ Stopping. What is ready stays.\na red circle", photo=True)
    assert verdict_on([said(1), card], ask("draw", 1)).stuck
    assert verdict_on([said(1), card, grid(3, 1)], ask("draw", 1)).stuck
    stopped = answer(2, 1, "⏹ Stopped: 1 of 4 was ready.\na red circle", "p:file:1", photo=True)
    assert verdict_on([said(1), stopped], ask("draw", 1)).faults == ()


def test_a_preview_is_a_status_and_no_result() -> None:
    preview = answer(2, 1, "🎨 Drawing", "j:cancel:1", "j:queue:1", photo=True)
    assert not is_result(preview)
    assert verdict_on([said(1), preview], ask("draw", 1)).stuck


def test_a_status_left_behind_by_a_request_that_was_answered_is_an_orphan() -> None:
    verdict = verdict_on([said(1), status(2, 1), grid(3, 1)], ask("draw", 1))
    assert verdict.orphans == [Orphan(ANNA, ANNA, 2)]
    assert verdict.faults == ()


@pytest.mark.parametrize(
    "answers", [[mix(4, 1, 2)], [answer(4, 1, "🖼 What shall I do with it?", "o:vary:0:1"), mix(5, 2, 2)]]
)
def test_an_album_of_which_a_part_is_missing_is_torn(answers: list[Message]) -> None:
    assert verdict_on([said(1), said(2), said(3), *answers], ask("mix", 1, 2, 3)).torn


def test_a_small_answer_given_twice_is_counted_apart() -> None:
    again = [
        said(1, "/help"),
        answer(2, None, "What I can do", "g:photos"),
        answer(3, None, "What I can do", "g:photos"),
    ]
    refused = [said(4), answer(5, 4, "The line is full"), answer(6, 4, "The line is full")]
    verdict = verdict_on([*again, *refused], ask("help", 1), ask("draw", 4))
    assert len(verdict.repeated) == 2
    assert verdict.faults == ()


def test_an_apology_is_an_answer_and_is_counted() -> None:
    number = {"type": "code", "offset": 21, "length": 6}
    sorry = {**answer(2, 1, "Tell the owner this: a1b2c3"), "entities": [number]}
    verdict = verdict_on([said(1), sorry], ask("draw", 1))
    assert verdict.apologies == 1 and verdict.faults == ()


def test_a_press_that_spins_for_ever_is_unanswered() -> None:
    verdict = verdict_on([said(1), grid(2, 1)], presses=(press(2, "j:star:1", answered=False, brings=False),))
    assert verdict.unanswered


@pytest.mark.parametrize(
    ("answers", "kills", "excused"),
    [
        ([Answer(166.0, 400)], [120.0], True),  # Telegram no longer takes it
        ([Answer(155.0, 200)], [120.0], True),  # it does, but the client has given up
        ([Answer(149.0, 500), Answer(151.0, 200)], [120.0], True),
        ([Answer(149.0, 0), Answer(166.0, 400)], [120.0], True),
        ([Answer(166.0, 400)], [90.0, 155.0], False),  # nobody was killed while it was awaited
        ([Answer(110.0, 400), Answer(166.0, 400)], [120.0], False),
        ([Answer(110.0, 400)], [120.0], False),
        ([], [120.0], False),
    ],
)
def test_an_answer_too_late_is_excused_by_a_kill_in_between_and_by_nothing_else(
    answers: list[Answer], kills: list[float], excused: bool
) -> None:
    pressed = replace(press(2, "j:star:1", answered=False, brings=False), at=100.0)
    pressed = replace(pressed, late=came_late(pressed, answers, kills))
    verdict = verdict_on([said(1), grid(2, 1)], presses=(pressed,))
    assert (verdict.late, len(verdict.unanswered)) == ((1, 0) if excused else (0, 1))


def test_a_press_that_brings_nothing_is_lost_unless_it_was_told_why() -> None:
    messages = [said(1), grid(2, 1)]
    assert verdict_on(messages, presses=(press(2, "j:again:1"),)).lost
    assert not verdict_on(messages, presses=(press(2, "j:again:1", told="It is already in line."),)).faults


def test_a_press_that_brings_two_results_or_an_endless_one() -> None:
    asked = press(2, "j:again:1")
    assert verdict_on([said(1), grid(2, 1), grid(3, 2), grid(4, 2)], presses=(asked,)).twice
    assert verdict_on([said(1), grid(2, 1), status(3, 2)], presses=(asked,)).stuck


def test_an_album_of_files_is_one_answer_and_two_are_not() -> None:
    files = [answer(number, 2, "", album="9") for number in (3, 4)]
    asked = press(2, "j:files:1")
    assert not verdict_on([said(1), grid(2, 1), *files], presses=(asked,)).repeated
    assert verdict_on([said(1), grid(2, 1), *files, answer(5, 2, "", album="10")], presses=(asked,)).repeated


def test_a_picture_that_is_only_shown_twice_is_a_small_answer_given_twice() -> None:
    shown = [answer(number, 2, "a red circle", "p:file:1", photo=True) for number in (3, 4)]
    verdict = verdict_on([said(1), grid(2, 1), *shown], presses=(press(2, "p:open:1"),))
    assert verdict.faults == () and len(verdict.repeated) == 1


def test_what_was_said_so_far_is_found_while_people_wait() -> None:
    messages = [said(1, "/help"), said(2), status(3, 2), answer(4, None, "What I can do", "g:photos")]
    assert [m["id"] for m in answers_to(messages, ask("help", 1))] == [4]
    assert [m["id"] for m in answers_to(messages, ask("draw", 2))] == [3]


def test_a_mix_that_its_person_has_dropped_was_an_answer_and_one_that_never_came_is_lost() -> None:
    dropped = {**mix(3, 1, 2), "deleted": True}
    assert not verdict_on([said(1), said(2), dropped], ask("mix", 1, 2)).lost
    assert verdict_on([said(1), said(2)], ask("mix", 1, 2)).lost
    gone = {**answer(3, 1, "I know nothing of this"), "deleted": True}
    assert verdict_on([said(1), said(2), gone], ask("mix", 1, 2)).lost
