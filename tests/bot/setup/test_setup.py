"""The first hour of an owner: `python -m bot setup` as they start it, in a terminal and by flags."""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import re
import select
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from dotenv import dotenv_values
from typer.testing import CliRunner

from bot.playground import Playground, serve
from bot.settings import Settings
from bot.setup.command import set_up, setup_command
from bot.setup.draft import Given, Step
from inference.survey import look
from tests.bot.setup.scripted import Scripted
from tests.bot.test_settings import TOKEN
from tests.inference.families.kandinsky.files.hub import Hub, hub_of
from tests.inference.families.kandinsky.files.layouts import state_dims, write_hub
from tests.inference.tiny import write_checkpoint
from tests.waiting import PATIENCE

pytestmark = pytest.mark.timeout(400)  # programs of ours start here that import torch, on machines that are busy

ROOT = Path(__file__).parents[3]
OTHER = TOKEN.replace("A", "B")  # of the same bot, and not its token


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[Playground]:
    server = await serve(port=0, strict=True)
    server.world.connect(int(TOKEN.partition(":")[0]), TOKEN.partition(":")[2])
    yield server
    await server.close()


class Conversation:
    """`python -m bot setup` in a pseudo-terminal: what it says, and what is typed."""

    def __init__(self, folder: Path, *flags: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        told = {**inherited, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
        self.said = ""
        self.heard = 0
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "bot", "setup", *flags], told)

    def expect(self, words: str) -> None:
        """Returns when these have been said since the last time."""
        while not (found := re.search(words, self.said[self.heard :])):
            assert self._more(), f"{words!r} was not said in {self.said}"
        self.heard += found.end()

    def answer(self, question: str, typed: str) -> None:
        self.expect(question)
        os.write(self.terminal, f"{typed}\n".encode())

    def interrupt(self) -> None:
        os.write(self.terminal, b"\x03")

    def end(self) -> int:
        while self._more():
            pass
        _process, status = os.waitpid(self.process, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)

    def _more(self) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], PATIENCE)
        assert ready, f"nothing more was said after {self.said}"
        try:
            come = os.read(self.terminal, 65536)
        except OSError:  # so Linux says that the other end is closed
            return False
        self.said += come.decode(errors="replace").replace("\r", "")
        return bool(come)


def told(folder: Path) -> dict[str, str | None]:
    return dotenv_values(folder / ".env")


class Flags:
    """The same without a terminal, in this process: how it ends, and all that it and its programs say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self._output = output
        self._program = typer.Typer()
        self._program.command()(setup_command)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)

    async def __call__(self, *flags: str, **environment: str) -> tuple[int, str]:
        ended = await asyncio.to_thread(CliRunner().invoke, self._program, flags, env=environment)
        told = self._output.readouterr()
        assert isinstance(ended.exception, SystemExit | None), ended.exception
        return ended.exit_code, ended.output + told.out + told.err


@pytest.fixture
def by_flags(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Flags]:
    monkeypatch.chdir(tmp_path)
    root, level, hook = logging.getLogger(), logging.getLogger().level, sys.excepthook
    handlers = list(root.handlers)
    yield Flags(monkeypatch, capfd)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)


async def test_an_owner_answers_questions_and_has_a_studio(telegram: Playground, tmp_path: Path) -> None:
    def talk() -> str:
        owner = Conversation(tmp_path, "--telegram-api-url", telegram.url)
        owner.expect("it speaks to Telegram, other machines draw")
        owner.answer(r"\[all\]: ", "everything")
        owner.answer(r"say all, bot, worker\s+One of them \[all\]: ", "")
        owner.expect("BotFather")
        owner.answer("Token: ", "hello")
        owner.answer("not a bot token.*\n.*Token: ", OTHER)
        owner.answer("does not know this token.*\n.*Token: ", TOKEN)
        owner.expect("It belongs to @")
        owner.answer(r"owners.*\[nobody\]: ", "me")
        owner.answer(r"as numbers.*\n.*owners.*\[nobody\]: ", "42, 7")
        owner.answer(r"\[everybody\]: ", "")
        owner.answer(r"pictures \[data\]: ", "kept here")
        owner.answer(r"weights \[kept here/studio-weights\]: ", "")
        owner.expect("It draws on ")
        owner.answer(r"between \[none\]: ", "x2")
        owner.answer(r"take flash or full with it.*\n.*between \[none\]: ", "")
        owner.expect(r"\+ BOT_TOKEN=\(hidden\)")
        owner.answer(r"Write it\? \(yes or no\) \[yes\]: ", "yes")
        owner.expect("torch")  # the doctor looks at the engine too
        owner.expect("All is well. Start it: python -m bot")
        assert owner.end() == 0
        return owner.said

    said = await asyncio.to_thread(talk)
    for token in (TOKEN, OTHER):
        assert token.partition(":")[2] not in said
    assert told(tmp_path) == {
        "TELEGRAM_API_URL": telegram.url,
        "BOT_TOKEN": TOKEN,
        "ADMIN_IDS": "7,42",
        "DATA_DIR": "kept here",
        "WEIGHTS_DIR": "kept here/studio-weights",
    }
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


async def test_a_second_start_keeps_what_is_there_and_one_step_can_be_done_alone(
    telegram: Playground,
    tmp_path: Path,
    by_flags: Flags,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / ".env").write_text(f"# mine\nLOG_LEVEL=WARNING\nBOT_TOKEN={TOKEN}\nTELEGRAM_API_URL={telegram.url}\n")

    asking = Scripted(monkeypatch, "да", "", "", "")
    only = frozenset({Step.TOKEN, Step.PLACES})
    assert await asyncio.to_thread(set_up, Given(only=only), asking)
    assert [question.partition(" [")[0] for question in asking.questions] == [
        "Keep it? (yes or no)",
        "Folder for the database and the pictures",
        "Folder for the weights",
        "Write it? (yes or no)",
    ]
    assert "BOT_TOKEN=" not in capfd.readouterr().out
    written = (tmp_path / ".env").read_text()
    assert written.startswith(f"# mine\nLOG_LEVEL=WARNING\nBOT_TOKEN={TOKEN}\n")
    status, said = await by_flags("--only", "token", "--only", "places", "--yes")
    assert status == 0 and ".env has all of it already" in said
    assert (tmp_path / ".env").read_text() == written


async def test_whoever_stops_has_changed_nothing_and_sees_no_traceback(telegram: Playground, tmp_path: Path) -> None:
    def talk() -> None:
        stopped = Conversation(tmp_path, "--only", "token", "--telegram-api-url", telegram.url)
        stopped.expect("Token: ")
        stopped.interrupt()
        assert stopped.end() == 130
        assert "Traceback" not in stopped.said

    await asyncio.to_thread(talk)
    assert not (tmp_path / ".env").exists()


async def test_flags_answer_everything_and_no_secret_is_said(
    telegram: Playground, tmp_path: Path, by_flags: Flags
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    steps = ("--only", "token", "--only", "people")
    flags = ("--yes", "--token-file", "token", "--telegram-api-url", telegram.url, "--allowed", "5")
    status, said = await by_flags(*flags, *steps)
    assert status == 0, said
    assert TOKEN.partition(":")[2] not in said
    assert told(tmp_path)["BOT_TOKEN"] == TOKEN
    assert told(tmp_path)["ALLOWED_USERS"] == "5"


async def test_a_token_of_the_environment_is_tried_and_kept_and_a_wrong_one_is_not(
    telegram: Playground, tmp_path: Path, by_flags: Flags
) -> None:
    flags = ("--yes", "--only", "token", "--telegram-api-url", telegram.url)
    status, said = await by_flags(*flags, BOT_TOKEN=OTHER)
    assert (status, "does not know this token" in said) == (2, True)
    assert not (tmp_path / ".env").exists()
    status, said = await by_flags(*flags, BOT_TOKEN=TOKEN)
    assert status == 0, said
    assert told(tmp_path)["BOT_TOKEN"] == TOKEN


async def test_a_telegram_out_of_reach_is_told_and_can_be_done_without(by_flags: Flags) -> None:
    flags = ("--yes", "--only", "token", "--telegram-api-url", "http://127.0.0.1:9")
    status, said = await by_flags(*flags, BOT_TOKEN=TOKEN)
    assert status == 2 and "--offline" in said and TOKEN.partition(":")[2] not in said
    status, said = await by_flags(*flags, "--offline", BOT_TOKEN=TOKEN)
    assert status == 0, said


async def test_without_a_terminal_and_without_a_yes_it_says_what_to_do(by_flags: Flags) -> None:
    status, said = await by_flags()
    assert status == 2
    assert "--yes" in said and said.count("\n") == 1


async def test_a_password_in_a_command_line_is_refused_and_not_repeated(by_flags: Flags) -> None:
    flags = ("--yes", "--role", "worker", "--only", "queue", "--queue-url", "redis://:geheim@127.0.0.1:6379")
    status, said = await by_flags(*flags)
    assert status == 2
    assert "geheim" not in said and "command line" in said


async def test_a_worker_of_another_machine_needs_no_token(
    tmp_path: Path, by_flags: Flags, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.examine_engine", lambda settings: True)  # examined elsewhere, and takes seconds
    (tmp_path / "queue").write_text("redis://:geheim@127.0.0.1:9\n")
    flags = ("--yes", "--role", "worker", "--queue-url-file", "queue", "--blobs-url", "/mnt/pictures")
    status, said = await by_flags(*flags, "--only", "places", "--only", "queue", "--only", "doctor")
    assert status == 1, "nobody answers at that address"
    assert "Token" not in said and "geheim" not in said
    assert told(tmp_path)["QUEUE_URL_FILE"] == str(tmp_path / "queue")
    assert told(tmp_path)["BLOBS_URL"] == "/mnt/pictures"
    assert "BOT_TOKEN" not in told(tmp_path)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    tiny = write_checkpoint(tmp_path_factory.mktemp("tiny"))
    with hub_of(write_hub(tiny, tmp_path_factory.mktemp("hub"))) as served:
        yield served


async def test_weights_are_fetched_and_converted_and_a_try_that_failed_is_gone_on_with(
    hub: Hub, tmp_path: Path, by_flags: Flags, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.setup.steps.surveyed", look)  # the program that asks it for us costs seconds
    (tmp_path / "data" / "weights").mkdir(parents=True)
    state_dims(tmp_path / "data" / "weights")
    hub.refusals["movq.pt"] = [403] * 100
    flags = ("--yes", "--only", "places", "--only", "modes", "--modes", "flash")
    status, said = await by_flags(*flags, HF_ENDPOINT=hub.address)
    assert status == 2
    assert "go on with: python -m bot setup --only modes --modes flash" in said
    hub.refusals.clear()
    again = ("--yes", "--only", "modes", "--modes", "flash")
    status, said = await by_flags(*again, HF_ENDPOINT=hub.address)
    assert status == 0, said
    assert "converting  [########################] 100%" in said
    assert look(tmp_path / "data" / "studio-weights", tmp_path / "data" / "weights").ready == ("flash",)
