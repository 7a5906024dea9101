from __future__ import annotations

import pytest

from inference.queue.speeds import DeviceClock, blend, seconds_left
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


def test_a_speed_is_the_mean_of_the_first_and_a_moving_average_later() -> None:
    assert blend(5.0, 7.0, 1) == 6.0
    assert blend(6.0, 9.0, 2) == 7.0
    assert blend(5.0, 10.0, 100) == 6.0


def test_one_slow_first_job_is_outweighed_after_ten() -> None:
    speed = 5.0
    for times, measured in enumerate([5.0, *[1.0] * 9]):
        speed = blend(speed, measured, times)
    assert 1.0 < speed < 1.5


def test_what_is_left_is_told_by_what_was_expected_and_then_by_the_pace_of_the_job() -> None:
    assert seconds_left(0.0, 0.0, 60.0) == 60.0
    assert seconds_left(10.0, 0.1, 60.0) == pytest.approx(0.9 * (60.0 + 0.3 * 40.0))
    assert seconds_left(50.0, 0.5, 60.0) == pytest.approx(50.0)
    assert seconds_left(50.0, 0.5, None) == pytest.approx(50.0)
    assert seconds_left(1.0, 0.1, None) is None
    assert seconds_left(70.0, 1.0, 60.0) == 0.0
