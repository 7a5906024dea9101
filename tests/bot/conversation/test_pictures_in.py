"""Pictures that people send: read safely, understood by caption, album, answer and button."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image, ImageStat

from bot.jobs import order
from bot.store import sweep
from inference.blobs import decode_picture
from inference.queue.timings import Timing, Timings
from inference.requests import Control, Failed, FlashTextToImage, Mix, Outpaint, Refine, Upscale
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import BIG
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.hostile.bombs import repeated_scans
from tests.waiting import until

RED, BLUE = (220, 40, 40), (30, 60, 210)


def encoded(colour: tuple[int, ...], size: tuple[int, int] = (192, 128), kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


async def send(
    person: Person, *files: bytes, kind: str = "photo", name: str = "picture.png", caption: str = "", **fields: str
) -> Message:
    """Sends files as a person does; two and more are an album. Returns the first message."""
    form = aiohttp.FormData(
        {"user": str(person.id), "chat": str(person.chat_id), "language": person.language, **fields}
    )
    if caption:
        form.add_field("caption", caption)
    for content in files:
        form.add_field(kind, content, filename=name, content_type="image/png")
    async with person.session.post(f"{person.url}/sim/message", data=form) as response:
        answer = await response.json()
    assert answer["ok"], answer
    message: Message = answer["message"]
    return message


def says(text: str) -> Callable[[Message], bool]:
    return lambda message: text in (message["text"] or message["caption"] or "")


def offers(text: str) -> Callable[[Message], bool]:
    return lambda message: any(text in name for name in buttons(message))


@pytest.mark.both_ways
async def test_a_photo_without_words_offers_what_can_be_done_with_it(every_mode: House, anna: Person) -> None:
    photo = await send(anna, encoded(RED))
    menu = await anna.until(offers("Vary"))
    assert menu["reply_to"] == photo["id"]
    assert not any("🔒" in name for name in buttons(menu))
    await anna.press(menu, "Vary")
    grid = await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Mix)
    assert (request.width, request.height) == (320, 192)  # the offered size of the photo's shape
    assert len(request.images) == 1
    assert "Variation" in grid["caption"]


async def test_what_has_no_weights_is_locked_and_a_tap_says_what_is_missing(house: House, anna: Person) -> None:
    await house.learns(BIG.model_copy(update={"missing": {"mix": "ip_adapter.safetensors, 1.5 GB"}}))
    await send(anna, encoded(RED))
    menu = await anna.until(offers("🔒 Vary"))
    answer = (await anna.press(menu, "Vary"))["answer"]
    assert answer["alert"]
    assert "ip_adapter.safetensors" in answer["text"]
    assert house.painter.submitted == []


async def test_a_photo_with_a_caption_is_drawn_anew_with_these_words(every_mode: House, anna: Person) -> None:
    photo = await send(anna, encoded(RED), caption="a blue evening --seed 7 --n 1 --iw 0.4")
    result = await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Mix)
    assert (request.prompt, request.seeds, request.image_scale) == ("a blue evening", (7,), 0.4)
    assert "Picture and words" in result["caption"]
    await anna.say("/info", reply_to=result["id"])
    card = await anna.until(says("Recipe"))
    assert "Made from:" in card["text"]
    assert photo["id"]


@pytest.mark.parametrize("caption", ["left: a cat, right: a dog --n 1", "left: a cat --n 1 --iw 0.5"])
async def test_a_caption_that_may_be_of_the_whole_picture_draws_it_anew(
    every_mode: House, anna: Person, caption: str
) -> None:
    await send(anna, encoded(RED), caption=caption)
    await anna.until(is_result)
    assert isinstance(every_mode.painter.submitted[0].request, Mix)


@pytest.mark.both_ways
async def test_an_album_is_mixed_with_weights_set_by_buttons(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED), encoded(BLUE), caption="a garden --seed 3 --n 1")
    mix = await anna.until(offers("Start"))
    assert {"1: 50 %", "2: 50 %"} <= set(buttons(mix))
    await anna.press(mix, "➕")
    mix = await anna.until(offers("1: 60 %"))
    await anna.press(mix, "Swap")
    mix = await anna.until(offers("2: 60 %"))
    await every_mode.reopen()
    await anna.press(mix, "Start")
    result = await anna.until(is_result, after=mix["id"])
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Mix)
    assert [image.weight for image in request.images] == [0.4, 0.6]
    assert request.prompt == "a garden"
    assert result["reply_to"] == mix["id"]
    assert buttons(await anna.message(mix["id"])) == []
    assert len(every_mode.painter.submitted) == 1


async def test_under_control_an_album_gives_the_shapes_of_its_first_picture_the_look_of_the_others(
    every_mode: House, anna: Person
) -> None:
    await send(anna, encoded(RED), encoded(BLUE), caption="/control a stone bridge --seed 3 --n 1 --method outlines")
    result = await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Control)
    assert (request.kind, request.prompt) == ("scribble", "a stone bridge")  # the net that takes a style too
    shown = [io.BytesIO(every_mode.painter.blobs.get(blob)) for blob in request.sources]
    means = [ImageStat.Stat(Image.open(picture)).mean for picture in shown]
    assert [max(range(3), key=mean.__getitem__) for mean in means] == [0, 2]  # red, then blue
    assert "Style transfer" in result["caption"]
    await anna.say("/info", reply_to=result["id"])
    card = await anna.until(says("Recipe"))
    assert card["text"].count("a picture that was sent here") == 2


async def test_under_control_iw_says_how_much_of_the_look_and_needs_others(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED), encoded(BLUE), caption="/control a stone bridge --iw 0.4 --n 1")
    result = await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Control)
    assert request.style_scale == 0.4
    await anna.say("/info", reply_to=result["id"])
    card = await anna.until(says("Recipe"))
    assert "Look of the other pictures: × 0.4" in card["text"]
    await send(anna, encoded(RED), caption="/control a stone bridge --iw 0.4")
    await anna.until(says("only one here"), after=card["id"])
    assert len(every_mode.painter.submitted) == 1


async def test_of_an_album_with_more_than_four_pictures_under_control_the_first_four_are_taken_and_that_is_said(
    every_mode: House, named: Callable[..., Person]
) -> None:
    boris = named(1002, "ru")
    await send(boris, *[encoded((40 * place, 0, 0)) for place in range(6)], caption="/control мост --n 1")
    told = await boris.until(says("Больше четырёх"))
    result = await boris.until(is_result)
    assert told["id"] < result["id"]
    reds = [_red(every_mode, blob) for blob in every_mode.painter.submitted[0].request.sources]
    assert reds == [0, 40, 80, 120]


@pytest.mark.both_ways
async def test_an_album_for_a_mix_that_has_room_for_less_fills_it_and_says_so(every_mode: House, anna: Person) -> None:
    await anna.say("/mix")
    collecting = await anna.until(says("one by one"))
    await send(anna, encoded(RED))
    await anna.until(says("1 picture so far"))
    await send(anna, *[encoded((40 * place, 0, 0)) for place in range(5)])
    mix = await anna.until(says("four at most"))
    await until(lambda: anna.is_gone(collecting))  # it has moved below the pictures
    await anna.press(mix, "Start")
    await anna.until(is_result, after=mix["id"])
    reds = [_red(every_mode, blob) for blob in every_mode.painter.submitted[0].request.sources]
    assert reds == [RED[0], 0, 40, 80]


def _red(house: House, blob: str) -> int:
    """How red the first pixel of a stored picture is."""
    colour = Image.open(io.BytesIO(house.painter.blobs.get(blob))).convert("RGB").getpixel((0, 0))
    assert isinstance(colour, tuple)
    return round(colour[0] / 20) * 20  # JPEG changes it a little


async def test_photos_one_by_one_are_collected_until_done(every_mode: House, anna: Person) -> None:
    await anna.say("/mix")
    await anna.until(says("one by one"))
    for colour in (RED, BLUE):
        photo = await send(anna, encoded(colour))
    collecting = await anna.until(says("2 pictures so far"), after=photo["id"])
    await anna.press(collecting, "Done")
    await anna.until(offers("Start"))
    assert not any("Vary" in name for message in await anna.messages() for name in buttons(message))


async def test_a_command_in_answer_to_our_picture_works_from_the_original(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    await anna.say("/upscale", reply_to=grid["id"])
    await anna.until(says("say which one"))
    await anna.say("/upscale 2", reply_to=grid["id"])
    await anna.until(lambda message: is_result(message) and "Enlarging ×2" in message["caption"])
    request = every_mode.painter.submitted[-1].request
    assert isinstance(request, Upscale)
    assert request.kind == "flash_x2"
    first = every_mode.painter.blobs.get(request.image.blob)
    assert Image.open(io.BytesIO(first)).size == (256, 256)
    await anna.say("вариации", reply_to=grid["id"])
    await anna.until(lambda message: "say which" in (message["text"] or ""), after=grid["id"] + 3)


async def test_words_name_what_to_do_with_somebody_elses_picture(
    every_mode: House, named: Callable[..., Person]
) -> None:
    boris = named(1002, "ru")
    photo = await send(boris, encoded(RED))
    await boris.until(offers("Вариации"))
    await boris.say(
        "по контуру стеклянный дом --method depth --drawn --scale 0.8 --end 0.7 --n 1", reply_to=photo["id"]
    )
    await boris.until(is_result)
    request = every_mode.painter.submitted[-1].request
    assert isinstance(request, Control)
    assert (request.kind, request.prompt, request.scale, request.end) == ("depth", "стеклянный дом", 0.8, 0.7)
    await boris.say("/restyle акварель --strength 0.5 --n 1", reply_to=photo["id"])
    await boris.until(lambda message: is_result(message) and "акварель" in message["caption"])
    assert isinstance(every_mode.painter.submitted[-1].request, Refine)
    assert every_mode.painter.submitted[-1].request.strength == 0.5


async def test_levels_say_what_black_and_white_are_to_the_net_and_the_recipe_tells_them(
    every_mode: House, anna: Person
) -> None:
    await send(anna, encoded(RED), caption="/control a stone bridge --levels −1:1 --n 1")
    result = await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Control)
    assert request.hint_range == (-1, 1)
    await anna.say("/info", reply_to=result["id"])
    card = await anna.until(says("Recipe"))
    assert "Black and white of the outlines: -1 and 1" in card["text"]


async def test_a_menu_that_needs_words_asks_for_them(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED))
    await anna.press(await anna.until(offers("Outlines")), "Outlines")
    asked = await anna.until(says("What shall it become"))
    await every_mode.reopen()
    await anna.say("a glass house --n 1", reply_to=asked["id"])
    await anna.until(is_result)
    assert isinstance(every_mode.painter.submitted[-1].request, Control)


async def test_a_photo_that_came_to_nothing_is_gone_after_a_month_and_its_buttons_and_questions_say_so(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(anna, encoded(RED))
    menu = await anna.until(offers("Outlines"))
    await anna.press(menu, "Outlines")
    asked = await anna.until(says("What shall it become"))
    monkeypatch.setattr(sweep, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(sweep, "DAY", 0.01)  # and so the month is over in no time, sweep by sweep
    await every_mode.reopen()
    stored = every_mode.folder / "blobs"
    await until(lambda: not any(path.is_file() for path in stored.rglob("*")), "the photo is still there")
    answer = (await anna.press(menu, "Vary"))["answer"]
    assert "no longer there" in answer["text"]
    await anna.say("a glass house", reply_to=asked["id"])
    await anna.until(says("no longer there"), after=asked["id"])
    assert every_mode.painter.submitted == []


async def test_parameters_of_another_command_are_named(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED), caption="/upscale --iw 0.5")
    refusal = await anna.until(says("--iw"))
    assert "/restyle" in refusal["text"]
    assert every_mode.painter.submitted == []


@pytest.mark.parametrize(
    ("content", "name", "answer"),
    [
        (encoded(RED, (30, 30)), "tiny.png", "tiny"),
        (encoded(RED, (300, 300), "PNG")[:60], "cut.png", "damaged"),
        (b"hello", "words.jpg", "cannot read"),
        (encoded(RED, (20000, 4000)), "wide.png", "too many pixels"),
        (encoded(RED, (20000, 100)), "banner.png", "too long"),
        (repeated_scans(1024), "scans.jpg", "far more work"),
    ],
    ids=["tiny", "cut off", "no picture", "too many pixels", "too long", "too much work"],
)
async def test_files_that_cannot_be_worked_from_get_a_clear_answer(
    every_mode: House, anna: Person, content: bytes, name: str, answer: str
) -> None:
    await send(anna, content, kind="document", name=name)
    await anna.until(says(answer))
    assert every_mode.painter.submitted == []


async def test_of_a_picture_that_moves_the_first_frame_is_taken_and_that_is_said(
    every_mode: House, anna: Person
) -> None:
    moving = encoded(RED, (100, 100), "GIF", save_all=True, append_images=[Image.new("RGB", (100, 100), BLUE)])
    sent = await send(anna, moving, kind="document", name="moving.gif")
    told = await anna.until(says("first frame"))
    assert told["reply_to"] == sent["id"]
    menu = await anna.until(offers("Vary"))
    assert menu["id"] > told["id"]
    await anna.press(menu, "Vary")
    await anna.until(is_result)
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Mix)
    seen = decode_picture(every_mode.painter.blobs.get(request.images[0].blob))
    assert seen.getpixel((50, 50)) == pytest.approx(RED, abs=2)


async def test_a_command_with_a_file_that_is_no_picture_says_what_would_do(every_mode: House, anna: Person) -> None:
    letter = await send(anna, b"%PDF-1.4", kind="document", name="letter.pdf", caption="/vary")
    told = await anna.until(says("cannot read a picture"), after=letter["id"])
    await anna.say("/upscale", reply_to=letter["id"])
    await anna.until(says("cannot read a picture"), after=told["id"])
    assert every_mode.painter.submitted == []


async def test_long_work_says_its_cost_and_waits_for_a_yes(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED, (1300, 1300)), kind="document", caption="/upscale")
    asked = await anna.until(says("Shall I begin?"))
    assert "several minutes" in asked["text"]
    assert every_mode.painter.submitted == []
    await every_mode.reopen()
    await anna.press(asked, "Start")
    result = await anna.until(is_result, after=asked["id"])
    original = await anna.until(lambda message: bool(message["document"]), after=result["id"])
    assert Image.open(io.BytesIO(await anna.bytes_of(original["document"]))).size == (2600, 2600)
    assert original["reply_to"] == result["id"]
    assert buttons(await anna.message(asked["id"])) == []


async def test_nobody_is_asked_before_work_that_takes_less_than_twenty_seconds_here(
    every_mode: House, anna: Person
) -> None:
    assert order.LONG_SECONDS >= 20.0
    photo = encoded(RED, (1300, 1300))
    passes = 5 * 2.6 * 2.6  # megapixels, in nine windows
    for seconds, told in ((120.0, "about 2\xa0min"), (order.LONG_SECONDS - 1.0, None)):
        timing = Timing(a_pass=seconds / passes, developing=0.0, once=0.0)
        await every_mode.has_timed(Timings(basis="a" * 64, kinds={"flash_x2": timing}))
        sent = await send(anna, photo, kind="document", caption="/upscale")
        answer = await anna.until(says("Shall I begin?") if told else is_result, after=sent["id"])
        assert told is None or told in answer["text"]
        assert len(every_mode.painter.submitted) == (0 if told else 1)


async def test_a_tree_shows_who_was_made_from_whom(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    await anna.press(grid, "🎨 2")
    children = await anna.until(is_result, after=grid["id"])
    await anna.say("/tree", reply_to=children["id"])
    await anna.until(says("say which one"))
    await anna.say("/tree 1", reply_to=children["id"])
    tree = await anna.until(says("Family tree"))
    assert "← 1 · 🎨" in tree["caption"] or "← 1 · 🪄" in tree["caption"]
    assert (await anna.picture(tree["photo"])).height > 400


async def test_a_tree_is_asked_for_in_plain_words_and_a_mere_tree_is_drawn(
    every_mode: House, named: Callable[..., Person]
) -> None:
    boris = named(1002, "ru")
    grid = await boris.draw("красный круг --n 2")
    await boris.press(grid, "🎨 2")
    children = await boris.until(is_result, after=grid["id"])
    await boris.say("покажи дерево", reply_to=children["id"])
    await boris.until(says("/tree 2"), after=children["id"])  # which one
    await boris.say("Покажи дерево 1", reply_to=children["id"])
    first = await boris.until(says("Родословная"))
    await boris.say("show the family tree")
    second = await boris.until(says("Родословная"), after=first["id"])
    await boris.say("родословная")
    await boris.until(says("Родословная"), after=second["id"])
    assert len(every_mode.painter.submitted) == 2
    for words in ("дерево", "show me a tree", "нарисуй родословную"):
        await boris.draw(f"{words} --n 1")
    assert len(every_mode.painter.submitted) == 5


async def test_a_group_is_heard_only_where_its_photos_mean_the_bot(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", -500)
    group = {"chat": -500, "title": "Painters", "type": "supergroup", "members": [1001, 1002], "privacy": False}
    await anna.post("chat", group)
    me = every_mode.studio.me.username if every_mode.studio else ""
    await send(anna, encoded(RED), caption="our holidays")
    await send(anna, encoded(RED))
    await send(anna, encoded(RED), encoded(BLUE))
    meant = await send(anna, encoded(BLUE), caption=f"@{me} as a watercolour")
    result = await anna.until(is_result)
    assert result["reply_to"] == meant["id"]
    request = every_mode.painter.submitted[0].request
    assert isinstance(request, Mix)
    assert request.prompt == "as a watercolour"
    answers = [message for message in await anna.messages() if message["from"]["is_bot"] and message["reply_to"]]
    assert len(answers) == 1  # beside the greeting of the group
    await anna.say(f"/mix@{me}")
    collecting = await anna.until(says("in reply to this message"))
    for colour in (RED, BLUE):
        await send(anna, encoded(colour), reply_to=str(collecting["id"]))
    await anna.until(says("2 pictures so far"))


async def test_strangers_press_in_vain_on_what_somebody_is_putting_together(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", -500), named(1002, "en", -500)
    group = {"chat": -500, "title": "Painters", "type": "supergroup", "members": [1001, 1002], "privacy": False}
    await anna.post("chat", group)
    me = every_mode.studio.me.username if every_mode.studio else ""
    for caption, offered, press in (
        (f"@{me} mix", "Never mind", "Never mind"),
        (f"/upscale@{me}", "Start", "Start"),
        (f"/inpaint@{me}", "▫️", "▫️"),
        (f"/outpaint@{me}", "⬅️", "⬅️"),
    ):
        seen = max((message["id"] for message in await anna.messages()), default=0)
        await send(anna, encoded(RED, (1300, 1300)), kind="document", caption=caption)
        asked = await anna.until(offers(offered), after=seen)
        answer = (await boris.press(asked, press))["answer"]
        assert answer["alert"]
        assert "somebody else" in answer["text"]
        assert buttons(await anna.message(asked["id"])) == buttons(asked)
    assert every_mode.painter.submitted == []


async def test_a_file_made_from_a_picture_is_repeated_only_for_whoever_gave_that_picture(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en"), named(1002, "en")
    await send(anna, encoded(RED), caption="a blue evening --n 1")
    result = await anna.until(is_result)
    await anna.press(result, "File")
    document = await anna.until(lambda message: bool(message["document"]))
    content = await anna.bytes_of(document["document"])
    for person in (boris, anna):
        sent = await send(person, content, kind="document")
        card = await person.until(says("Recipe"), after=sent["id"])
        await person.press(card, "Repeat exactly")
        if person is boris:
            await boris.until(says("do not have from you"))
            assert len(every_mode.painter.submitted) == 1
    repeated = await anna.until(is_result, after=card["id"])
    assert every_mode.painter.submitted[1].request == every_mode.painter.submitted[0].request
    await anna.say("/info", reply_to=repeated["id"])
    assert "Made from:" in (await anna.until(says("Recipe"), after=repeated["id"]))["text"]


async def test_words_are_edited_and_the_picture_and_the_parameters_stay(every_mode: House, anna: Person) -> None:
    every_mode.painter.failure = Failed(code="internal", message="x")
    await send(anna, encoded(RED), caption="a blue evening --iw 0.4 --cfg 5 --n 1")
    failed = await anna.until(offers("Try again"))
    assert buttons(failed) == ["🔄 Try again", "✏️ Edit"]
    every_mode.painter.failure = None
    await anna.press(failed, "Edit")
    asked = await anna.until(says("Tap the words"))
    assert "a blue evening" in asked["text"]
    await every_mode.reopen()
    await anna.say("a green morning --cfg 6", reply_to=asked["id"])
    result = await anna.until(is_result)
    request = every_mode.painter.submitted[-1].request
    assert isinstance(request, Mix)
    assert (request.prompt, request.image_scale, request.guidance_scale) == ("a green morning", 0.4, 6)
    assert len(request.seeds) == 1
    await anna.say("/info", reply_to=result["id"])
    assert "a picture that was sent here" in (await anna.until(says("Recipe")))["text"]


async def test_a_result_without_words_offers_none_to_edit(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED))
    await anna.press(await anna.until(offers("Vary")), "Vary")
    assert not any("Edit" in name for name in buttons(await anna.until(is_result)))


async def test_other_words_for_an_extended_picture_are_not_taken_from_anybody_else(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "en", -77)
    await anna.say("/imagine a red circle")
    ours = await anna.until(is_result)
    await anna.say("/outpaint left a blue sea", reply_to=ours["id"])
    wide = await anna.until(is_result, after=ours["id"])
    before = every_mode.painter.submitted[-1].request
    await anna.press(wide, "Edit")
    asked = await anna.until(says("Tap the words"))
    await boris.say("a green meadow", reply_to=asked["id"])
    await boris.until(is_result, after=asked["id"])
    assert isinstance(every_mode.painter.submitted[-1].request, FlashTextToImage)
    await anna.say("a green meadow", reply_to=asked["id"])
    await anna.until(lambda message: is_result(message) and "Extending" in message["caption"], after=asked["id"])
    after = every_mode.painter.submitted[-1].request
    assert isinstance(after, Outpaint)
    assert after == before.model_copy(update={"prompt": "a green meadow", "seeds": after.seeds})
    assert after.seeds != before.seeds


async def test_a_restyling_without_words_asks_for_them_as_its_button_does(every_mode: House, anna: Person) -> None:
    photo = await send(anna, encoded(RED))
    await anna.say("/restyle", reply_to=photo["id"])
    question = await anna.until(says("What shall it become?"))
    captioned = await send(anna, encoded(BLUE), caption="/restyle .")
    await anna.until(says("What shall it become?"), after=captioned["id"])
    assert every_mode.painter.submitted == []
    await anna.say("a watercolour", reply_to=question["id"])
    await anna.until(is_result)
    assert [job.request.words for job in every_mode.painter.submitted] == ["a watercolour"]


async def test_which_picture_of_several_is_asked_in_the_command_that_was_used(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    for command in ("tree", "upscale", "restyle"):
        asked = (await anna.say(f"/{command}", reply_to=grid["id"]))["message"]
        told = await anna.until(says("say which one"), after=asked["id"])
        assert f"/{command} 2" in told["text"]


async def test_a_mix_says_how_many_more_may_come_and_its_shares_are_one_whole(every_mode: House, anna: Person) -> None:
    photo = await send(anna, encoded(RED))
    await anna.say("/mix", reply_to=photo["id"])
    await anna.until(says("Send me 1 to 3 more"))
    await send(anna, encoded(BLUE))
    await anna.until(says("send up to 2 more"))
    await send(anna, encoded((20, 160, 40)))
    await anna.press(await anna.until(says("send 1 more")), "Done")
    weighed = await anna.until(offers("1: 34 %"))
    assert {"2: 33 %", "3: 33 %"} <= set(buttons(weighed))
    await anna.press(weighed, "1: 34 %")
    weighed = await anna.until(offers("1: 44 %"))
    shares = [int(text.split()[1]) for text in buttons(weighed) if text[0].isdigit()]
    assert sum(shares) == 100 and shares[1:] == [28, 28]
    await anna.press(weighed, "Start")
    await anna.until(is_result)
    request = every_mode.painter.submitted[-1].request
    assert isinstance(request, Mix)
    assert sum(image.weight for image in request.images) == pytest.approx(1, abs=0.011)
