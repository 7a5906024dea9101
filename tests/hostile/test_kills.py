"""Whatever is killed, nothing anybody has asked for is lost, done twice or left waiting for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.kills import SHORT, campaign


@pytest.mark.timeout(300)
async def test_nobody_notices_that_bot_worker_and_engine_were_killed(tmp_path: Path) -> None:
    outcome = await campaign(SHORT, 1, tmp_path)
    assert outcome.faults == (), f"{outcome.figures}; log and chats: {tmp_path}"
