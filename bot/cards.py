"""What a person reads: HTML in the language being spoken; whatever people typed is escaped here."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from babel.numbers import format_decimal

from bot.compose import Remark
from bot.i18n import _, catalogues, ngettext
from bot.prompt import PromptLine, write
from bot.styles import PLAIN_STYLE, styles
from inference.requests import (
    FLASH_STEPS,
    AnyRequest,
    Failed,
    FailureCode,
    ModelCard,
    Note,
    Progress,
    Recipe,
    TextToImage,
)

CAPTION_LIMIT = 1024
CAPTION_PROMPT = 300
CAPTION_NOTE = 140
COPY_LIMIT = 256
BAR = 10


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word where there is one near the end."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word = cut.rpartition(" ")[0]
    return (word if len(word) > limit * 2 // 3 else cut).rstrip(" ,.;:") + "…"


def quote(prompt: str) -> str:
    return f"<blockquote expandable>{escape(shortened(prompt, CAPTION_PROMPT))}</blockquote>"


def seconds_taken(seconds: float) -> str:
    """A measured time: "3.1 s", "48 s", "2 min 5 s"."""
    if seconds < 10:
        return _("{n} s").format(n=_number(round(seconds, 1)))
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("{n} s").format(n=rest)
    return _("{m} min {s} s").format(m=minutes, s=rest) if rest else _("{m} min").format(m=minutes)


def wait(eta_seconds: float) -> str:
    """An estimate, rounded to what it is worth: "about 5 s", "about 40 s", "about 3 min"."""
    if eta_seconds < 3:
        return _("a moment")
    if eta_seconds < 55:
        return _("about {n} s").format(n=max(5, round(eta_seconds / 5) * 5))
    if eta_seconds < 90 * 60:
        return _("about {n} min").format(n=max(1, round(eta_seconds / 60)))
    return _("about {n} h").format(n=round(eta_seconds / 3600))


def accepted(prompt: str) -> str:
    return "✅ " + _("Got it, your request is saved.") + "\n" + quote(prompt)


def place_in_line(place: int, eta_seconds: float | None) -> str:
    line = _("You are next in line") if place == 1 else _("In line: place {place}").format(place=place)
    return f"🕓 {line}" + ("" if eta_seconds is None else f" · {wait(eta_seconds)}")


def queued(prompt: str, place: int, eta_seconds: float | None) -> str:
    return f"{place_in_line(place, eta_seconds)}\n{quote(prompt)}"


def resumed(prompt: str, place: int | None, eta_seconds: float | None) -> str:
    """After a restart; without a place for what was being drawn just then."""
    lines = ["🔁 " + _("The studio has restarted. Your request is safe.")]
    if place is not None:
        lines.append(place_in_line(place, eta_seconds))
    return "\n".join([*lines, quote(prompt)])


def drawing(prompt: str, progress: Progress | None) -> str:
    return f"{stage(progress)}\n{quote(prompt)}"


def stage(progress: Progress | None) -> str:
    """The line with the bar."""
    if progress is None:
        return "🎨 " + _("Starting to draw")
    match progress.stage:
        case "loading":
            return "📦 " + _("Loading the model, the first picture takes longer")
        case "encoding":
            return "📖 " + _("Reading your words")
        case "drawing":
            share = min(1.0, progress.step / progress.of) if progress.of else 0.0
            return "🎨 " + _("Drawing") + f" {bar(share)} {round(share * 100)} %"
        case "decoding":
            return "🖼 " + _("Developing")
        case "saving":
            return "💾 " + _("Almost there")


def bar(share: float) -> str:
    done = round(share * BAR)
    return "▓" * done + "░" * (BAR - done)


def caption(
    line: PromptLine,
    request: AnyRequest,
    *,
    seed: int,
    engine_seconds: float | None = None,
    remarks: Iterable[str] = (),
) -> str:
    """Under a result: the prompt, one line of facts, then what there is to say about it."""
    facts = [mode_name(request.kind)]
    if line.style not in (None, PLAIN_STYLE):
        facts.append(style_name(line.style))
    facts += [f"{request.width}×{request.height}", _("seed {seed}").format(seed=seed)]
    if engine_seconds:
        facts.append(seconds_taken(engine_seconds))
    text = f"{quote(line.prompt)}\n{' · '.join(facts)}"
    for said in remarks:
        longer = f"{text}\n💬 {said}"
        if visible_length(longer) > CAPTION_LIMIT:
            break
        text = longer
    return text


def visible_length(text: str) -> int:
    """How long Telegram takes a HTML text to be: UTF-16 units without the tags."""
    return len(html.unescape(re.sub(r"<[^>]*>", "", text)).encode("utf-16-le")) // 2


def mode_name(kind: str) -> str:
    return _("Full quality") if kind == "full" else _("Flash")


def style_name(slug: str | None) -> str:
    """In the language being spoken; None is no style."""
    style = styles().get(slug or PLAIN_STYLE)
    return style.name("ru" if _language() == "ru" else "en") if style else str(slug)


def remark(said: Remark) -> str:
    """Why something is not quite as it was asked for."""
    match said.code:
        case "nearest_size":
            return _("The nearest size I have is {ratio}.").format(ratio=said.detail)
        case "switched_to_full":
            return _("--{parameter} works in full quality only, so I took full quality.").format(parameter=said.detail)
        case "style_unknown_here":
            return _("This small model paints no styles, so I left out “{style}”.").format(
                style=style_name(said.detail)
            )
        case "mode_missing":
            return _("{mode} is not installed here, so I took the other mode.").format(mode=mode_name(said.detail))


def note(said: Note) -> str:
    """Something the engine found out while drawing."""
    detail = escape(shortened(said.detail, CAPTION_NOTE))
    match said.code:
        case "prompt_cut":
            return _("Too long to be read to the end. Not seen: “{text}”").format(text=detail)
        case "negative_cut":
            return _("What to avoid was too long. Not seen: “{text}”").format(text=detail)
        case "unknown_tokens":
            return _("The model does not know these characters: “{text}”").format(text=detail)
        case "leaner_retry":
            return _("Memory ran short, so I drew it in a leaner way.")


def unknown_words(words: Sequence[str], card: ModelCard | None) -> str:
    """Kindly: which words the small model has never seen, and what it does know."""
    named = ", ".join(_("“{word}”").format(word=escape(shortened(word, 24))) for word in words[:4])
    text = ngettext(
        "The small model does not know the word {words}.", "The small model does not know: {words}.", len(words)
    )
    example = next(iter(examples(card)), None) if card is not None else None
    hint = (
        " " + _("It understands, for example: {example}.").format(example=f"<i>{escape(example)}</i>")
        if example
        else ""
    )
    return text.format(words=named + ("…" if len(words) > 4 else "")) + hint


def examples(card: ModelCard | None) -> tuple[str, ...]:
    """Three sentences worth drawing with this checkpoint, in the language being spoken."""
    russian = _language() == "ru"
    if card is not None and (card.examples.ru if russian else card.examples.en):
        return (card.examples.ru if russian else card.examples.en)[:3]
    if card is not None and card.embedded:
        return ()
    return (
        _("a red fox asleep in fresh snow, morning light"),
        _("a lighthouse on a cliff in a storm, oil painting"),
        _("a cosy kitchen on a space station, cat by the window"),
    )


def cancelled(prompt: str) -> str:
    return "🚫 " + _("Cancelled.") + "\n" + quote(prompt)


def failed(prompt: str, failure: Failed, job_id: int) -> str:
    """What happened, whose fault it is, what to do, and an id the owner can look up."""
    happened, advice = _failure(failure.code)
    return f"⚠️ <b>{happened}</b>\n{advice}\n{quote(prompt)}\n<code>#{job_id}</code>"


def _failure(code: FailureCode) -> tuple[str, str]:
    match code:
        case "invalid_request":
            return _("The model refused these settings."), _("Try another size or fewer parameters.")
        case "missing_weights":
            return (
                _("This mode is not installed here."),
                _("Not your fault: the owner of the studio has to download it. Flash may work."),
            )
        case "out_of_memory":
            return (
                _("The graphics card ran out of memory, even in the leanest way of drawing."),
                _("Not your fault. A smaller picture or --n 1 should fit."),
            )
        case "engine_crashed" | "too_many_attempts":
            return (
                _("The drawing engine crashed on this request several times."),
                _("Not your fault, we have written down why. Changing the words a little often helps."),
            )
        case "timed_out":
            return _("This took far too long, so I stopped."), _("Not your fault. Try fewer pictures or fewer steps.")
        case "internal":
            return _("Something broke on our side."), _("Not your fault, we have written down why. Please try again.")


def recipe(line: PromptLine, recipe: Recipe, *, job_id: int | None = None, seeds: Sequence[int] = ()) -> str:
    """Everything that is needed to make the same picture again."""
    request = recipe.request
    rows = ["📜 <b>" + _("Recipe") + "</b>" + (f" <code>#{job_id}</code>" if job_id else "")]
    rows.append(f"<blockquote expandable>{escape(shortened(line.prompt, CAPTION_PROMPT))}</blockquote>")
    if line.style not in (None, PLAIN_STYLE):
        rows.append(_("Style: {style}").format(style=style_name(line.style)))
    if isinstance(request, TextToImage):
        if request.negative_prompt:
            rows.append(_("Avoid: {text}").format(text=escape(shortened(request.negative_prompt, 400))))
        rows.append(
            _("Mode: {mode}, {steps}, guidance {guidance}").format(
                mode=mode_name("full"), steps=steps_counted(request.steps), guidance=_number(request.guidance_scale)
            )
        )
    else:
        rows.append(_("Mode: {mode}, {steps}").format(mode=mode_name("flash"), steps=steps_counted(FLASH_STEPS)))
    rows.append(_("Size: {size}").format(size=f"{request.width}×{request.height}"))
    listed = seeds or (recipe.seed,)
    label = ngettext("Seed: {seeds}", "Seeds: {seeds}", len(listed))
    rows.append(label.format(seeds=", ".join(f"<code>{seed}</code>" for seed in listed)))
    revisions = ", ".join(f"{net} {revision[:12]}" for net, revision in recipe.checkpoints.items())
    if revisions:
        rows.append(_("Model: {model}").format(model=escape(shortened(revisions, 300))))
    rows.append(_("Program: {version}").format(version=escape(shortened(recipe.code_version, 60))))
    rows.append(f"<pre>{escape(shortened(write(line), 2300))}</pre>")
    return "\n".join(rows)


def deleting(count: int) -> str:
    return ngettext(
        "Delete {n} picture for good? The file goes too.",
        "Delete {n} pictures for good? The files go too.",
        count,
    ).format(n=count)


def steps_counted(count: int) -> str:
    return ngettext("{n} step", "{n} steps", count).format(n=count)


def _number(value: float) -> str:
    return str(format_decimal(value, locale=_language()))


def _language() -> str:
    return catalogues().current_locale
