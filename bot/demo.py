"""Everything in one program: a local Bot API server with a chat page, and the bot that talks to it."""

from __future__ import annotations

import errno

from bot.app import Running, run
from bot.app.parts import make_folder
from bot.playground import serve
from bot.settings import Settings, SettingsError, load_settings

DEMO_TOKEN = "31415926:" + "kandinsky_demo_on_this_machine_only"


def demo_settings() -> Settings:
    """The settings of this machine, except those that would lead out of it or into a real studio's data."""
    own = load_settings(bot_token=DEMO_TOKEN)
    folder = own.data_dir / "demo"
    return load_settings(
        bot_token=DEMO_TOKEN,
        telegram_api_local=False,
        webhook_url=None,
        database_url=f"sqlite+aiosqlite:///{folder}/studio.db",
        blobs_url=str(folder / "blobs"),
        allowed_users=frozenset(),
    )


async def demo(settings: Settings) -> None:
    """Serves the playground and runs the bot on it until SIGTERM or SIGINT. Raises SettingsError for a taken port, and
    for a folder that cannot be made."""
    state = make_folder(settings.data_dir / "playground")
    try:
        playground = await serve(
            port=settings.playground_port,
            state_dir=state,
            usernames={int(DEMO_TOKEN.partition(":")[0]): "kandinsky_demo_bot"},
        )
    except OSError as refused:
        if refused.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise SettingsError(
            "PLAYGROUND_PORT",
            f"port {settings.playground_port} is taken or forbidden; choose another, like PLAYGROUND_PORT=8090",
        ) from refused

    async def announce(running: Running) -> None:
        await running.bot.set_my_name("Kandinsky")
        _announce(running, playground.url)

    try:
        print("Starting the studio; the first picture is a few seconds away …", flush=True)
        await run(settings.model_copy(update={"telegram_api_url": playground.url}), on_ready=announce)
    finally:
        await playground.close()


def _announce(running: Running, url: str) -> None:
    card = running.queue.card
    if card is None:
        print("The drawing engine has not started. `python -m bot doctor` says what it lacks.", flush=True)
    lines = [
        f"Kandinsky is listening: {url}",
        f"Model: {card.label.en}" if card else "Model: none",
        "Open the address, say what to draw. Ctrl+C ends it.",
    ]
    print("\n".join(["", *(f"  {line}" for line in lines), ""]), flush=True)
