"""Signatures are kept of the pictures that somebody uses: not of too many, not for long, not of what is deleted."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store import History, Leftovers, Signatures
from bot.store.signatures import KEPT, KEPT_SECONDS
from inference.requests import Source

ANNA, BORIS = 1001, 1002


def blob(number: int) -> str:
    return f"{number:064x}"


async def test_what_is_kept_is_known_to_its_owner_alone(database: AsyncEngine) -> None:
    kept = Signatures(database)
    await kept.keep(ANNA, {blob(1): b"one", blob(2): b"two"})
    await kept.keep(BORIS, {blob(1): b"one"})
    assert await kept.known(ANNA, [blob(1), blob(2), blob(3)]) == {blob(1): b"one", blob(2): b"two"}
    assert await kept.known(BORIS, [blob(1), blob(2)]) == {blob(1): b"one"}
    await kept.keep(ANNA, {blob(1): b"anew"})
    assert await kept.known(ANNA, [blob(1)]) == {blob(1): b"anew"}


async def test_what_was_not_used_for_longest_goes_where_there_are_too_many(database: AsyncEngine) -> None:
    now = 0.0
    kept = Signatures(database, lambda: now)
    for number in range(KEPT):
        now += 1
        await kept.keep(ANNA, {blob(number): b"x"})
    now += 1
    await kept.keep(ANNA, {}, used=[blob(0)])
    now += 1
    await kept.keep(ANNA, {blob(98): b"x", blob(99): b"x"})
    await kept.keep(BORIS, {blob(1): b"x"})
    known = await kept.known(ANNA, [blob(number) for number in range(100)])
    assert set(known) == {blob(0), *(blob(number) for number in range(3, KEPT)), blob(98), blob(99)}


async def test_the_sweep_takes_what_nobody_has_used_for_a_week(database: AsyncEngine) -> None:
    now = 1_000_000.0
    kept, leftovers = Signatures(database, lambda: now), Leftovers(database, lambda: now)
    await kept.keep(ANNA, {blob(1): b"x", blob(2): b"x"})
    now += KEPT_SECONDS
    await kept.keep(ANNA, {}, used=[blob(2)])
    now += 1
    await leftovers.forget(0.0)
    assert set(await kept.known(ANNA, [blob(1), blob(2)])) == {blob(2)}


async def test_nothing_small_is_left_of_a_photo_that_goes(database: AsyncEngine) -> None:
    history, leftovers = History(database), Leftovers(database)
    photo = await history.sources.add_upload(ANNA, ANNA, 1, Source(blob=blob(2), width=8, height=8), "file")
    await history.signatures.keep(ANNA, {blob(1): b"x", blob(2): b"x"})
    await history.signatures.keep(BORIS, {blob(2): b"x"})
    assert photo.upload_id is not None
    await leftovers.let_go(photo.upload_id, blob(2))
    assert set(await history.signatures.known(ANNA, [blob(1), blob(2)])) == {blob(1)}
    assert not await history.signatures.known(BORIS, [blob(2)])
