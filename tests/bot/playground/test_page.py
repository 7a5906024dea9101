"""The chat page in a real browser, with a small bot behind the real playground server."""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    InputPollOption,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    WebAppInfo,
)
from aiohttp import test_utils, web
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Error, FilePayload, Page, async_playwright, expect

from bot.playground import Playground, serve
from tests.waiting import until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "4242:" + "A" * 35
PAYLOAD = b"the original, byte for byte"
expect.set_options(timeout=15_000)  # a limit, not a wait: machines that test are busy

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not CHROMIUM.exists() and not os.environ.get("CI"), reason="no chromium here (apt-get install chromium)"
    ),
]


def picture(colour: str, width: int = 320, height: int = 320) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def photo(colour: str, width: int = 320, height: int = 320) -> BufferedInputFile:
    return BufferedInputFile(picture(colour, width, height), f"{colour}.png")


def painter_keyboard() -> InlineKeyboardMarkup:
    first = [
        InlineKeyboardButton(text="Repaint", callback_data="repaint", style="primary"),
        InlineKeyboardButton(text="Why?", callback_data="why"),
        InlineKeyboardButton(text="File", callback_data="file"),
    ]
    second = [InlineKeyboardButton(text="Copy seed", copy_text=CopyTextButton(text="4711"))]
    return InlineKeyboardMarkup(inline_keyboard=[first, second])


def painter() -> Dispatcher:
    """A bot that answers a sentence with a picture and buttons, and knows a few words more."""
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart())
    async def start(message: Message) -> None:
        await message.answer("Привет! <i>рисую</i>", parse_mode="HTML")

    @dispatcher.message(Command("album"))
    async def album(message: Message) -> None:
        await message.answer_media_group([InputMediaPhoto(media=photo(it)) for it in ("red", "green", "blue")])

    @dispatcher.message(Command("choose"))
    async def choose(message: Message) -> None:
        rows = [[KeyboardButton(text="Tea"), KeyboardButton(text="Coffee")]]
        await message.answer("Which?", reply_markup=ReplyKeyboardMarkup(keyboard=rows, one_time_keyboard=True))

    @dispatcher.message(Command("ask"))
    async def ask(message: Message) -> None:
        await message.answer("Which colour?", reply_markup=ForceReply())

    @dispatcher.message(F.photo)
    async def got_photo(message: Message) -> None:
        assert message.photo is not None
        size = message.photo[-1]
        await message.reply(f"{size.width}x{size.height} {message.caption}")

    @dispatcher.message(F.text)
    async def paint(message: Message) -> None:
        caption = f"You said: {message.text}"
        await message.answer_photo(photo("red"), caption=caption, reply_markup=painter_keyboard())

    @dispatcher.callback_query(F.data == "repaint")
    async def repaint(query: CallbackQuery) -> None:
        media = InputMediaPhoto(media=photo("blue", 400, 200), caption="Repainted")
        await query.message.edit_media(media, reply_markup=query.message.reply_markup)
        await query.answer("Done at once")

    @dispatcher.callback_query(F.data == "why")
    async def why(query: CallbackQuery) -> None:
        await query.answer("Because red is warm", show_alert=True)

    @dispatcher.callback_query(F.data == "file")
    async def send_file(query: CallbackQuery) -> None:
        await query.answer()
        await query.message.answer_document(BufferedInputFile(PAYLOAD, "original.bin"))

    return dispatcher


@dataclass
class Stage:
    playground: Playground
    bot: Bot
    browser: Browser
    desktop: BrowserContext
    phone: BrowserContext


async def open_page(context: BrowserContext, url: str) -> Page:
    context.set_default_timeout(15_000)
    page = await context.new_page()
    await page.goto(url)
    return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    playground = await serve(port=0, strict=True)
    server = TelegramAPIServer.from_base(playground.url)
    bot = Bot(TOKEN, session=AiohttpSession(api=server))
    commands = {"start": "Begin", "album": "Three pictures", "choose": "A question"}
    await bot.set_my_commands([BotCommand(command=name, description=text) for name, text in commands.items()])
    dispatcher = painter()
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        rights = ["clipboard-read", "clipboard-write"]
        desktop = await browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="ru-RU", permissions=rights, reduced_motion="reduce"
        )
        phone = await browser.new_context(
            viewport={"width": 390, "height": 844}, locale="ru-RU", has_touch=True, is_mobile=True
        )
        yield Stage(playground, bot, browser, desktop, phone)
        await browser.close()
    await dispatcher.stop_polling()
    await asyncio.gather(polling)
    await bot.session.close()
    await playground.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(stage: Stage) -> AsyncIterator[Page]:
    """Anna's chat on a desktop; an error in the page's own code fails the test."""
    errors: list[Error] = []
    page = await open_page(stage.desktop, f"{stage.playground.url}/#1001")
    page.on("pageerror", lambda error: errors.append(error))
    await expect(page.locator(".pane")).to_be_visible()
    yield page
    await page.close()
    assert not errors


async def say(page: Page, text: str) -> None:
    await page.locator(".pane.active textarea").fill(text)
    await page.keyboard.press("Enter")


async def test_start_button_opens_an_empty_chat_in_the_language_of_the_person(page: Page) -> None:
    await page.get_by_role("button", name="Начать").click()
    await expect(page.locator(".row.own .bubble")).to_contain_text("/start")
    await expect(page.locator(".row:not(.own) em")).to_have_text("рисую")
    await expect(page.get_by_role("button", name="Начать")).to_be_hidden()
    assert await page.evaluate("document.documentElement.lang") == "ru"


async def until_true(page: Page, condition: str) -> None:
    """Waits for a JavaScript condition from outside, since the page's policy forbids scripts to evaluate strings."""
    await until(lambda: page.evaluate(condition), condition)


async def test_a_sentence_brings_a_picture_and_a_press_edits_it_in_place(page: Page) -> None:
    await say(page, "a <b>red</b> square")
    await expect(page.locator(".row.own .text").last).to_have_text("a <b>red</b> square")
    answer = page.locator(".row:not(.own)", has_text="You said")
    await expect(answer.locator(".photo img")).to_have_attribute("alt", "You said: a <b>red</b> square")
    rows = await page.locator(".row").count()
    await answer.get_by_role("button", name="Repaint").click()
    await expect(page.get_by_role("status").get_by_text("Done at once")).to_be_visible()
    changed = page.locator(".row:not(.own)", has_text="Repainted")
    await expect(changed.locator(".photo")).to_have_css("aspect-ratio", "400 / 200")
    await expect(changed.locator(".edited")).to_be_visible()
    assert await page.locator(".row").count() == rows
    below = "document.querySelector('.timeline').scrollHeight - document.querySelector('.timeline').scrollTop"
    # Still at the end, as soon as the new picture has its place.
    await until_true(page, f"{below} - document.querySelector('.timeline').clientHeight < 2")
    await changed.locator(".photo").click()
    await expect(page.get_by_role("dialog").locator("img")).to_have_attribute("alt", "Repainted")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_press_survives_an_edit_that_lands_in_its_middle(page: Page, stage: Stage) -> None:
    await say(page, "press me slowly")
    answer = page.locator(".row:not(.own)", has_text="press me slowly")
    await expect(answer).to_be_visible()
    await until_true(page, "[...document.querySelectorAll('.photo img')].every((image) => image.complete)")
    await answer.get_by_role("button", name="Why?").hover()
    await page.mouse.down()
    message = (await (await page.request.get(f"{stage.playground.url}/sim/transcript?chat=1001")).json())["messages"][
        -1
    ]
    await stage.bot.edit_message_caption(
        chat_id=1001, message_id=message["id"], caption="edited", reply_markup=painter_keyboard()
    )
    await expect(page.locator(".row:not(.own) .text").last).to_have_text("edited")
    await page.locator(".row:not(.own)").last.get_by_role("button", name="Why?").hover()  # wherever the edit moved it
    await page.mouse.up()
    await expect(page.get_by_role("dialog")).to_contain_text("Because red is warm")


async def test_alerts_copies_and_downloads_reach_the_person(page: Page) -> None:
    await say(page, "three buttons")
    answer = page.locator(".row:not(.own)", has_text="three buttons")
    await answer.get_by_role("button", name="Why?").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Because red is warm")
    await page.get_by_role("button", name="OK").click()
    await answer.get_by_role("button", name="Copy seed").click()
    await expect(page.get_by_text("Скопировано")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "4711"
    await answer.get_by_role("button", name="File").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="original.bin").click()
    file = await download.value
    assert file.suggested_filename == "original.bin"
    assert Path(await file.path()).read_bytes() == PAYLOAD


async def test_a_photo_with_a_caption_goes_out_and_is_answered_with_a_quote(page: Page) -> None:
    chosen = FilePayload(name="wide.png", mimeType="image/png", buffer=picture("teal", 640, 320))
    await page.locator("input[type=file]").set_input_files(chosen)
    await expect(page.locator(".attachment")).to_have_count(1)
    await say(page, "my caption")
    await expect(page.locator(".row.own .photo")).to_be_visible()
    answer = page.locator(".row:not(.own)", has_text="640x320 my caption")
    await expect(answer.locator(".quoted")).to_contain_text("my caption")
    await answer.locator(".quoted").click()
    await expect(page.locator(".row.own.lit")).to_have_count(1)


async def test_a_picture_is_painted_over_with_a_brush_and_sent_back(page: Page, stage: Stage) -> None:
    await say(page, "a wall to paint")
    await page.locator(".bubble", has_text="a wall to paint").last.locator(".photo").click()
    await page.get_by_role("button", name="Закрасить").click()
    canvas = page.locator(".brush-canvas")
    chosen = page.locator(".swatch[aria-pressed=true]")
    await expect(chosen).to_have_attribute("aria-label", "#0a84ff")  # red on red would be seen by nobody
    await page.get_by_role("button", name="#34c759").click()
    await expect(chosen).to_have_attribute("aria-label", "#34c759")
    await page.get_by_role("button", name="#0a84ff").click()
    await page.get_by_label("Толщина кисти").fill("10")
    box = await canvas.bounding_box()
    assert box is not None

    async def stroke(across: float) -> None:
        x, y = box["x"] + box["width"] * across, box["y"] + box["height"] / 2
        await page.mouse.move(x, y - 40)
        await page.mouse.down()
        await page.mouse.move(x, y + 40, steps=4)
        await page.mouse.up()

    await stroke(0.5)
    await stroke(0.2)
    await page.get_by_role("button", name="Отменить мазок").click()
    await page.get_by_role("button", name="Готово").click()
    await expect(page.locator(".attachment")).to_have_count(1)
    await page.get_by_role("button", name="Отправить").click()
    await expect(page.locator(".bubble", has_text="320x320 None").last).to_be_visible()
    sent = await page.locator(".bubble .photo img").last.get_attribute("src")
    got = await page.request.get(f"{stage.playground.url}{sent}")
    shown = Image.open(io.BytesIO(await got.body())).convert("RGB")
    assert near(shown, (160, 160), (10, 132, 255))
    assert near(shown, (64, 160), (255, 0, 0))  # taken back
    assert near(shown, (160, 20), (255, 0, 0))


def near(picture: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    """Whether a point has a colour, but for what JPEG makes of it."""
    seen = picture.getpixel(at)
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 30 for a, b in zip(seen, colour, strict=True))


async def test_a_brush_that_is_put_away_changes_nothing(page: Page) -> None:
    await page.locator("input[type=file]").set_input_files(
        [FilePayload(name="green.png", mimeType="image/png", buffer=picture("green"))]
    )
    await page.get_by_role("button", name="Закрасить: green.png").click()
    await page.get_by_role("button", name="Готово").click()
    await expect(page.locator(".attachment")).to_contain_text("green.png")
    await page.get_by_role("button", name="Убрать: green.png").click()
    await expect(page.locator(".attachment")).to_have_count(0)


async def test_albums_commands_answer_keyboards_and_reactions_work(page: Page) -> None:
    await page.locator("textarea").fill("/al")
    await expect(page.get_by_role("option")).to_have_text(["/albumThree pictures"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".mosaic .photo")).to_have_count(3)
    await say(page, "/choose")
    await page.get_by_role("button", name="Coffee", exact=True).click()
    await expect(page.locator(".row .text", has_text="You said: Coffee")).to_be_visible()
    await expect(page.get_by_role("button", name="Coffee", exact=True)).to_be_hidden()
    bubble = page.locator(".row:not(.own) .bubble", has_text="You said: Coffee")
    await bubble.locator(".text").click(button="right")
    await page.get_by_role("menuitem", name="🔥").click()
    await expect(bubble.locator(".reaction.mine")).to_contain_text("🔥")


async def test_a_question_is_what_the_next_text_answers_until_it_is_let_go(page: Page, stage: Stage) -> None:
    aimed, rows, theirs = page.locator(".target"), page.locator(".row"), re.compile(r"row(?!.*own)")

    async def answers(text: str) -> int | None:
        """What message this text answers, once the bot has said something to it."""
        await expect(rows.last).to_be_visible()
        before = await rows.count()
        await say(page, text)
        await expect(rows).to_have_count(before + 2)
        await expect(rows.last).to_have_class(theirs)
        said = stage.playground.world.messages["4242:1001"].values()
        return next(it.reply_to for it in reversed(said) if it.text == text)

    await answers("/ask")
    await expect(aimed).to_contain_text("Which colour?")
    await aimed.get_by_role("button").click()
    assert await answers("a fox") is None, "the cross has let go of it"
    await answers("/ask")
    await expect(aimed).to_be_visible()
    assert await answers("blue") is not None
    assert await answers("green") is None, "what was sent has let go of it"
    await answers("/ask")
    await page.reload()
    await expect(aimed).to_be_visible()  # it is the last word in the chat
    await page.locator(".pane.active textarea").fill("/")
    await page.get_by_role("option").filter(has_text="/start").click()
    await expect(rows.last).to_contain_text("рисую")
    await expect(aimed).to_be_hidden()
    await page.reload()
    await expect(rows.last).to_contain_text("рисую")
    assert await answers("red") is None, "an old question does not come back"


async def test_drafts_are_shown_and_stopped_and_a_message_is_forwarded(page: Page, stage: Stage) -> None:
    rows, draft = page.locator(".row"), page.locator(".draft")
    await expect(rows.last).to_be_visible()
    before = await rows.count()
    await stage.bot.send_message_draft(1001, draft_id=1, text="a <b>f</b>", parse_mode="HTML", can_stop=True)
    await expect(draft.locator("strong")).to_have_text("f")
    await draft.get_by_role("button", name="Остановить").click()
    await expect(draft).to_be_hidden()
    await rows.last.locator(".bubble").click(button="right")
    await page.get_by_role("menuitem", name="Переслать").click()
    await page.get_by_role("menuitem", name=(await stage.bot.get_my_name()).name).click()
    await expect(rows).to_have_count(before + 2)  # the forwarded one and what the bot says to it


async def test_a_poll_is_voted_in_and_a_web_app_opens_in_a_frame_knows_its_person_and_closes(
    page: Page, stage: Stage
) -> None:
    options: list[InputPollOption | str] = [InputPollOption(text=it) for it in ("red", "green")]
    await stage.bot.send_poll(1001, "Which?", options, is_anonymous=False)
    green = page.locator(".poll-option").filter(has_text="green")
    await green.click()
    await expect(green).to_have_attribute("aria-pressed", "true")
    await expect(green).to_contain_text("100 %")

    async def app(request: web.Request) -> web.Response:
        script = (
            "const data = decodeURIComponent(decodeURIComponent(location.hash));"
            "document.title = data.includes(':1001,') ? 'ours' : 'strange';"
            "document.body.textContent = document.title;"
            "document.body.onclick = () => parent.postMessage(JSON.stringify({eventType: 'web_app_close'}), '*');"
        )
        return web.Response(text=f"<body><script>{script}</script></body>", content_type="text/html")

    site = web.Application()
    site.router.add_get("/app", app)
    server = test_utils.TestServer(site)
    await server.start_server()
    button = InlineKeyboardButton(text="Draw", web_app=WebAppInfo(url=f"http://127.0.0.1:{server.port}/app"))
    await stage.bot.send_message(1001, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))
    await page.get_by_role("button", name="Draw").click()
    body = page.frame_locator(".webapp-frame").locator("body")
    await expect(body).to_have_text("ours")
    await body.click()
    await expect(page.locator(".webapp-frame")).to_have_count(0)
    await server.close()


async def test_two_people_stand_side_by_side_each_in_their_language(page: Page) -> None:
    await page.locator(".chat-item", has_text="Bob").hover()
    await page.get_by_role("button", name="Открыть рядом: Bob").click()
    await expect(page.locator(".pane")).to_have_count(2)
    await say(page, "hello from Bob")
    await expect(page.locator(".pane.active").get_by_text("You said: hello from Bob")).to_be_visible()
    await expect(page.locator(".pane:not(.active)").get_by_text("hello from Bob")).to_have_count(0)
    await expect(page.locator(".pane.active textarea")).to_have_attribute("placeholder", "Message")
    await expect(page.locator(".pane:not(.active) textarea")).to_have_attribute("placeholder", "Сообщение")


async def test_a_new_person_and_the_group_can_be_written_in(page: Page) -> None:
    await page.get_by_role("button", name="Новый человек").click()
    await page.get_by_label("Имя", exact=True).fill("Zoë")
    await page.get_by_label("Язык").select_option("en")
    await page.get_by_role("button", name="Добавить").click()
    await expect(page.locator(".as-chip")).to_contain_text("Zoë")
    await page.locator(".chat-row", has_text="Art club").click()
    await page.locator(".speaker").select_option("Bob")
    await say(page, "/choose")
    await expect(page.locator(".row:not(.own) .author").last).not_to_be_empty()
    await expect(page.get_by_role("button", name="Tea")).to_be_visible()


async def test_the_drawer_shows_calls_and_what_was_refused(page: Page) -> None:
    await page.get_by_role("button", name="Вызовы Bot API").click()
    drawer = page.locator(".drawer")
    await expect(drawer.locator(".call", has_text="setMyCommands")).to_contain_text("ok")
    await drawer.get_by_text("Устроить сбой").click()
    await drawer.locator("select[name=method]").select_option("sendPhoto")
    await drawer.locator("select[name=kind]").select_option("refusal")
    await drawer.get_by_role("button", name="Задать").click()
    await expect(drawer.locator(".fault")).to_contain_text("sendPhoto")
    await say(page, "doomed")
    refused = drawer.locator(".call.refused", has_text="sendPhoto")
    await expect(refused).to_contain_text("400")
    await refused.locator("summary").click()
    await expect(refused.locator("pre").first).to_contain_text("You said: doomed")
    await expect(drawer.locator(".fault")).to_have_count(0)


async def test_a_phone_shows_the_list_then_the_chat(stage: Stage) -> None:
    page = await open_page(stage.phone, stage.playground.url)
    await expect(page.locator(".pane")).to_have_count(0)
    await page.locator(".chat-row", has_text="Анна").tap()
    await expect(page.locator(".sidebar")).to_be_hidden()
    await say(page, "from a phone")
    await expect(page.locator(".row:not(.own)", has_text="from a phone").locator(".key").first).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.get_by_role("button", name="Назад к списку").tap()
    await expect(page.locator(".sidebar")).to_be_visible()


async def test_the_page_says_when_the_server_is_gone_and_catches_up_afterwards(tmp_path: Path, stage: Stage) -> None:
    playground = await serve(port=0, state_dir=tmp_path, strict=True)
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(playground.url)))
    page = await open_page(await stage.browser.new_context(locale="en-GB"), playground.url)
    await expect(page.locator(".banner")).to_contain_text("No bot here yet")
    await bot.get_me()
    await expect(page.locator(".banner")).to_contain_text("is not connected")
    await say(page, "anyone?")
    await expect(page.locator(".row.own")).to_contain_text("anyone?")
    await playground.close()
    await expect(page.locator(".banner")).to_contain_text("No connection to the playground")
    playground = await serve(port=playground.port, state_dir=tmp_path, strict=True)
    await bot.send_message(1002, "back again")
    await expect(page.locator(".row:not(.own)")).to_contain_text("back again")
    await expect(page.locator(".banner")).to_contain_text("is not connected")
    await page.context.close()
    await bot.session.close()
    await playground.close()
