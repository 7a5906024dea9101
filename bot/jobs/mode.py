"""What the bot must know of a mode: how it is asked for, composed, titled, shown, changed. One frozen value a mode.

Nothing in this package knows a mode by its name. The composition root hands the registry of them all to the studio,
and whoever works on a request looks its mode up there. `StudioT` is what handlers are given (`bot.jobs.studio.Studio`),
which knows the registry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from aiogram import Router
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot.jobs.compose import Asked, Composition, ModeMissing, Remark
from bot.jobs.origin import Origin
from bot.prompt import Misplaced, PromptLine
from bot.store import Given, Person
from bot.telegram.callbacks import Ours
from bot.texts.errors import ToldError
from bot.texts.html import quote, shortened
from bot.texts.i18n import _
from inference.queue.jobs import Job
from inference.requests import AnyRequest, Kind, ModelCard, Outcome, Progress

WISH_CHARS = 80

StudioT = TypeVar("StudioT")

View = Literal["grid", "picture", "more", "photo"]
"""Where buttons stand: under several pictures, under one, under one unfolded, under a photo that came without words."""

Begin = Callable[[StudioT, Origin, Person, Given, str], Awaitable[None]]
"""Does what was asked for with a picture; the last is what the person said to it, parameters included."""

Join = Callable[[Origin, Sequence[Given], str], Awaitable[None]]
"""Adds pictures, and what was said to them, to what is being put together."""


@dataclass(frozen=True)
class Pressed:
    """A press on an `Action`. `key` is what it orders with, `called` addresses the presser in a group, in HTML."""

    person: Person
    given: Given
    key: str
    called: str


Run = Callable[[StudioT, Origin, Pressed], Awaitable[None]]
"""Does what an `Action` says."""


@dataclass(frozen=True)
class Action(Generic[StudioT]):
    """A button that makes something out of a picture.

    `text` is the English source of what stands on it, `elsewhere` that in views where it is another, `at` its row and
    place in each view, `served_by` the kinds of which one must be there. What `orders` is ordered once while it waits;
    a press on any other has been answered when `run` is called.
    """

    name: str
    icon: str
    text: str
    served_by: tuple[Kind, ...]
    at: Mapping[View, tuple[int, int]]
    run: Run[StudioT]
    orders: bool = True
    elsewhere: Mapping[View, str] = field(default_factory=dict)

    def called(self, view: View) -> str:
        """The English source of what stands on it in a view."""
        return self.elsewhere.get(view, self.text)


@dataclass(frozen=True)
class Routers:
    """Handlers of a mode's own: before all commands, in its place among the modes, and after everybody else."""

    first: Router | None = None
    among: Router | None = None
    last: Router | None = None


def _no_rows(request: Any, name: str) -> list[str]:
    return []


def _nothing_said(request: Any) -> Mapping[str, Any]:
    return {}


def _nothing_other(request: Any, tile: int) -> Mapping[str, Any]:
    return {}


def _no_keys(view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
    return []


@dataclass(frozen=True, kw_only=True)
class Mode(Generic[StudioT]):
    """One thing that people ask for. Texts are English sources, to be translated where they are said.

    Asking. `name` stands in stored drafts. `commands`: the first is listed, with `about`. `spoken` are patterns that a
    wish about a picture may begin with. `parameters` are those that its line takes. `served_by` are the kinds that
    serve it, the best first. `claims` says whether a caption without a command means this mode, `of_captions` takes all
    others. `begin` does what a command or a caption says with a picture, `begin_bare` what a command says without one;
    `album` does it with several, unless they are "collected" by the mode that `collects(studio, owner, chat, answered)`
    just now for a person in a chat, or for what the `answered` message shows; `joined(studio, origin, album)` takes
    parts of an album that come late, where the others have begun something to which they can be added.

    Telling. `requests` are the types that it answers for, `names` what their kinds are called. `tells_all` says whether
    their words are of all that the picture shows, and not of a part or of nothing. `title(request, words)` is empty
    where the words say everything. `settings(request, name)` are rows of a recipe, `remarks` are texts by code.
    `status` and `ending` put what a request that makes words looks like while it is worked on, and how it ends.

    Changing. `line(request)` are the parameters that a line needs, besides words and seeds, to draw this again,
    `tile_line(request, tile)` those that are others in the line of one picture alone.
    `reword(request, line, said, asked)` composes it anew with other words: `line` is the old one with what is `said`
    now in it; None where it has no words. `reword_parameters(request)` are those that may be said then.

    `of_house(tools, job)` brings what the house has drawn by such a request, or why it has not, to whoever waits for
    it; it may be called again for the same end.

    Buttons. `actions` make something of a picture; `keys(view, request, target, card)` are more buttons under what a
    request has drawn, `target` being the job of a grid and the picture elsewhere. `buttons` are classes of its own,
    `keyboard` builds anew what stands where such a button was pressed.
    """

    name: str
    requests: tuple[type[Any], ...] = ()
    names: Mapping[Kind, str] = field(default_factory=dict)
    tells_all: bool = True
    served_by: tuple[Kind, ...] = ()
    commands: tuple[str, ...] = ()
    about: str = ""
    spoken: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    claims: Callable[[str], bool] | None = None
    of_captions: bool = False
    begin: Begin[StudioT] | None = None
    begin_bare: Callable[[StudioT, Origin, str], Awaitable[None]] | None = None
    album: Literal["refused", "collected"] | Callable[..., Awaitable[None]] = "refused"
    collects: Callable[[StudioT, int, int, Message | None], Awaitable[Join | None]] | None = None
    joined: Callable[[StudioT, Origin, str], Awaitable[Join | None]] | None = None
    title: Callable[[Any, str], str] | None = None
    settings: Callable[[Any, str], list[str]] = _no_rows
    remarks: Mapping[str, str] = field(default_factory=dict)
    status: Callable[[str, Any, Progress], str] | None = None
    ending: Callable[[Any, PromptLine, Outcome, int], tuple[str, InlineKeyboardMarkup] | None] | None = None
    line: Callable[[Any], Mapping[str, Any]] = _nothing_said
    tile_line: Callable[[Any, int], Mapping[str, Any]] = _nothing_other
    reword: Callable[[Any, PromptLine, PromptLine, Asked], Composition] | None = None
    of_house: Callable[[Any, Job], Awaitable[None]] | None = None
    reword_parameters: Callable[[Any], tuple[str, ...]] | None = None
    of_words_alone: bool = False
    actions: tuple[Action[StudioT], ...] = ()
    keys: Callable[[View, AnyRequest, int, ModelCard | None], list[InlineKeyboardButton]] = _no_keys
    buttons: tuple[type[Ours], ...] = ()
    keyboard: Callable[[StudioT, Any, int], Awaitable[InlineKeyboardMarkup | None]] | None = None
    routers: Callable[[], Routers] = Routers

    def offered(self, card: ModelCard | None) -> bool:
        """Whether one of the kinds that serve it has its weights, where it needs any; everything is while nobody
        knows."""
        return not self.served_by or offered(card, self.served_by)


def offered(card: ModelCard | None, served_by: Sequence[Kind]) -> bool:
    """Whether one of these kinds has its weights; each has while nobody knows."""
    return card is None or any(kind in card.kinds for kind in served_by)


class Modes(Generic[StudioT]):
    """All modes, in the order in which commands are listed and keys are put. Refuses what two of them claim."""

    def __init__(self, modes: Sequence[Mode[StudioT]]) -> None:
        self._modes = tuple(modes)
        self._by_name = _unique("name", ((mode.name, mode) for mode in modes))
        self._by_command = _unique("command", ((name, mode) for mode in modes for name in mode.commands))
        self._by_request = _unique("request type", ((kind, mode) for mode in modes for kind in mode.requests))
        self._by_button = _unique("button", ((kind, mode) for mode in modes for kind in mode.buttons))
        self._actions = _unique("action", ((one.name, one) for mode in modes for one in mode.actions))
        self._names = _unique("kind", ((kind, name) for mode in modes for kind, name in mode.names.items()))
        self._remarks = _unique("remark", ((code, text) for mode in modes for code, text in mode.remarks.items()))
        _unique("prefix", ((kind.__prefix__, mode) for mode in modes for kind in mode.buttons))

    def __iter__(self) -> Iterator[Mode[StudioT]]:
        return iter(self._modes)

    def named(self, name: str) -> Mode[StudioT]:
        return self._by_name[name]

    def commanded(self, command: str) -> Mode[StudioT] | None:
        return self._by_command.get(command)

    def of(self, request: AnyRequest) -> Mode[StudioT]:
        """The mode that answers for a request."""
        return self._by_request[type(request)]

    def of_button(self, button: Ours) -> Mode[StudioT] | None:
        """The mode whose button this is, if it is one's own."""
        return self._by_button.get(type(button))

    def action(self, name: str) -> Action[StudioT] | None:
        return self._actions.get(name)

    def actions(self, view: View) -> list[list[Action[StudioT]]]:
        """What can be made of a picture in a view, row by row."""
        placed = sorted((one.at[view], one.name) for one in self._actions.values() if view in one.at)
        rows: dict[int, list[Action[StudioT]]] = {}
        for (row, _place), name in placed:
            rows.setdefault(row, []).append(self._actions[name])
        return list(rows.values())

    def keys(self, view: View, request: AnyRequest, target: int, card: ModelCard | None) -> list[InlineKeyboardButton]:
        """What modes put under what a request has drawn, besides actions."""
        return [key for mode in self._modes for key in mode.keys(view, request, target, card)]

    def kind_name(self, kind: Kind) -> str:
        """What a kind of request is called where a person chooses it or misses it."""
        return _(self._names[kind]) if kind in self._names else kind

    def remark(self, said: Remark) -> str:
        """Why something is not quite as it was asked for, in HTML; "" where no mode has anything to say of it."""
        text = self._remarks.get(said.code)
        return "" if text is None else _(text).format(detail=said.detail)

    def title(self, request: AnyRequest, words: str) -> str:
        """What is to be done, in a few words; empty where the words alone say everything."""
        title = self.of(request).title
        return "" if title is None else title(request, words)

    def wish(self, request: AnyRequest, words: str) -> str:
        """What somebody has asked for, as HTML: the title where there is one, and their words."""
        title = self.title(request, words)
        return "\n".join(
            part for part in (title and f"<b>{title}</b>", quote(words) if words or not title else "") if part
        )

    def plain_wish(self, request: AnyRequest, words: str, limit: int = WISH_CHARS) -> str:
        """The same in one line without tags, not escaped."""
        return shortened(" · ".join(part for part in (self.title(request, words), words) if part), limit)

    def line(self, request: AnyRequest, tile: int | None = None) -> PromptLine:
        """A line that draws what a request draws, but for pictures it works from; only one tile of it if given."""
        words = " ".join(request.words.split())
        line = PromptLine(prompt=words, seed=request.seeds[0], n=len(request.seeds))
        line = replace(line, **self.of(request).line(request))
        return line if tile is None else self.line_alone(line, request, tile)

    def line_alone(self, line: PromptLine, request: AnyRequest, tile: int) -> PromptLine:
        """The line that draws one picture alone of those that a line has drawn."""
        return replace(line, seed=request.seeds[tile], n=1, **self.of(request).tile_line(request, tile))

    def editable(self, request: AnyRequest) -> bool:
        """Whether a request has words that could be others."""
        mode = self.of(request)
        return bool(request.words) and (mode.reword is not None or mode.of_words_alone)

    def parsed_by(self, parameter: str) -> tuple[str, ...]:
        """Commands that take a parameter."""
        return tuple(mode.commands[0] for mode in self._modes if mode.commands and parameter in mode.parameters)

    def complete(self, error: ToldError) -> None:
        """Fills in what an error tells of other modes than the one that has raised it."""
        if isinstance(error, Misplaced) and not error.commands:
            error.commands = self.parsed_by(error.parameter)
        if isinstance(error, ModeMissing):
            error.name = self.kind_name(error.mode)


Key = TypeVar("Key")
Value = TypeVar("Value")


def _unique(what: str, pairs: Iterator[tuple[Key, Value]]) -> dict[Key, Value]:
    found: dict[Key, Value] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"two modes claim the {what} {key!r}")
        found[key] = value
    return found
