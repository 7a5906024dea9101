"""The recipe of a picture as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.jobs.cards.words import number, steps_counted
from bot.jobs.mode import Modes
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE, style_name
from bot.texts.html import escape, shortened
from bot.texts.i18n import _, ngettext
from inference.requests import Guided, Recipe

COPY_LIMIT = 256


def recipe(
    modes: Modes[Any],
    line: PromptLine,
    recipe: Recipe,
    *,
    job_id: int | None = None,
    seeds: Sequence[int] = (),
    styles: Sequence[str] = (),
    parents: Sequence[str] = (),
    origins: Sequence[str] = (),
    copied: str = "",
) -> str:
    """Everything that is needed to make the same picture again, or several of them that have `seeds` or `styles` (their
    names) of their own; `parents` is HTML, one picture a line, `origins` what
    there is to say about where the words come from, and `copied` the line that says all of it, where one does."""
    request = recipe.request
    rows = ["📜 <b>" + _("Recipe") + "</b>" + (f" <code>#{job_id}</code>" if job_id else "")]
    listed = seeds or (recipe.seed,)
    rows += [modes.wish(request if len(listed) > 1 else recipe.alone, line.prompt), *origins]
    if line.style not in (None, PLAIN_STYLE):
        rows.append(_("Style: {style}").format(style=style_name(line.style)))
    if styles:
        rows.append(_("Styles: {styles}").format(styles=", ".join(styles)))
    rows += modes.of(request).settings(request, modes.kind_name(request.kind))
    rows.append(_("Size: {size}").format(size="×".join(str(side) for side in request.size)))
    label = ngettext("Seed: {seeds}", "Seeds: {seeds}", len(listed))
    rows.append(label.format(seeds=", ".join(f"<code>{seed}</code>" for seed in listed)))
    if parents:
        rows.append(_("Made from:") + "\n" + "\n".join(parents))
    revisions = ", ".join(f"{net} {revision[:12]}" for net, revision in recipe.checkpoints.items())
    if revisions:
        rows.append(_("Model: {model}").format(model=escape(shortened(revisions, 300))))
    rows.append(_("Program: {version}").format(version=escape(shortened(recipe.code_version, 60))))
    if copied:
        rows.append(f"<pre>{escape(shortened(copied, 2300))}</pre>")
    return "\n".join(row for row in rows if row)


def in_steps(name: str, steps: int) -> str:
    """The row of a kind that takes neither guidance nor words to avoid."""
    return _("Mode: {mode}, {steps}").format(mode=name, steps=steps_counted(steps))


def guided(request: Guided, name: str) -> list[str]:
    """The rows of a kind that is drawn with guidance."""
    rows = [_("Avoid: {text}").format(text=escape(shortened(request.negative_prompt, 400)))]
    rows = rows if request.negative_prompt else []
    steps, guidance = steps_counted(request.steps), number(request.guidance_scale)
    return [*rows, _("Mode: {mode}, {steps}, guidance {guidance}").format(mode=name, steps=steps, guidance=guidance)]
