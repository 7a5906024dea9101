from __future__ import annotations

import asyncio

from inference.queue.transport import JobEvent, JobReport
from inference.queue.transport.mailbox import Mailbox
from inference.requests import Finished, Progress, Started


def progress(step: int, preview: bytes | None = None) -> Progress:
    return Progress(stage="drawing", step=step, of=9, preview=preview)


async def taken(mailbox: Mailbox) -> list[tuple[int, JobEvent]]:
    mailbox.close()
    reports = []
    while (report := await mailbox.take()) is not None:
        reports.append((report.job_id, report.event))
    return reports


async def test_a_slow_reader_finds_the_latest_progress_of_each_job_in_order_with_the_rest() -> None:
    mailbox, done = Mailbox(), Finished(pictures=())
    letters = [(1, Started()), (1, progress(1)), (2, Started()), (2, progress(1)), (1, progress(2)), (2, progress(3))]
    for job_id, event in [*letters, (1, progress(3)), (1, done)]:
        mailbox.post(JobReport(job_id=job_id, event=event))
    assert await taken(mailbox) == [(1, Started()), (1, progress(3)), (2, Started()), (2, progress(3)), (1, done)]


async def test_a_preview_is_not_lost_with_the_progress_that_brought_it() -> None:
    mailbox = Mailbox()
    for event in (progress(1, b"old"), progress(2, b"new"), progress(3)):
        mailbox.post(JobReport(job_id=1, event=event))
    assert await taken(mailbox) == [(1, progress(3, b"new"))]


async def test_the_reader_waits_for_a_report_and_ends_when_it_is_closed() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.post(JobReport(job_id=1, event=Started()))
    assert await waiting == JobReport(job_id=1, event=Started())
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    mailbox.close()
    assert await waiting is None
