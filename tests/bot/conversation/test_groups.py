"""In a group is seen what was made there: pictures, families, requests. What is another's is called by its name."""

from __future__ import annotations

from collections.abc import Callable

from bot.telegram.callbacks import PageButton
from tests.bot.conversation.conftest import House
from tests.bot.conversation.forging import Forger
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result

GROUP, OTHER_GROUP = -77, -88


async def drawn(person: Person, words: str) -> Message:
    said = await person.say(words if person.chat is None else f"/imagine {words}")
    return await person.until(is_result, after=said["message"]["id"])


async def asked(person: Person, text: str, answer: Callable[[Message], bool], **fields: object) -> Message:
    said = await person.say(text, **fields)
    return await person.until(answer, after=said["message"]["id"])


async def test_a_group_sees_of_somebodys_history_what_was_made_there(
    house: House, named: Callable[..., Person]
) -> None:
    anna, here, there = named(1001), named(1001, chat=GROUP), named(1001, chat=OTHER_GROUP)
    private = await drawn(anna, "a secret red circle --n 1")
    none = await asked(here, "/history", lambda it: not buttons(it))
    assert "no pictures in this chat" in none["text"] and "private" in none["text"]
    await drawn(here, "a blue cat --n 1")
    await drawn(there, "a green circle --n 1")
    page = await asked(here, "/history", offers("Favourites"))
    assert "Your pictures of this chat · 1 picture" in page["caption"]
    everything = await asked(anna, "/history", offers("Favourites"))
    assert "Your pictures · 3 pictures" in everything["caption"]
    await anna.press(private, "☆")
    favourites = await here.press(page, "Favourites only")
    assert "No favourites" in favourites["answer"]["text"], "a favourite from elsewhere is none here"
    for action in ("open", "star", "delete", "really"):
        data = PageButton(owner=1001, offset=0, action=action, picture=1).pack()
        answer = await Forger(house).press(1001, data, Forger(house).carrying(page, data))
        assert answer is not None and "no longer there" in answer["text"], action
    data = PageButton(owner=1001, offset=9).pack()
    await Forger(house).press(1001, data, Forger(house).carrying(page, data))
    assert (await here.message(page["id"]))["caption"] == page["caption"], "beyond the last page is the last one"


async def repeated_in_the_group(anna: Person, here: Person, picture: Message) -> Message:
    """A picture of Anna's own chat, drawn once more where she is `here` by the recipe in its file."""
    await anna.press(picture, "📄")
    original = await anna.until(lambda it: it["document"] is not None)
    file = await send(here, await anna.bytes_of(original["document"]), kind="document", caption="mine")
    card = await asked(here, "/info", offers("Repeat exactly"), reply_to=file["id"])
    await here.press(card, "Repeat exactly")
    return await here.until(is_result)


async def test_what_a_picture_was_made_from_elsewhere_is_not_told_in_a_group(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, here, boris = named(1001), named(1001, chat=GROUP), named(1002, chat=GROUP)
    private = await drawn(anna, "a secret red circle --n 1 --seed 7")
    varied = await asked(anna, "/vary --n 1", is_result, reply_to=private["id"])
    tree = await asked(anna, "/tree", says("Family tree"), reply_to=varied["id"])
    assert "2 ← 1" in tree["caption"] and "elsewhere" not in tree["caption"]
    repeated = await repeated_in_the_group(anna, here, varied)
    for teller in (here, boris):
        recipe = await asked(teller, "/info", says("Made from"), reply_to=repeated["id"])
        assert "a picture that is not shown here" in recipe["text"] and "secret" not in recipe["text"]
    alone = await asked(here, "/tree", says("🌳"), reply_to=repeated["id"])
    assert "elsewhere" in alone["text"]
    again = await asked(here, "/vary --n 1", is_result, reply_to=repeated["id"])
    tree = await asked(here, "/tree", says("Family tree"), reply_to=again["id"])
    assert "2 ← 1" in tree["caption"] and "3" not in tree["caption"].split("\n")[1]
    assert "elsewhere" in tree["caption"] and "secret" not in tree["caption"]
    everything = await asked(anna, "/tree", says("Family tree"), reply_to=varied["id"])
    assert "2–3 ← 1 · " in everything["caption"] and "4 ← 3 · " in everything["caption"], "in private it is all hers"


async def test_of_the_family_of_ones_picture_only_ones_own_is_shown_in_private(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, here, boris = named(1001), named(1001, chat=GROUP), named(1002, chat=GROUP)
    first = await drawn(here, "a red circle --n 1")
    await asked(boris, "/vary --n 1", is_result, reply_to=first["id"])
    tree = await asked(here, "/tree", says("Family tree"), reply_to=first["id"])
    assert "2 ← 1" in tree["caption"]
    page = await asked(anna, "/history", offers("Favourites"))
    await anna.press(page, "1")
    opened = await anna.until(offers("📄"))
    await anna.press(opened, "📄")
    original = await anna.until(lambda it: it["document"] is not None)
    alone = await asked(anna, "/tree", says("🌳"), reply_to=original["id"])
    assert "elsewhere" in alone["text"], "what Boris made of it was made in the group"


async def test_the_line_in_a_group_names_the_requests_of_that_group(house: House, named: Callable[..., Person]) -> None:
    anna, here, boris = named(1001), named(1001, chat=GROUP), named(1002, chat=GROUP)
    house.painter.slots = 0
    await anna.say("a secret red circle")
    await anna.until(offers("Cancel"))
    line = await asked(here, "/queue", says("in line"))
    assert "1 request of yours from another chat" in line["text"] and "secret" not in str(line)
    await here.say("/imagine a blue cat")
    await here.until(offers("Cancel"))
    line = await asked(here, "/queue", says("blue cat"))
    assert "secret" not in str(line) and [it[-10:] for it in buttons(line) if "❌" in it] == ["a blue cat"]
    line = await asked(boris, "/queue", says("in line"))
    assert "2 requests from other people" in line["text"] and "yours" not in line["text"]
    line = await asked(anna, "/queue", offers("Cancel all"))
    assert "secret" in line["text"] and "blue cat" in line["text"]


async def test_who_presses_what_is_anothers_hears_what_it_is(every_mode: House, named: Callable[..., Person]) -> None:
    here, boris = named(1001, chat=GROUP), named(1002, "ru", GROUP)
    await asked(boris, "/queue", says(""))
    single = await drawn(here, "a red circle --n 1")
    every_mode.painter.slots = 0
    page = await asked(here, "/history", offers("Favourites"))
    settings = await asked(here, "/settings", offers("Language"))
    ways = await asked(here, "/outpaint", offers("Never mind"), reply_to=single["id"])
    waiting = await asked(here, "/imagine a red circle", offers("Queue"))
    for message, button, thing in (
        (single, "☆", "чужая картинка"),
        (page, "1", "чужие картинки"),
        (settings, "Language", "чужие настройки"),
        (ways, "Never mind", "выбирает другой человек"),
        (waiting, "Cancel", "чужой запрос"),
    ):
        answer = (await boris.press(message, button))["answer"]
        assert answer["alert"] and thing in answer["text"].lower()


async def test_recipe_original_and_again_are_for_everybody_and_what_is_drawn_is_the_pressers(
    house: House, named: Callable[..., Person]
) -> None:
    here, boris, alone = named(1001, chat=GROUP), named(1002, chat=GROUP), named(1002)
    grid = await drawn(here, "a red circle --n 2 --seed 7")
    await boris.press(grid, "Files")
    await boris.until(lambda it: it["document"] is not None, after=grid["id"])
    await boris.press(grid, "Recipe")
    recipe = await boris.until(offers("Repeat exactly"))
    assert "Seeds: 7, 8" in recipe["text"]
    house.painter.gate.clear()
    for _quick in range(2):
        answer = await boris.press(grid, "Again")
    assert "already in line" in answer["answer"]["text"], "his own stays undoubled"
    await here.press(grid, "Again")
    line = await asked(boris, "/queue", says("1 request from other people"))
    assert [it[-12:] for it in buttons(line) if "❌" in it] == ["a red circle"]
    house.painter.gate.set()
    await boris.results(3)
    page = await asked(alone, "/history", offers("Favourites"))
    assert "2 pictures" in page["caption"], "Boris has what he has pressed for"
    await boris.press(recipe, "Repeat exactly")
    again = await boris.until(lambda it: is_result(it) and "seed 7 " in it["caption"], after=recipe["id"])
    assert house.painter.submitted[-1].request.seeds == (7, 8)
    for button in ("⬆ 1", "Edit", "☆", "🗑"):
        assert "somebody else" in (await here.press(again, button))["answer"]["text"], button
    vera, now = named(1003, "ru", GROUP), await here.message(grid["id"])
    await asked(vera, "/queue", says("черед"))
    await vera.press(now, "Again")
    await vera.results(5)
    assert buttons(await here.message(grid["id"])) == buttons(now), "they keep the language of whoever owns them"


async def test_who_keeps_pictures_to_themselves_says_so_in_the_settings(
    house: House, named: Callable[..., Person]
) -> None:
    here, boris = named(1001, chat=GROUP), named(1002, chat=GROUP)
    single = await drawn(here, "a red circle --n 1")
    settings = await asked(here, "/settings", offers("In groups"))
    assert "for everybody" in settings["text"] and "Pictures at a time" not in settings["text"]
    await here.press(settings, "In groups")
    await here.press(await here.until(offers("Only me")), "Only me")
    settings = await here.until(lambda it: "only for you" in (it["text"] or "") and "👥 In groups" in buttons(it))
    for button in ("📄", "Recipe", "Again"):
        assert "somebody else's picture" in (await boris.press(single, button))["answer"]["text"], button
    kept = await asked(boris, "/info", says("🙈"), reply_to=single["id"])
    assert "a red circle" not in kept["text"]
    await asked(here, "/info", says("a red circle"), reply_to=single["id"])
    await here.press(settings, "In groups")
    await here.press(await here.until(offers("Everybody")), "Everybody")
    await asked(boris, "/info", says("a red circle"), reply_to=single["id"])


async def test_nobody_draws_again_from_a_picture_that_its_owner_has_shown_elsewhere(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, here, boris = named(1001), named(1001, chat=GROUP), named(1002, chat=GROUP)
    photo = await send(anna, encoded(RED))
    varied = await asked(anna, "/vary --n 1", is_result, reply_to=photo["id"])
    repeated = await repeated_in_the_group(anna, here, varied)
    before = len(every_mode.painter.submitted)
    answer = (await boris.press(repeated, "Again"))["answer"]
    assert answer["alert"] and "not sent in this chat" in answer["text"]
    recipe = await asked(boris, "/info", offers("Repeat exactly"), reply_to=repeated["id"])
    answer = (await boris.press(recipe, "Repeat exactly"))["answer"]
    assert answer["alert"] and "not sent in this chat" in answer["text"]
    assert len(every_mode.painter.submitted) == before
    await here.press(repeated, "Again")
    mine = await here.until(is_result, after=recipe["id"])
    shown = await send(here, encoded(RED, (200, 130)))
    varied = await asked(here, "/vary --n 1", is_result, reply_to=shown["id"])
    await boris.press(varied, "Again")
    await boris.until(is_result, after=max(varied["id"], mine["id"]))
    tree = await asked(boris, "/tree", says("Family tree"), reply_to=(await boris.results(4))[-1]["id"])
    assert "2–3 ← 1 · " in tree["caption"], "his and hers are made from the photo that she has sent here, and told once"


async def test_a_group_is_greeted_when_the_bot_is_added_once(house: House, named: Callable[..., Person]) -> None:
    here, anna, boris = named(1001, chat=GROUP), named(1001), named(1002, chat=GROUP)
    said = await here.say("hello everybody")
    greeting = await here.until(says("Hello! I draw pictures"))
    assert len(greeting["text"].splitlines()) == 6 and "/imagine" in greeting["text"]
    assert house.studio is not None
    name = house.studio.me.username
    door = greeting["buttons"][0][0]
    assert f"@{name}" in greeting["text"] and door["url"] == f"https://t.me/{name}?start=help"
    await here.post("chat", {"chat": GROUP, "bot_admin": True})  # made an administrator later: no second greeting
    await here.say("/start")  # as Telegram does for whoever adds the bot by its link: all is said
    for command in ("/start", "/help"):
        told = await asked(boris, command, says("/imagine"))
        assert len(told["text"].splitlines()) == 5 and told["buttons"] == greeting["buttons"]
    messages = [it for it in await here.messages() if it["id"] > said["message"]["id"] and it["from"]["is_bot"]]
    assert [len(it["text"].splitlines()) for it in messages] == [6, 5, 5]
    helped = await asked(anna, "/start help", offers("Parameters"))
    assert "What I can do" in helped["text"], "what the door leads to"


async def test_the_help_has_two_layers(house: House, anna: Person, named: Callable[..., Person]) -> None:
    first = await asked(anna, "/help", offers("Parameters"))
    assert "--" not in first["text"] and "circle" not in first["text"] and len(first["text"]) < 600
    for button, told in (
        ("Parameters", "--ar"),
        ("Parameters for pictures", "--levels"),
        ("Known words", "circle"),
        ("Photos", "/vary"),
    ):
        await anna.press(await anna.message(first["id"]), button)
        opened = await anna.until(lambda it, told=told: it["id"] == first["id"] and told in it["text"])
        assert button not in buttons(opened)
    await anna.press(opened, "Back")
    await anna.until(lambda it: it["id"] == first["id"] and it["text"] == first["text"])
    boris = named(1002, "ru")
    first = await asked(boris, "помощь", offers("Параметры"))
    assert "Что я умею" in first["text"], "said in words it is the same"


async def test_relatives_do_not_tell_of_who_keeps_pictures_to_themselves(
    every_mode: House, named: Callable[..., Person]
) -> None:
    here, boris = named(1001, chat=GROUP), named(1002, chat=GROUP)
    single = await drawn(here, "a red circle --n 1 --seed 7")
    varied = await asked(boris, "/vary --n 1", is_result, reply_to=single["id"])
    told = await asked(boris, "/info", says("Recipe"), reply_to=varied["id"])
    assert "a red circle · seed 7" in told["text"]
    settings = await asked(here, "/settings", offers("In groups"))
    await here.press(settings, "In groups")
    await here.press(await here.until(offers("Only me")), "Only me")
    await here.until(says("only for you"))
    kept = await asked(boris, "/info", says("Recipe"), reply_to=varied["id"])
    assert "a picture that is not shown here" in kept["text"] and "seed 7" not in kept["text"]
