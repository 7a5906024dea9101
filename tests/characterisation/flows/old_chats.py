"""The bot of today is started over a database and chats of the past, and every kind of button there is pressed."""

from __future__ import annotations

from tests.bot.conversation.painter import ALL_MODES, offering
from tests.characterisation.flows.registry import flow_over
from tests.characterisation.old_database import lay_out
from tests.characterisation.stage import Actor, Stage, picture
from tests.e2e.chat import Message

EVERYTHING = offering(ALL_MODES, *ALL_MODES.kinds, "beautify", "translate")
LAST = ("delete", "really", "drop", "close")  # what these do to a message leaves nothing to press under it


@flow_over(lay_out)
async def a_database_of_the_past_goes_on(stage: Stage) -> None:
    """What waited is drawn, what nobody has seen is shown, what was written down and not handled is handled."""
    await _resumed(stage)
    stage.write("", *stage.rows("select id, state, shown_at is not null, message_id from jobs order by id"))
    stage.write("", *stage.rows("select id, kind, message_id, closed_at is null from drafts order by id"))
    stage.write("", *stage.rows("select update_id is not null, handled_at is null, set_aside from inbox"
                                " where handled_at is null order by update_id"))  # fmt: skip
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    for command in ("/history", "/tree", "/queue"):
        await anna.says(command)
    await anna.says("/info", reply_to=int((await anna.newest("⬆ 1"))["id"]))
    await vera.says("/settings")


@flow_over(lay_out)
async def buttons_of_the_past(stage: Stage) -> None:
    """One of every kind of button that stands under the messages of that day."""
    await _resumed(stage, told=False)
    people = [stage.person("Anna", 1001), stage.person("Вера", 1003, "ru"), stage.person("Anna", 1001, "en", -500)]
    keys = [(actor, *key) for actor in people for message in await actor.person.messages() for key in _keys(message)]
    keys.sort(key=lambda key: key[2].split(":")[1] in LAST or key[2].startswith("a:go"))
    pressed: set[str] = set()
    for actor, number, data in keys:
        kind = _kind(data)
        if kind not in pressed and data in [it[1] for it in _keys(await actor.person.message(number))]:
            pressed.add(kind)
            await actor.presses_data(data, under=number)


@flow_over(lay_out)
async def questions_of_the_past(stage: Stage) -> None:
    """What was asked that day is answered."""
    await _resumed(stage, told=False)
    anna, vera = stage.person("Anna", 1001), stage.person("Вера", 1003, "ru")
    await anna.says("a glass house --n 1", reply_to=await _asked(anna, "What shall it become"))
    await anna.says("a balloon --n 1", reply_to=await _asked(anna, "What shall be there"))
    await anna.says("a blue circle --n 1", reply_to=await _asked(anna, "Tap the words"))
    await vera.sends(picture((220, 40, 40)))
    await vera.presses("Готово")
    await vera.presses("▶️")


async def _resumed(stage: Stage, *, told: bool = True) -> None:
    stage.in_order = True
    stage.house.painter.slots = 1
    stage.hold()
    await stage.open(EVERYTHING)
    await stage.let_go()
    if not told:
        stage.lines.clear()


async def _asked(actor: Actor, words: str) -> int:
    """The message that asks so."""
    there = [it for it in await actor.person.messages() if not it["deleted"]]
    return next(int(it["id"]) for it in there if words in (it["text"] or ""))


def _keys(message: Message) -> list[tuple[int, str]]:
    if message["deleted"]:
        return []
    return [(int(message["id"]), str(key["data"])) for row in message["buttons"] for key in row if key["data"]]


def _kind(data: str) -> str:
    """What makes a button another kind: its class, its action, whether it is of a picture of ours or of a given one."""
    prefix, *fields = data.split(":")
    if prefix == "o":
        return f"o:{fields[0]}:{fields[1] == '0'}"
    words = [field for field in fields if not field.lstrip("-").isdigit()]
    return ":".join((prefix, *words)) if prefix != "y" else "y"
