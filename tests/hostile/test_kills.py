"""Whatever is killed, nothing anybody has asked for is lost, done twice or left waiting for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.kills import KILLS, campaign


@pytest.mark.timeout(300)
async def test_nobody_notices_that_bot_worker_and_engine_were_killed(tmp_path: Path) -> None:
    table = await campaign(KILLS[False], 1, tmp_path)
    assert table.faults == (), f"{table}\n{tmp_path}"
