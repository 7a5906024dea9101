"""`python -m inference.engine_child`: the process that owns the device (`inference.serving`).

It arranges to die with its parent before anything else: importing torch takes seconds, and whoever is orphaned in them
must not live on. Then it says how CUDA's memory is to be kept, which torch reads once: in segments that grow, because
nets and passes of every size come and go, and the holes they leave in fixed ones are counted as free but cannot be had.
"""

import os

from inference.queue.wire import die_with_parent

OWNERS_CHOICE = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF", "PYTORCH_ALLOC_CONF")

if __name__ == "__main__":
    die_with_parent()
    if not any(name in os.environ for name in OWNERS_CHOICE):
        os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"

    import typer

    from inference.serving import main

    typer.run(main)
