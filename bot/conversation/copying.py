"""The line of a recipe that can be copied and sent: offered where it says everything, and nowhere else."""

from __future__ import annotations

from bot.jobs.compose import Asked
from bot.modes.drawing import from_words
from bot.prompt import PromptLine, parse, write
from bot.store import Preferences
from bot.texts.errors import ToldError
from inference.requests import AnyRequest, ModelCard

_AS_SAID = ("prompt", "negative_prompt")  # the line has them as they were said: a translation reads differently


def sayable(line: PromptLine, request: AnyRequest, card: ModelCard | None) -> str:
    """The line that draws exactly this when it is sent as it stands, whoever sends it; "" where none does: no line
    names a picture to work from, and a size, a step or a seed may be one that cannot be said."""
    written = write(line)
    if request.sources or card is None:
        return ""
    try:
        drawn = from_words(Asked(parse(written), Preferences(), card)).request
    except ToldError:
        return ""
    return written if _compared(drawn) == _compared(request) else ""


def _compared(request: AnyRequest) -> tuple[type, dict[str, object]]:
    fields = request.model_dump(mode="json")
    return type(request), {name: bool(value) if name in _AS_SAID else value for name, value in fields.items()}
