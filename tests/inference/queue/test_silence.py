from __future__ import annotations

import pytest

from inference.queue.speeds import DeviceClock, seconds_left
from inference.queue.watchdog import Silence


def test_silence_is_a_hang_after_the_floor_or_ten_usual_gaps() -> None:
    silence = Silence(30.0, now=0.0)
    assert not silence.too_long(30.0) and silence.too_long(30.1)
    now = 0.0
    for _ in range(50):
        now += 8.0  # a slow device: eight seconds a step
        silence.heard(now)
    assert not silence.too_long(now + 79.0) and silence.too_long(now + 81.0)


def test_announced_silence_is_granted_told_apart_and_ended_by_any_message() -> None:
    silence = Silence(30.0, now=0.0)
    silence.announce(300.0, now=10.0)
    assert not silence.too_long(300.0) and silence.too_long(311.0)
    assert silence.heard(200.0) == pytest.approx(190.0)
    assert silence.heard(201.0) == 0.0
    assert silence.too_long(240.0), "neither patience nor its long gap outlives the message"


def test_rest_before_work_is_no_silence() -> None:
    silence = Silence(30.0, now=0.0)
    silence.begin(1000.0)
    assert not silence.too_long(1029.0)


def test_jobs_that_share_the_device_divide_its_time() -> None:
    clock = DeviceClock()
    clock.enter(1, 0.0)
    clock.enter(2, 4.0)
    assert clock.leave(1, 10.0) == pytest.approx(4.0 + 3.0)
    assert clock.leave(2, 12.0) == pytest.approx(3.0 + 2.0)
    assert clock.leave(3, 12.0) is None
    clock.enter(4, 100.0)
    assert clock.leave(4, 101.0) == pytest.approx(1.0), "idle time is nobody's"


def test_while_weights_are_read_nobodys_time_passes() -> None:
    clock = DeviceClock()
    clock.enter(1, 0.0)
    clock.hold(1, 2.0)
    clock.hold(7, 3.0)
    clock.go_on(1, 50.0)
    assert clock.taken(1, 51.0) == pytest.approx(3.0)
    clock.enter(2, 51.0)
    clock.hold(1, 51.0)
    clock.hold(2, 51.0)
    clock.go_on(2, 90.0)
    assert clock.leave(1, 94.0) == pytest.approx(3.0), "it waits, the other one is drawn"
    assert clock.leave(2, 94.0) == pytest.approx(4.0)
    clock.enter(1, 100.0)
    assert clock.leave(1, 101.0) == pytest.approx(1.0), "the next one of that number is not held"
    assert clock.leave(7, 101.0) is None


def test_what_is_left_is_told_by_what_was_expected_and_then_by_the_pace_of_the_job() -> None:
    assert seconds_left(0.0, 0.0, 60.0) == 60.0
    assert seconds_left(10.0, 0.1, 60.0) == pytest.approx(0.9 * (60.0 + 0.03 * 40.0))
    assert seconds_left(50.0, 0.5, 60.0) == pytest.approx(0.5 * (60.0 + 0.75 * 40.0))
    assert seconds_left(90.0, 0.75, 60.0) == pytest.approx(30.0), "by its own pace alone"
    assert seconds_left(50.0, 0.5, None) == pytest.approx(50.0)
    assert seconds_left(1.0, 0.1, None) is None
    assert seconds_left(70.0, 1.0, 60.0) == 0.0
