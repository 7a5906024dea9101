"""What became of everything that people have asked for, read off their chats alone.

A chat is the playground's transcript: messages as people see them, in order, edits applied. Beside it stand the asks
(which messages of a person ask for what) and the presses. What a message is, its buttons tell, in any language.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Message = dict[str, Any]
Chats = Mapping[int, Sequence[Message]]
Wish = Literal["draw", "menu", "mix", "words", "help", "settings", "history"]

ANSWER_SECONDS = 50.0  # a client's spinner; Telegram takes answers for a minute

# Presses after which something is drawn. One that shows what there is once more costs nobody anything.
_ORDERING = ("j:again:", "j:retry:", "j:repeat:", "p:full:", "p:repeat:", "o:", "m:start:", "k:start:")
# Answers that do not say which message they answer are told by what only they have.
_UNTHREADED: dict[str, str] = {"help": "g:", "settings": "s:", "history": "h:"}


@dataclass(frozen=True)
class Ask:
    """What a person has sent: one message, or the parts of an album. `draw` ends in a picture or in words why not."""

    wish: Wish
    chat: int
    person: int
    messages: tuple[int, ...]


@dataclass(frozen=True)
class Press:
    """A pressed button. `answered` is whether the client's spinner ended, `told` what it was told; with `brings` the
    press asks for a message in answer to the one that it is under. `at` is when it was pressed (Unix time), `query`
    Telegram's id of it, `late` whether the answer came when the client had given up, after kills (`came_late`)."""

    chat: int
    person: int
    message: int
    data: str
    answered: bool
    told: str | None = None
    brings: bool = False
    at: float = 0.0
    query: str = ""
    late: bool = False


@dataclass(frozen=True)
class Answer:
    """A try of the bot to answer a press: when (Unix time), and the status of what Telegram said; 0 for nothing."""

    at: float
    status: int


@dataclass(frozen=True)
class Orphan:
    """A status message of something that has ended in another message, or has a second status: it says for ever that
    it waits. `person` is who has asked."""

    chat: int
    person: int
    message: int


@dataclass
class Verdict:
    """Sentences by kind of failure, and how often what cannot be helped has happened."""

    lost: list[str] = field(default_factory=list)  # an ask without an answer, a press without what it asked for
    torn: list[str] = field(default_factory=list)  # an album of which only a part was seen
    twice: list[str] = field(default_factory=list)  # one ask, two results or two living statuses
    stuck: list[str] = field(default_factory=list)  # nothing but a status that says waiting or drawing for ever
    unanswered: list[str] = field(default_factory=list)  # presses whose spinner did not end, and not for want of time
    late: int = 0  # presses that were answered when nobody waited any more, because the bot had been killed meanwhile
    orphans: list[Orphan] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)  # small answers that came twice
    apologies: int = 0  # answers that are an error of ours
    answered: Counter[str] = field(default_factory=Counter)
    kept: Counter[int] = field(default_factory=Counter)  # by chat, requests that a card says are kept for want of room

    @property
    def faults(self) -> tuple[str, ...]:
        """What must never be, whatever was killed: lost, torn, twice, stuck, unanswered."""
        return (*self.lost, *self.torn, *self.twice, *self.stuck, *self.unanswered)

    @property
    def open(self) -> int:
        """How many of them more time may mend."""
        return len(self.lost) + len(self.stuck) + len(self.torn) + len(self.unanswered)


def judge(chats: Chats, asks: Sequence[Ask], presses: Sequence[Press]) -> Verdict:
    """Looks at chats that have come to rest."""
    verdict = Verdict(kept=Counter({chat: sum(map(kept_by, messages)) for chat, messages in chats.items()}))
    answers = _threads(chats)
    for ask in asks:
        if ask.wish not in _UNTHREADED:
            found = [message for part in ask.messages for message in answers[ask.chat, part]]
            _judge_answers(verdict, ask, found)
    for wish in _UNTHREADED:
        for chat in chats:
            _judge_unthreaded(verdict, chat, wish, chats[chat], [a for a in asks if (a.chat, a.wish) == (chat, wish)])
    for press in presses:
        _judge_press(verdict, press, answers[press.chat, press.message])
    return verdict


def came_late(press: Press, answers: Sequence[Answer], kills: Sequence[float]) -> bool:
    """Whether a press without an answer has had one that its client did not wait for, and a kill of the bot in between
    is why. An answer in time that Telegram has refused is no such excuse; a lost one, or an error of its own, is."""
    over = press.at + ANSWER_SECONDS
    return (
        any(press.at <= kill < over for kill in kills)
        and any(answer.at >= over for answer in answers)
        and not any(answer.at < over and 200 <= answer.status < 500 for answer in answers)
    )


def is_status(message: Message) -> bool:
    """A message that says waiting or drawing: it offers to cancel and to tell the place in line."""
    return any(data.startswith("j:queue:") for data in buttons_of(message))


def is_stopping(message: Message) -> bool:
    """A message that says that what it was for is being stopped: there is nothing to press any more."""
    return not buttons_of(message) and (message["text"] or message["caption"] or "").startswith("⏹")


def is_result(message: Message) -> bool:
    """A finished picture, or several: a photo whose files can be had."""
    return bool(message["photo"]) and any(data.startswith(("j:files:", "p:file:")) for data in buttons_of(message))


def buttons_of(message: Message) -> list[str]:
    """What the buttons of a message carry."""
    return [key["data"] for row in message["buttons"] for key in row if key["data"]]


def kept_by(message: Message) -> int:
    """How many requests a card stands for besides the one that it answers: they found no room and are kept, as its
    button counts them."""
    keys = [key for row in message["buttons"] for key in row if (key["data"] or "").startswith("q:take:")]
    count = "".join(filter(str.isdigit, keys[0]["text"])) if keys and _ours(message) else ""
    return int(count or 1) - 1


def says_sorry(message: Message) -> bool:
    """Words that end with the number of an error of ours."""
    text = message["text"] or ""
    return not buttons_of(message) and any(
        entity["type"] == "code" and entity["offset"] + entity["length"] == len(text) and entity["length"] == 6
        for entity in message["entities"]
    )


def answers_to(messages: Sequence[Message], ask: Ask) -> list[Message]:
    """What the bot has said to an ask so far."""
    if ask.wish in _UNTHREADED:
        return [m for m in messages if _ours(m) and m["id"] > ask.messages[-1] and _fits(ask, m)]
    return [message for message in messages if _ours(message) and message["reply_to"] in ask.messages]


def _ours(message: Message) -> bool:
    return bool(message["from"]["is_bot"]) and not message["deleted"]


def _was_dropped(message: Message) -> bool:
    """A mix in the making was an answer, also where its person has dropped it since, or more pictures have moved it."""
    dropped = bool(message["from"]["is_bot"]) and message["deleted"]
    return dropped and any(data.startswith("m:") for data in buttons_of(message))


def _threads(chats: Chats) -> defaultdict[tuple[int, int], list[Message]]:
    found: defaultdict[tuple[int, int], list[Message]] = defaultdict(list)
    for chat, messages in chats.items():
        for message in messages:
            if (_ours(message) or _was_dropped(message)) and message["reply_to"] is not None:
                found[chat, message["reply_to"]].append(message)
    return found


def _judge_answers(verdict: Verdict, ask: Ask, answers: Sequence[Message]) -> None:
    """One ask whose answers say what they answer."""
    name = _name(ask)
    alive = [message for message in answers if is_status(message)]
    results = [message for message in answers if is_result(message)]
    stopping = [message for message in answers if is_stopping(message)]
    words = [message for message in answers if not (is_status(message) or is_result(message) or is_stopping(message))]
    sorry = [message for message in words if says_sorry(message)]
    verdict.apologies += len(sorry)
    if not answers and ask.wish == "draw" and verdict.kept[ask.chat] > 0:
        verdict.kept[ask.chat] -= 1
        verdict.answered["kept"] += 1
        return
    if not answers:
        verdict.lost.append(f"{name}: no answer")
        return
    if len(results) > 1:
        verdict.twice.append(f"{name}: {len(results)} results")
    ended = bool(results or words)
    verdict.stuck += [f"{name}: {_first_line(message)!r}" for message in stopping]
    if not ended and alive:
        verdict.stuck.append(f"{name}: {_first_line(alive[0])!r}")
        alive = alive[1:]
        if alive:
            verdict.twice.append(f"{name}: {1 + len(alive)} living statuses")
    verdict.orphans += [Orphan(ask.chat, ask.person, message["id"]) for message in alive]
    if len(words) + len(results) > 1 and len(results) < 2:
        verdict.repeated.append(f"{name}: {[_first_line(message) for message in (*results, *words)]}")
    _judge_album(verdict, ask, words)
    verdict.answered["picture" if results else "words" if ended else "nothing"] += 1


def _judge_album(verdict: Verdict, ask: Ask, words: Sequence[Message]) -> None:
    """Every part of an album is in the one mix; a mix that was ordered has no buttons left to count by."""
    if ask.wish != "mix":
        return
    sizes = [_pictures_in(message) for message in words if any(d.startswith("m:") for d in buttons_of(message))]
    menus = [message for message in words if any(data.startswith("o:") for data in buttons_of(message))]
    if menus or (sizes and max(sizes) < len(ask.messages)):
        verdict.torn.append(f"{_name(ask)}: {len(ask.messages)} pictures came as {sizes} and {len(menus)} alone")


def _pictures_in(message: Message) -> int:
    return sum(data.startswith("m:less:") for data in buttons_of(message))


def _judge_unthreaded(verdict: Verdict, chat: int, wish: str, messages: Sequence[Message], asks: Sequence[Ask]) -> None:
    """Each ask takes the first fitting answer after it that no other has taken; what is left over came twice."""
    free = [message for message in messages if _ours(message) and _is(wish, message)]
    replies = {message["reply_to"] for message in messages if _ours(message)}
    for ask in sorted(asks, key=lambda ask: ask.messages):
        answer = next((message for message in free if message["id"] > ask.messages[-1]), None)
        if ask.messages[-1] in replies:  # an apology, or that there is nothing yet
            verdict.answered["words"] += 1
        elif answer is not None:
            free.remove(answer)
            verdict.answered["words"] += 1
        else:
            verdict.lost.append(f"{_name(ask)}: no answer")
    verdict.repeated += [f"chat {chat}: {wish} once more as message {message['id']}" for message in free]


def _fits(ask: Ask, message: Message) -> bool:
    return _is(ask.wish, message) or message["reply_to"] == ask.messages[-1]


def _is(wish: str, message: Message) -> bool:
    mark = _UNTHREADED[wish]
    if mark.endswith(":"):
        return any(data.startswith(mark) for data in buttons_of(message))
    return mark in (message["text"] or "")


def _judge_press(verdict: Verdict, press: Press, replies: Sequence[Message]) -> None:
    name = f"chat {press.chat}, person {press.person}: {press.data} under message {press.message}"
    if press.late:
        verdict.late += 1
    elif not press.answered:
        verdict.unanswered.append(f"{name}: the press was not answered")
    if not press.brings or press.told:
        return
    alive = [message for message in replies if is_status(message)]
    if not replies:
        verdict.lost.append(f"{name}: nothing came of it")
    elif len(alive) == len(replies):
        verdict.stuck.append(f"{name}: {_first_line(alive[0])!r}")
        verdict.orphans += [Orphan(press.chat, press.person, message["id"]) for message in alive[1:]]
    else:
        verdict.orphans += [Orphan(press.chat, press.person, message["id"]) for message in alive]
        results = sum(is_result(message) for message in replies) if press.data.startswith(_ORDERING) else 0
        answers = len({message["album"] or message["id"] for message in replies}) - len(alive)
        if results > 1:
            verdict.twice.append(f"{name}: {results} results")
        elif answers > 1:
            verdict.repeated.append(f"{name}: {answers} answers")


def _name(ask: Ask) -> str:
    return f"chat {ask.chat}, person {ask.person}, message {', '.join(map(str, ask.messages))} ({ask.wish})"


def _first_line(message: Message) -> str:
    return (message["text"] or message["caption"] or "").partition("\n")[0][:80]
