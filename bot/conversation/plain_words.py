"""Words that are no picture: "cancel", "help" and "history" do what they say, greetings and thanks are answered.

Only a message that holds nothing else is taken so: a stop sign in the fog and the history of Rome are drawn. Whoever
wants one of these words drawn says /imagine.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Literal

from aiogram import Bot, Router
from aiogram.types import Message

from bot.conversation import history, queue, settings, start, styles
from bot.conversation.results import repeat
from bot.jobs import cards, keyboards
from bot.jobs.belonging import post_of
from bot.jobs.context import context_of
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.prompt import NoWords
from bot.prompt.said import says_something, seen
from bot.store import Person
from bot.telegram.addressed import Addressed
from bot.texts.i18n import _

Saying = Literal[
    "cancel",
    "help",
    "start",
    "history",
    "settings",
    "queue",
    "styles",
    "again",
    "hello",
    "thanks",
    "pity",
    "yes",
    "draw",
]

_SAID: dict[Saying, str] = {
    "cancel": """отмена, отмени, отмените, отменить, отмени все, отменить все, стоп, остановись, останови, остановить,
        хватит, прекрати, не надо, не рисуй, отбой, stop, cancel, cancel all, cancel everything, cancel it, stop it,
        never mind, nevermind""",
    "help": """помощь, помоги, помогите, справка, инструкция, команды, список команд, как пользоваться,
        как тобой пользоваться, как этим пользоваться, как это работает, что делать, help, help me, commands, manual,
        how does this work, how does it work, how do i use this, how to use this""",
    "start": """что ты умеешь, что умеешь, что ты можешь, что вы умеете, что вы можете, что умеет, кто ты, ты кто,
        старт, начать, меню, start, menu, what can you do, what do you do, who are you""",
    "history": """история, моя история, мои картинки, мои рисунки, покажи историю, покажи мои картинки, history,
        my history, my pictures, show my pictures""",
    "settings": "настройки, мои настройки, настройка, settings, my settings, preferences",
    "queue": """очередь, моя очередь, статус, где моя картинка, где мои картинки, сколько ждать, долго еще, ну где,
        почему так долго, почему так медленно, чего так долго, скоро, скоро уже, когда будет готово, ну что там,
        why so slow, why does it take so long, how much longer, is it ready,
        queue, my place in line, status, how long, where is my picture, are you there""",
    "styles": "стили, какие есть стили, покажи стили, список стилей, styles, list of styles, show styles",
    "again": """еще, еще раз, еще разок, еще вариант, еще варианты, давай еще, повтори, повторите, again, once more,
        one more, one more time, another, another one, do it again, try again""",
    "hello": """привет, приветик, приветствую, здравствуй, здравствуйте, добрый день, добрый вечер, доброе утро, хай,
        хелло, ку, как дела, hello, hello there, hi, hi there, hey, hey there, good morning, good afternoon,
        good evening, how are you""",
    "thanks": """спасибо, большое спасибо, спасибо большое, спасибо тебе, спасибо огромное, огромное спасибо, спс,
        благодарю, круто, классно, супер, отлично, прекрасно, шикарно, молодец, вау, ого,
        красиво, очень красиво, как красиво, здорово, класс, прелесть, чудесно, замечательно, нравится, мне нравится,
        очень нравится, thanks, thank you, thx, ty,
        thanks a lot, thank you very much, thank you so much, many thanks, great, awesome, amazing, nice, wow, cool,
        good job, well done, beautiful, very nice, very good, lovely, perfect, brilliant, love it,
        i love it, i like it""",
    "pity": """не то, нет не то, не так, нет не так, не похоже, не нравится, мне не нравится, плохо, некрасиво, ужасно,
        bad, wrong, not it, not this, not like that, not what i wanted, not what i meant, i don t like it,
        i do not like it""",
    "yes": "да, нет, ок, окей, ладно, хорошо, понятно, ясно, понял, поняла, yes, no, ok, okay, got it, i see, fine",
    "draw": "нарисуй, нарисуй мне, нарисуйте, рисуй, нарисуй что нибудь, draw, draw me, draw something",
}
_BY_WORDS: dict[str, Saying] = {" ".join(words.split()): act for act in _SAID for words in _SAID[act].split(",")}
_GESTURES = re.compile("[👍👎👏🙏👌🤝😀-😊😍🥰😘🤗🤩🥳🙂\ufe0f\U0001f3fb-\U0001f3ff ]+")
_COMPANY = re.compile(r"^(?:бот|bot|пожалуйста|please) | (?:бот|bot|пожалуйста|please)$")
_LONGEST = 64


def plainly_said(text: str) -> Saying | None:
    """What a text asks for that is no picture; None where it is a wish."""
    text = seen(text)
    if len(text) > _LONGEST:
        return None
    if _GESTURES.fullmatch(text):
        return "thanks"
    if not says_something(text):
        return "help" if "?" in text else "draw"
    words = re.sub(r"[^\w]+", " ", text.lower().replace("ё", "е")).strip()
    return _BY_WORDS.get(_COMPANY.sub("", words))


class Plainly(Addressed):
    """Words that mean the bot and say just this."""

    def __init__(self, saying: Saying) -> None:
        self._saying = saying

    async def __call__(self, message: Message, bot: Bot) -> bool:
        said = await self.said(message, bot)
        return said is not None and plainly_said(said) == self._saying


async def greeted(message: Message, studio: Studio, origin: Origin) -> None:
    """A greeting back, with something to tap."""
    text = "👋 " + _("Hello! Tell me what to draw, or tap one of these. All that I can do: /help")
    await studio.deliveries.say(origin, text, keyboards.examples(cards.examples(studio.queue.card)))


async def thanked(message: Message, studio: Studio, origin: Origin) -> None:
    await studio.deliveries.say(origin, "😊 " + _("My pleasure! What shall I draw next?"))


async def pitied(message: Message, studio: Studio, origin: Origin) -> None:
    """Somebody is not pleased: what helps."""
    text = _(
        "A pity! “Again” under the picture draws others, and “Edit” changes its words. "
        "Or tell me in other words what you would like to see."
    )
    await studio.deliveries.say(origin, "😔 " + text)


async def once_more(message: Message, person: Person, studio: Studio, origin: Origin) -> None:
    """What the answered message shows, or else what somebody got last in this chat, with new seeds. Raises one of
    REFUSALS."""
    shown = message.reply_to_message
    if shown is not None:
        post = await post_of(studio.history, shown)
        job_id = post.job_id if post is not None else None
    else:
        newest = await studio.history.sources.newest_picture(person.id, message.chat.id)
        picture = await studio.history.picture(newest) if newest is not None else None
        job_id = picture.job_id if picture is not None else None
    job = await studio.ledger.job(job_id) if job_id is not None else None
    if job is None or job.owner_id != person.id:
        raise NoWords
    await repeat(job, context_of(job).parents, studio, origin, None, new_seeds=True)


async def agreed(message: Message, studio: Studio, origin: Origin) -> None:
    """A yes or a no to nothing in particular."""
    await studio.deliveries.say(origin, "👌 " + _("All right. Tell me what to draw, or see /help."))


async def without_wish(message: Message) -> None:
    raise NoWords


def build_cancel() -> Router:
    """Comes before the questions of ours, which it ends rather than answers."""
    router = Router(name="stop")
    router.message.register(queue.cancel, Plainly("cancel"))
    return router


def build() -> Router:
    """Comes after the questions of ours, which may be answered by any word."""
    router = Router(name="plain words")
    acts: dict[Saying, Callable[..., Awaitable[None]]] = {
        "help": start.help_,
        "start": start.start,
        "history": history.open_,
        "settings": settings.open_,
        "queue": queue.queue_,
        "styles": styles.list_,
        "again": once_more,
        "hello": greeted,
        "thanks": thanked,
        "pity": pitied,
        "yes": agreed,
        "draw": without_wish,
    }
    for saying, act in acts.items():
        router.message.register(act, Plainly(saying))
    return router
