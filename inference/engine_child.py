"""`python -m inference.engine_child`: the process that owns the device (`inference.serving`).

It arranges to die with its parent before anything else: importing torch takes seconds, and whoever is orphaned in them
must not live on.
"""

from inference.queue.wire import die_with_parent

if __name__ == "__main__":
    die_with_parent()

    import typer

    from inference.serving import main

    typer.run(main)
