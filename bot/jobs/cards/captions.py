"""Under a result: the words, the facts, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot.jobs.cards.words import seconds_taken
from bot.jobs.compose import Remark
from bot.jobs.mode import Modes
from bot.prompt import PromptLine
from bot.prompt.styles import PLAIN_STYLE, style_name
from bot.texts.html import escape, shortened, visible_length
from bot.texts.i18n import _, ngettext, spoken
from inference.requests import AnyRequest, ModelCard, Note

CAPTION_LIMIT = 1024
CAPTION_NOTE = 140


def caption(
    modes: Modes[Any],
    line: PromptLine,
    request: AnyRequest,
    *,
    seed: int,
    engine_seconds: float | None = None,
    remarks: Iterable[str] = (),
    before: str = "",
) -> str:
    """Under a result: what comes `before` all else, the wish, one line of facts, then what there is to say about it."""
    facts = [] if modes.title(request, line.prompt) else [modes.kind_name(request.kind)]  # a title has said it already
    if line.style not in (None, PLAIN_STYLE):
        facts.append(style_name(line.style))
    width, height = request.size
    facts += [f"{width}×{height}", _("seed {seed}").format(seed=seed)]
    if engine_seconds:
        facts.append(seconds_taken(engine_seconds))
    text = "\n".join(filter(None, (before, modes.wish(request, line.prompt), " · ".join(facts))))
    for said in remarks:
        longer = f"{text}\n💬 {said}"
        if visible_length(longer) > CAPTION_LIMIT:
            break
        text = longer
    return text


def remark(modes: Modes[Any], said: Remark) -> str:
    """Why something is not quite as it was asked for."""
    match said.code:
        case "nearest_size":
            return _("The nearest size I have is {ratio}.").format(ratio=said.detail)
        case "fewer_pictures":
            return ngettext(
                "No more than {n} picture at once here.", "No more than {n} pictures at once here.", int(said.detail)
            ).format(n=said.detail)
        case "switched_to_full":
            return _("--{parameter} works in full quality only, so I took full quality.").format(parameter=said.detail)
        case "style_unknown_here":
            return _("This small model does not paint in the style “{style}”, so I left it out.").format(
                style=style_name(said.detail)
            )
        case "mode_missing":
            return _("{mode} is not installed here, so I took the other mode.").format(
                mode=modes.kind_name(said.detail)
            )
        case "not_translated":
            return _("I could not translate your words, so I drew them as they are.")
        case "translation_cut":
            return _("Your words were too long to be translated to the end.")
    return modes.remark(said)


def note(said: Note) -> str:
    """Something the engine found out while drawing."""
    detail = escape(shortened(said.detail, CAPTION_NOTE))
    match said.code:
        case "prompt_cut":
            return _("Too long to be read to the end. Not seen: “{text}”").format(text=detail)
        case "negative_cut":
            return _("What to avoid was too long. Not seen: “{text}”").format(text=detail)
        case "unknown_tokens":
            return _("The model cannot read part of these words.")
        case "leaner_retry":
            return _("Memory ran short, so I drew it in a leaner way.")
        case "float32_retry":
            return _("The model’s numbers grew too large for quick arithmetic, so I drew it more exactly.")
        case "experimental":
            return _("An experiment: nobody has trained the model for this, so take it as a quick sketch.")
        case "cut_short":
            return _("The text had to be cut short.")
        case "timed_out":
            return _("This took far too long, so I stopped. What you see was ready.")


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
    russian = spoken() == "ru"
    if card is not None and (card.examples.ru if russian else card.examples.en):
        return (card.examples.ru if russian else card.examples.en)[:3]
    if card is not None and card.small_world:
        return ()
    return (
        _("a red fox asleep in fresh snow, morning light"),
        _("a lighthouse on a cliff in a storm, oil painting"),
        _("a cosy kitchen on a space station, cat by the window"),
    )


def deleting(count: int) -> str:
    return ngettext(
        "Delete {n} picture for good? The file goes too.",
        "Delete {n} pictures for good? The files go too.",
        count,
    ).format(n=count)
