"""What strikes a stage in the table: each does it, mends what a person would have to mend, and returns."""

from __future__ import annotations

import random
import signal

from tests.chaos.fleet import Fleet, Pair
from tests.chaos.harness import Stage
from tests.chaos.trial import Fault, Strike, over
from tests.waiting import blocking_until

SILENCE = 6.0  # seconds; on a busy machine an engine that works may be silent for some
SLOW = 0.3  # seconds that whatever is said to a slow server is on its way


def kill_bot(stage: Stage, _chance: random.Random) -> None:
    stage.kill_bot()
    stage.start()


def kill_engine(stage: Stage, chance: random.Random) -> None:
    engines = blocking_until(lambda: stage.processes("fake_engine.py"), "an engine")
    stage.kill(chance.choice(engines))


def still_engine(stage: Stage, chance: random.Random) -> None:
    engines = blocking_until(lambda: stage.processes("fake_engine.py"), "an engine")
    stage.kill(chance.choice(engines), signal.SIGSTOP)


def kill_worker(stage: Stage, _chance: random.Random) -> None:
    stage.kill(blocking_until(stage.worker_pid, "a worker"))


def ask_worker(stage: Stage, _chance: random.Random) -> None:
    stage.kill(blocking_until(stage.worker_pid, "a worker"), signal.SIGTERM)


def still_worker(stage: Stage, _chance: random.Random) -> None:
    worker = blocking_until(stage.worker_pid, "a worker")
    stage.kill(worker, signal.SIGSTOP)
    over(2.0)
    stage.kill(worker, signal.SIGCONT)


def still_bot(stage: Stage, _chance: random.Random) -> None:
    assert stage.process is not None
    stage.process.send_signal(signal.SIGSTOP)
    over(2.0)
    stage.process.send_signal(signal.SIGCONT)


def turn_clock(stage: Stage, chance: random.Random) -> None:
    stage.tell("clock", chance.choice((3600, -3600)))


def kill_far_worker(fleet: Fleet, chance: random.Random) -> None:
    victim = chance.choice(fleet.staff)
    victim.kill()
    victim.wait()
    fleet.hire()


def relieve_far_worker(fleet: Fleet, _chance: random.Random) -> None:
    """The next one is there first, as in an upgrade."""
    fleet.hire()
    fleet.staff[0].send_signal(signal.SIGTERM)
    assert fleet.staff[0].wait(60) == 0


def still_far_worker(fleet: Fleet, chance: random.Random) -> None:
    victim = chance.choice(fleet.staff)
    victim.send_signal(signal.SIGSTOP)
    over(1.5 * fleet.presence)
    victim.send_signal(signal.SIGCONT)


def wrong_clock(fleet: Fleet, chance: random.Random) -> None:
    fleet.hire(clock_seconds=chance.choice((3600, -3600)))
    fleet.staff[0].send_signal(signal.SIGTERM)
    assert fleet.staff[0].wait(60) == 0


def kill_redis(fleet: Fleet, _chance: random.Random) -> None:
    fleet.redis.kill()
    fleet.redis.start()


def cut(seconds: float) -> Strike:
    def strike(fleet: Fleet, _chance: random.Random) -> None:
        fleet.wire.cut()
        over(seconds)
        fleet.wire.mend()

    return strike


def slow(seconds: float) -> Strike:
    def strike(fleet: Fleet, _chance: random.Random) -> None:
        fleet.wire.delay = SLOW
        over(seconds)
        fleet.wire.delay = 0.0

    return strike


def full(seconds: float) -> Strike:
    def strike(fleet: Fleet, _chance: random.Random) -> None:
        fleet.redis.tell("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")
        over(seconds)
        fleet.redis.tell("CONFIG SET maxmemory 0")

    return strike


def wrong_password(seconds: float) -> Strike:
    """The server asks for one that nobody has, of those who are there already, too."""

    def strike(fleet: Fleet, _chance: random.Random) -> None:
        fleet.redis.tell("CONFIG SET requirepass other", "AUTH other", "CLIENT KILL TYPE normal SKIPME yes")
        over(seconds)
        fleet.redis.tell("AUTH other", 'CONFIG SET requirepass ""')

    return strike


def kill_leader(pair: Pair, _chance: random.Random) -> None:
    pair.kill_leader()
    pair.start()


LOCAL = (
    Fault("the bot is killed", kill_bot),
    Fault("the worker is killed", kill_worker),
    Fault("the engine is killed", kill_engine),
    Fault("the engine stands still", still_engine, {"silence_seconds": SILENCE}),
    Fault("the worker is asked to go", ask_worker),
    Fault("the worker is stopped for 2 s and comes back", still_worker),
    Fault("the bot is stopped for 2 s and comes back", still_bot),
    Fault("the bot's clock jumps by an hour", turn_clock),
)
REMOTE = (
    Fault("the bot is killed", kill_bot),
    Fault("a worker is killed", kill_far_worker),
    Fault("an engine is killed", kill_engine),
    Fault("an engine stands still", still_engine, {"silence_seconds": SILENCE}),
    Fault("a worker is relieved by another", relieve_far_worker),
    Fault("a worker is stopped for longer than it may be silent, and comes back", still_far_worker),
    Fault("the bot is stopped for 2 s and comes back", still_bot),
    Fault("a worker's clock is an hour off", wrong_clock),
    Fault("Redis is killed and has lost everything", kill_redis),
    Fault("all connections are cut for 5 s", cut(5.0), {"presence_seconds": 15.0}),
    Fault("all connections are cut for 30 s", cut(30.0), {"presence_seconds": 15.0}),
    Fault("Redis is slow for 5 s", slow(5.0)),
    Fault("Redis is full for 3 s", full(3.0)),
    Fault("Redis refuses the password for 3 s", wrong_password(3.0)),
)
BY_TLS = (
    Fault("a worker is killed", kill_far_worker, {"tls": True}),
    Fault("Redis is killed and has lost everything", kill_redis, {"tls": True}),
    Fault("all connections are cut for 5 s", cut(5.0), {"tls": True, "presence_seconds": 15.0}),
)
TWO_BOTS = (Fault("of two bots the one that leads is killed", kill_leader),)
