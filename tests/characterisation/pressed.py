"""What the buttons of the transcripts carry, and how it is read: `buttons.txt`, a line for each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from bot.modes import MODES
from bot.modes.better_words.buttons import WordsAction
from bot.modes.extend.buttons import FrameWay
from bot.modes.mix.buttons import MixAction
from bot.modes.repaint.area_buttons import AreaAction
from bot.telegram import callbacks
from bot.telegram.callbacks import read_button
from tests.characterisation.recorded import TRANSCRIPTS

PRESSED = Path(__file__).parent / "buttons.txt"
_CARRIED = re.compile(r" = ([a-z]:[^\s\]]+)(?: \(\w+\))?\]")


def reading_of(data: str) -> str:
    """The class and the fields of a button, as today's reader finds them."""
    button = read_button(data)
    return f"{type(button).__name__} {json.dumps(button.model_dump(mode='json'), sort_keys=True)}"


def write_pressed() -> None:
    """Writes the list anew: every datum of the transcripts, and an example of each action that a button can have."""
    carried = {found for path in TRANSCRIPTS.glob("*.txt") for found in _CARRIED.findall(path.read_text("utf-8"))}
    lines = [f"{data}\t{reading_of(data)}" for data in sorted(carried | examples())]
    PRESSED.write_text("\n".join(lines) + "\n", encoding="utf-8")


SOURCE_ACTIONS = (*(one.name for mode in MODES for one in mode.actions), "more", "less")


def examples() -> set[str]:
    return {
        *(f"j:{action}:7" for action in get_args(callbacks.JobAction)),
        *(f"p:{action}:7" for action in get_args(callbacks.PictureAction)),
        *(f"h:{owner}:9:1:{action}:7" for action in get_args(callbacks.PageAction) for owner in (1001, -1001234567890)),
        *(f"s:{owner}:{field}:" for field in get_args(callbacks.SettingField) for owner in (1001, -1001234567890)),
        *(f"w:{action}:7" for action in get_args(WordsAction)),
        *(f"o:{action}:7:0" for action in SOURCE_ACTIONS),
        *(f"o:{action}:0:7" for action in SOURCE_ACTIONS),
        *(f"m:{action}:7:3" for action in get_args(MixAction)),
        *(f"a:{action}:7:3" for action in get_args(AreaAction) if action != "grid"),
        *(f"x:{way}:7" for way in get_args(FrameWay)),
        *("a:grid:7:3", "a:grid:7:4", "k:start:7", "k:drop:7", "y:anime", "e:2", "c:1001", "f:repeat"),
        *("g:all", "g:finer"),
    }
