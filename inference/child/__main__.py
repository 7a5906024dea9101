"""`python -m inference.child`: the process that owns the device (`inference.child.serving`).

It arranges to die with its parent before anything else: importing torch takes seconds, and whoever is orphaned in them
must not live on. Until everything is there (`inference.child.serving`) the garbage collector rests: it would look at
all that stays again and again, a quarter of the start.
"""

import gc
import os
from collections.abc import MutableMapping

from inference.queue.wire import die_with_parent

OWNERS_CHOICE = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF", "PYTORCH_ALLOC_CONF")


def let_segments_grow(environment: MutableMapping[str, str]) -> None:
    """Tells torch, which reads it once, to keep a GPU's memory in segments that grow, unless the owner chose otherwise.

    Nets and passes of every size come and go; the holes they leave in fixed segments count as free and cannot be had.
    """
    if not any(name in environment for name in OWNERS_CHOICE):
        environment["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"


if __name__ == "__main__":
    die_with_parent()
    let_segments_grow(os.environ)
    gc.disable()

    import typer

    from inference.child.serving import main

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)  # they would show secrets
    app.command()(main)
    app()
