"""The recipe of a picture as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.jobs.cards.names import mode_name, style_name, wish
from bot.jobs.cards.words import escape, number, shortened, steps_counted
from bot.prompt import PromptLine, write
from bot.prompt.styles import PLAIN_STYLE
from bot.texts.i18n import _, ngettext
from inference.requests import (
    FLASH_STEPS,
    SR_STEPS,
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Recipe,
    Refine,
    Rewrite,
    TextToImage,
    Upscale,
)

COPY_LIMIT = 256


def recipe(
    line: PromptLine,
    recipe: Recipe,
    *,
    job_id: int | None = None,
    seeds: Sequence[int] = (),
    parents: Sequence[str] = (),
    origins: Sequence[str] = (),
) -> str:
    """Everything that is needed to make the same picture again; `parents` is HTML, one picture a line, and `origins`
    what there is to say about where the words come from."""
    request = recipe.request
    rows = ["📜 <b>" + _("Recipe") + "</b>" + (f" <code>#{job_id}</code>" if job_id else "")]
    rows += [wish(request, line.prompt), *origins]
    if line.style not in (None, PLAIN_STYLE):
        rows.append(_("Style: {style}").format(style=style_name(line.style)))
    rows += _settings(request)
    rows.append(_("Size: {size}").format(size="×".join(str(side) for side in request.size)))
    listed = seeds or (recipe.seed,)
    label = ngettext("Seed: {seeds}", "Seeds: {seeds}", len(listed))
    rows.append(label.format(seeds=", ".join(f"<code>{seed}</code>" for seed in listed)))
    if parents:
        rows.append(_("Made from:") + "\n" + "\n".join(parents))
    revisions = ", ".join(f"{net} {revision[:12]}" for net, revision in recipe.checkpoints.items())
    if revisions:
        rows.append(_("Model: {model}").format(model=escape(shortened(revisions, 300))))
    rows.append(_("Program: {version}").format(version=escape(shortened(recipe.code_version, 60))))
    if written := write(line):
        rows.append(f"<pre>{escape(shortened(written, 2300))}</pre>")
    return "\n".join(row for row in rows if row)


def _settings(request: AnyRequest) -> list[str]:
    mode = mode_name(request.kind)
    match request:
        case FlashTextToImage() | FlashMix():
            rows = [_("Mode: {mode}, {steps}").format(mode=mode, steps=steps_counted(FLASH_STEPS))]
        case Upscale():
            steps = FLASH_STEPS if request.kind == "flash_x2" else SR_STEPS
            rows = [_("Mode: {mode}, {steps}").format(mode=mode, steps=steps_counted(steps))]
        case TextToImage() | Refine() | Inpaint() | Outpaint() | Mix() | Control():
            rows = [_("Avoid: {text}").format(text=escape(shortened(request.negative_prompt, 400)))]
            rows = rows if request.negative_prompt else []
            rows.append(
                _("Mode: {mode}, {steps}, guidance {guidance}").format(
                    mode=mode, steps=steps_counted(request.steps), guidance=number(request.guidance_scale)
                )
            )
        case Rewrite():
            rows = [mode]
    match request:
        case Mix() | FlashMix():
            weights = " + ".join(number(image.weight) for image in request.images)
            rows.append(
                _("Weight of the pictures: {weights}, all together × {scale}").format(
                    weights=weights, scale=number(request.image_scale)
                )
            )
        case Control():
            rows.append(
                _("Held to the picture: × {scale}, from {start} to {end} % of the steps").format(
                    scale=number(request.scale), start=round(request.start * 100), end=round(request.end * 100)
                )
            )
            if request.styles:
                rows.append(_("Look of the other pictures: × {scale}").format(scale=number(request.style_scale)))
            if request.hint_range != Control.model_fields["hint_range"].default:
                black, white = (number(level) for level in request.hint_range)
                rows.append(_("Black and white of the outlines: {black} and {white}").format(black=black, white=white))
        case Inpaint(focus=False):
            rows.append(_("Repainted with all of the picture in view"))
        case Refine():
            rows.append(_("Refinement strength: {share} %").format(share=round(request.strength * 100)))
    return rows
