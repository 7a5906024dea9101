"""Which device and which modes: what is offered on which machine, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.setup.asking import Nobody, SetupError, Terminal
from bot.setup.draft import Draft, Given, Role
from bot.setup.env_file import EnvFile
from bot.setup.machine import at_work, choose_device, described
from bot.setup.modes import choose_modes, sizes
from bot.setup.steps import choose_people, choose_queue, choose_role, write
from inference.queue.survey import Device, Net, Survey
from inference.survey import look
from tests.bot.setup.scripted import Scripted

GB = 10**9
SMALL = Device(name="cuda:0", label="RTX 3060", memory=12 * GB, free=11 * GB, large=False)
LARGE = Device(name="cuda:1", label="A100", memory=80 * GB, free=79 * GB)
TINY = Device(name="cuda:0", label="GTX 1050", memory=4 * GB, free=3 * GB, large=False)
CPU = Device(name="cpu", label="CPU, 8 threads")


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return Draft(EnvFile(tmp_path / ".env"))


@pytest.fixture
def catalogue(tmp_path: Path) -> Survey:
    """The released model, nothing of which is here."""
    return look(tmp_path / "studio", tmp_path / "released")


def machine(catalogue: Survey, *devices: Device) -> Survey:
    return catalogue.model_copy(update={"devices": devices, "ram": 30 * GB})


def chosen(found: Survey, asking: Terminal | Nobody, folder: Path, given: Given | None = None) -> tuple[str, ...]:
    return choose_modes(given or Given(), asking, found, found.devices[0], folder / "studio", folder / "released")


def test_of_two_cards_one_is_chosen_and_one_that_is_not_there_cannot_be(
    draft: Draft, catalogue: Survey, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = Scripted(monkeypatch, "cuda:7", "cuda:1")
    found = machine(catalogue, SMALL, LARGE, CPU)
    choose_device(draft, Given(), asking, found, Role.WORKER)
    assert draft.wanted == {"DEVICE": "cuda:1"}
    assert at_work(draft, found) is LARGE
    said = capsys.readouterr().out
    assert "there is no such device here; say auto or cuda:0, cuda:1, cpu" in said
    assert "RTX 3060, 12.0 GB (11.0 GB free)" in said


def test_beside_a_bot_every_card_gets_a_worker_unless_one_is_chosen(
    draft: Draft, catalogue: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machine(catalogue, SMALL, LARGE, CPU)
    choose_device(draft, Given(), Scripted(monkeypatch, ""), found, Role.ALL)
    write(draft, Nobody())
    assert draft.file.values == {"WORKERS": "auto"}
    again = Draft(EnvFile(tmp_path / ".env"))
    choose_device(again, Given(), Nobody(), found, Role.ALL)
    assert again.file.changes(again.wanted) == []
    choose_device(again, Given(device="cuda:1"), Nobody(), found, Role.ALL)
    write(again, Nobody())
    assert again.file.values == {"DEVICE": "cuda:1"}
    with pytest.raises(SetupError, match="no such device"):
        choose_device(again, Given(device="every"), Nobody(), found, Role.WORKER)


def test_a_worker_that_shares_no_store_is_offered_the_queue_and_a_bot_is_not(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = Given(queue_url="redis://queue-host:6379")
    asking = Scripted(monkeypatch, "")
    choose_queue(draft, given, asking, Role.WORKER)
    assert "queue:// sends them by Redis [queue://]" in asking.questions[0]
    write(draft, Nobody())
    assert draft.file.values == {"QUEUE_URL": "redis://queue-host:6379", "BLOBS_URL": "queue://"}
    again = Draft(EnvFile(tmp_path / ".env"))
    choose_queue(again, given, Scripted(monkeypatch, "queue://", ""), Role.BOT)
    assert again.value("BLOBS_URL") == "data/blobs"
    assert "queue:// is for workers" in capsys.readouterr().out
    alone = Draft(EnvFile(tmp_path / ".env"))
    choose_queue(alone, Given(), Nobody(), Role.ALL)
    write(alone, Nobody())
    assert alone.file.values == {}, "what a worker said of the queue is nothing to a machine of its own"


def test_where_there_is_no_choice_nothing_is_asked_and_nothing_written(draft: Draft, catalogue: Survey) -> None:
    choose_device(draft, Given(), Nobody(), machine(catalogue, SMALL, CPU), Role.ALL)
    assert draft.wanted == {}


def test_a_device_of_a_flag_that_is_not_there_is_refused_by_the_name_of_the_flag(
    draft: Draft, catalogue: Survey
) -> None:
    with pytest.raises(SetupError, match="--device: there is no such device"):
        choose_device(draft, Given(device="cuda:3"), Nobody(), machine(catalogue, SMALL, CPU), Role.ALL)


def test_a_card_says_what_it_means_for_the_weights() -> None:
    assert "text encoder (17.4 GB) computes on the CPU" in described(SMALL)
    assert "CPU" not in described(LARGE)
    assert "too little" in described(TINY)
    assert "minutes a picture" in described(CPU)


def test_modes_that_share_nets_are_counted_once(catalogue: Survey) -> None:
    flash, _ = sizes(catalogue, ["flash"])
    inpaint, _ = sizes(catalogue, ["inpaint"])
    both, held = sizes(catalogue, ["flash", "inpaint"])
    assert 12e9 < both - flash < 13e9
    assert 12e9 < both - inpaint < 13e9
    assert both == 34_888_014_184 + 1_082_577_000 + 2 * (12_154_673_000 + 67_144_000)
    assert 0.5 * both < held < 0.55 * both
    ready = catalogue.model_copy(update={"ready": ("flash",)})
    assert sizes(ready, ["flash"])[0] == 0


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.setup.modes.shutil.disk_usage", lambda _place: type("Usage", (), {"free": 900 * GB})())


def test_with_a_card_the_quick_mode_is_offered_and_without_one_none(
    catalogue: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roomy: None
) -> None:
    assert chosen(machine(catalogue, SMALL, CPU), Scripted(monkeypatch, ""), tmp_path) == ("flash",)
    assert chosen(machine(catalogue, CPU), Scripted(monkeypatch, ""), tmp_path) == ()
    assert chosen(machine(catalogue, SMALL, CPU), Nobody(), tmp_path, Given(yes=True)) == ()


def test_a_mode_that_does_not_exist_or_cannot_work_alone_is_asked_for_again(
    catalogue: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roomy: None, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = Scripted(monkeypatch, "flsh", "x2 x4", "Flash, x2 flash")
    assert chosen(machine(catalogue, SMALL, CPU), asking, tmp_path) == ("flash", "x2")
    said = capsys.readouterr().out
    assert "there is no mode flsh; there are flash, full" in said
    assert "take flash or full with it" in said


def test_what_the_disk_cannot_take_is_refused_in_a_terminal_and_left_to_the_hub_otherwise(
    catalogue: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.setup.modes.shutil.disk_usage", lambda _place: type("Usage", (), {"free": 40 * GB})())
    found = machine(catalogue, SMALL, CPU)
    assert chosen(found, Scripted(monkeypatch, "flash", "none"), tmp_path) == ()
    assert "72.8 GB would have to fit" in capsys.readouterr().out
    assert chosen(found, Nobody(), tmp_path, Given(yes=True, modes="flash")) == ("flash",)


def test_a_mode_whose_weights_are_here_is_ready_and_costs_nothing(
    catalogue: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roomy: None, capsys: pytest.CaptureFixture[str]
) -> None:
    nets = {name: Net(to_fetch=0, hold=net.hold) for name, net in catalogue.nets.items()}
    found = machine(catalogue, SMALL, CPU).model_copy(update={"ready": ("flash",), "nets": nets})
    assert chosen(found, Scripted(monkeypatch, "x2"), tmp_path) == ("x2",)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("flash ")]
    assert "ready" in line


def test_whoever_says_no_to_the_changes_has_changed_nothing(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choose_people(draft, Given(admins="7,42"), Scripted(monkeypatch, "", ""))
    with pytest.raises(SetupError, match="Nothing was written"):
        write(draft, Scripted(monkeypatch, "perhaps", "no"))
    assert "+ ADMIN_IDS=7,42" in capsys.readouterr().out
    assert not (tmp_path / ".env").exists()


def test_a_setting_that_the_environment_outdoes_is_named(
    draft: Draft, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADMIN_IDS", "1")
    choose_people(draft, Given(admins="7"), Nobody())
    write(draft, Nobody())
    assert "The environment sets ADMIN_IDS otherwise" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "role"),
    [
        ("", Role.ALL),
        ("QUEUE_URL=local://\n", Role.ALL),
        ("BOT_TOKEN=1:x\nQUEUE_URL=redis://host\n", Role.BOT),
        ("QUEUE_URL_FILE=/run/queue\n", Role.WORKER),
    ],
)
def test_what_a_machine_does_is_known_by_what_is_there(tmp_path: Path, lines: str, role: Role) -> None:
    (tmp_path / ".env").write_text(lines)
    draft = Draft(EnvFile(tmp_path / ".env"))
    assert choose_role(draft, Given(), Nobody()) is role
    assert choose_role(draft, Given(role=Role.BOT), Nobody()) is Role.BOT
