"""What can be asked for: one module or folder a mode, and the tuple of them all.

The order is that in which commands are listed, wishes are read and keys are put under a picture.
"""

from __future__ import annotations

from bot.jobs.mode import Mode
from bot.jobs.studio import Studio
from bot.modes.better_words import BETTER_WORDS
from bot.modes.enlarge import ENLARGE
from bot.modes.extend import EXTEND
from bot.modes.mix import MIX
from bot.modes.outlines import OUTLINES
from bot.modes.refine import REFINE
from bot.modes.repaint import REPAINT
from bot.modes.restyle import RESTYLE
from bot.modes.style import STYLE
from bot.modes.vary import VARY
from bot.modes.words import WORDS

MODES: tuple[Mode[Studio], ...] = (
    WORDS,
    BETTER_WORDS,
    VARY,
    MIX,
    RESTYLE,
    STYLE,
    OUTLINES,
    REPAINT,
    EXTEND,
    ENLARGE,
    REFINE,
)
