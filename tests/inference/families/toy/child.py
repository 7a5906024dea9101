"""`python -m tests.inference.families.toy.child`: the engine's process with one family more."""

from typing import Annotated

import typer

from inference.queue.wire import die_with_parent


def main(fd: Annotated[int, typer.Option()]) -> None:
    from inference.child.serving import serve
    from inference.engine.family import registry
    from inference.families import FAMILIES
    from inference.requests import register
    from tests.inference.families.toy import TOY, Mosaic

    register(Mosaic)
    serve(fd, registry(*FAMILIES, TOY))


if __name__ == "__main__":
    die_with_parent()
    typer.run(main)
