"""Groups, those who speak for them, strangers, guests, and presses that no honest client makes."""

from __future__ import annotations

from tests.bot.conversation.forging import Forger
from tests.bot.conversation.painter import ALL_MODES, BIG
from tests.characterisation.flows.registry import flow
from tests.characterisation.stage import Stage, picture

GROUP, FOXES, NEWS = -500, -1000000000011, -1000000000077
RED, BLUE = (220, 40, 40), (30, 60, 210)


@flow
async def a_group(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, boris = stage.person("Anna", 1001, "en", GROUP), stage.person("Борис", 1002, "ru", GROUP)
    about = {"chat": GROUP, "title": "Painters", "type": "supergroup", "members": [1001, 1002], "privacy": False}
    await anna.person.post("chat", about)
    me = (await anna.person.get("bots"))["bots"][0]["username"]
    await anna.says("hello everybody, a red circle")
    await anna.says("/help")
    await anna.says("/imagine a red circle --seed 1")
    single = await anna.last()
    await anna.says(f"@{me} a blue cat --n 2 --seed 1")
    await anna.says("Thank you so much!", reply_to=single)
    await boris.says("зелёный круг --seed 1", reply_to=single)
    for button in ("☆", "🗑", "Subtle", "Extend", "Again", "Edit", "More"):
        await boris.presses(button, under=single)
    await anna.presses("Edit", under=single)
    asked = await anna.last()
    await boris.says("a green meadow", reply_to=asked)
    await anna.says("a green meadow", reply_to=asked)
    await anna.sends(picture(RED), caption="our holidays")
    await anna.sends(picture(RED), picture(BLUE))
    await anna.sends(picture(BLUE), caption=f"@{me} as a watercolour")
    await anna.says(f"/mix@{me}")
    await boris.presses("Never mind")
    await anna.says("/inpaint", reply_to=single)
    await boris.presses("▫️")
    await boris.says(f"/queue@{me}")
    await boris.says("/teapot")
    await boris.says("/info", reply_to=single)
    await boris.says("/vary", reply_to=single)


@flow
async def who_speaks_for_a_group(stage: Stage) -> None:
    await stage.open(BIG)
    anna, boris = stage.person("Anna", 1001, "en", FOXES), stage.person("Boris", 1002, "en", FOXES)
    eva = stage.person("Eva", 1005, "en", FOXES)
    await anna.says("/help")
    await anna.person.post("chat", {"chat": FOXES, "admins": [1001], "title": "Foxes"})
    await anna.says("/imagine a red circle --seed 1", sender_chat=FOXES)
    await boris.presses("☆")
    await anna.presses("☆")
    await anna.presses("Edit")
    await anna.says("/history", sender_chat=FOXES)
    await boris.presses("1")
    await anna.presses("1")
    await anna.says("/settings", sender_chat=FOXES)
    await boris.presses("Done")
    await anna.presses("Done")
    await eva.person.post("chat", {"chat": NEWS, "type": "channel", "title": "News", "admins": [1005]})
    await eva.says("/imagine a red circle --seed 1", sender_chat=NEWS)
    await eva.presses("☆")


@flow
async def guests(stage: Stage) -> None:
    await stage.open(BIG, allowed_users=frozenset({1001, GROUP}))
    anna, boris = stage.person("Anna", 1001), stage.person("Борис", 1002, "ru")
    eva = stage.person("Eva", 1005, "en", GROUP)
    await boris.says("синий кот")
    await boris.sends(picture(RED))
    await boris.says("/start")
    await anna.says("a red circle --n 1 --seed 1")
    await eva.says("/imagine a red circle --seed 1")
    await eva.presses("☆")


@flow
async def presses_that_nobody_could_make(stage: Stage) -> None:
    await stage.open(ALL_MODES)
    anna, boris = stage.person("Anna", 1001), stage.person("Boris", 1002)
    await anna.says("a red circle --n 2 --seed 1")
    await boris.says("a blue cat --n 1 --seed 1")
    forger = Forger(stage.house)
    message = await boris.person.message(4)
    for data in (
        "nonsense", "", "j:cancel:²", "j:again:1", "j:delete:1", "p:star:1", "p:open:99", "h:1001:0:0:open:1",
        "s:1001:menu:", "c:1001", "m:start:1:0", "k:start:1", "a:go:1:0", "x:left:1", "w:new:1", "w:new:2", "y:nothing",
        "e:99", "f:repeat", "o:vary:1:0", "o:vary:0:9", "j:retry:2", "j:queue:2", "j:cancel:2",
    ):  # fmt: skip

        async def press(data: str = data) -> None:
            await forger.press(1002, data, forger.carrying(message, data))

        await stage.act(f"Boris presses {data!r} under #4", press)


@flow
async def telegram_refuses(stage: Stage) -> None:
    await stage.open(BIG)
    anna = stage.person("Anna", 1001)
    stage.hold()
    await anna.says("a red circle --n 1 --seed 1")
    await anna.person.post("faults", {"method": "editMessageMedia", "count": 1, "status": 400,
                                      "description": "Bad Request: message to edit not found"})  # fmt: skip
    await stage.let_go()
    await anna.person.post("faults", {"method": "editMessageMedia", "count": 1, "status": 400,
                                      "description": "Bad Request: IMAGE_PROCESS_FAILED"})  # fmt: skip
    await anna.says("a blue cat --n 1 --seed 1")
