"""The real program, started in a moment: a process that has imported it becomes `python -m bot run` by a fork.

    python -m tests.hostile.warm ENGINE_COMMAND

Importing takes seconds, and a thousand kills are a thousand starts. A line of JSON on stdin asks for a life
(`environment`, `log`, `life`), a line on stdout is its process id; all lives end with this process. The one thing that
is not as in `python -m bot run` is the worker's option `engine`.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shlex
import signal
import sys
import traceback
from typing import NoReturn

import bot.__main__ as entry
import bot.app as app
from inference.queue.options import WorkerOptions
from inference.queue.transport.local import LocalDelivery, Workers
from inference.queue.wire import die_with_parent


def main(engine: str) -> None:
    def with_engine(options: WorkerOptions, workers: Workers = 1) -> LocalDelivery:
        return LocalDelivery(options.model_copy(update={"engine": tuple(shlex.split(engine))}), workers=workers)

    app.LocalDelivery = with_engine  # type: ignore[attr-defined,assignment]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        life = os.fork() or _live(**json.loads(line))
        print(life, flush=True)


def _live(environment: dict[str, str], log: str, life: int) -> NoReturn:
    """What `python -m bot run` does, in a process of its own."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for out in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), out)
    os.environ.update(environment)
    random.seed(life)
    status = 1
    try:
        entry.program(["run"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
