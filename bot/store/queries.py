"""What the bot remembers of people and their pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.calls import ApiCalls
from bot.store.dialogs import Dialogs
from bot.store.keys import ApiKeys
from bot.store.posts import Posts
from bot.store.records import HOUSE, Parent, Person, Preferences, StoredPicture
from bot.store.sendings import Sendings
from bot.store.signatures import Signatures, forget_signatures
from bot.store.sources import Sources, note_parents
from bot.store.statements import living, shows, stored_picture, upsert
from bot.store.tables import people, pictures
from bot.store.words import beginnings, searchable
from bot.texts.languages import LANGUAGES, Language, language_for
from inference.queue.lookups import keys_in_use, newest_with_key
from inference.queue.recent import Recent
from inference.requests import REQUESTS, Cancelled, Finished

if TYPE_CHECKING:
    from inference.queue.jobs import Job

_PREFERENCES = ("mode", "size", "count", "style", "shared")
_PEOPLE_AT_HAND = 4096


class History(Posts):
    """Queries over one database. Every write is one transaction and may be repeated without harm.

    State: the people seen last, so many as are kept `at_hand`, because every update begins by asking who sent it. Only
    this object changes them; where others do, none may be.
    """

    def __init__(
        self,
        database: AsyncEngine,
        *,
        default_language: Language = "en",
        clock: Callable[[], float] = time.time,
        at_hand: int = _PEOPLE_AT_HAND,
    ) -> None:
        super().__init__(database, clock)
        self.sources = Sources(database, clock)
        self.dialogs = Dialogs(database, self.sources, clock)
        self.sendings = Sendings(database, clock)
        self.signatures = Signatures(database, clock)
        self.keys = ApiKeys(database, clock)
        self.calls = ApiCalls(database, clock)
        self._default_language = default_language
        self._at_hand: Recent[int, tuple[str | None, Person]] = Recent(at_hand)  # with their client's language
        self._changes = 0

    async def person(self, user_id: int, client_language: str | None) -> Person:
        """The person of this id, remembered from now on if unknown; notes a change of the client's language."""
        known = self._at_hand.use(user_id)
        if known is not None and client_language in (None, known[0]):
            return known[1]
        changes = self._changes
        async with self._reading.connect() as connection:
            row = (await connection.execute(select(people).where(people.c.id == user_id))).mappings().first()
        if row is None or (client_language is not None and row["client_language"] != client_language):
            fresh = {"id": user_id, "client_language": client_language, "created_at": self._clock()}
            async with self._database.begin() as connection:
                await upsert(connection, people, fresh, key=("id",), keep=("created_at",))
                row = (await connection.execute(select(people).where(people.c.id == user_id))).mappings().one()
        person = self._person(row)
        if changes == self._changes:  # otherwise this may be how the person was before
            self._keep_at_hand(person, row["client_language"])
        return person

    async def language(self, user_id: int, client_language: str | None) -> Language:
        """What to speak with somebody who is not to be remembered for it."""
        known = self._at_hand.use(user_id)
        if known is not None:
            return known[1].language
        async with self._reading.connect() as connection:
            chosen = await connection.scalar(select(people.c.language).where(people.c.id == user_id))
        return cast("Language | None", chosen) or language_for(client_language, self._default_language)

    async def set_preference(self, user_id: int, **fields: Any) -> Person:
        """Remembers choices (`language`, `mode`, `size`, `count`, `style`, `shared`); None takes one back."""
        unknown = set(fields) - {"language", *_PREFERENCES}
        if unknown:
            raise TypeError(f"no such preference: {', '.join(sorted(unknown))}")
        if fields.get("language") not in (None, *LANGUAGES):
            raise ValueError("language must be one of " + ", ".join(LANGUAGES))
        if fields.get("mode") not in (None, *REQUESTS):
            raise ValueError("mode must be one of " + ", ".join(REQUESTS))
        return await self._change_person(user_id, fields)

    async def shares(self, user_id: int) -> bool:
        """Whether everybody in a group may have recipe, original and a repetition of what somebody draws there; of what
        the house has drawn they may."""
        return user_id == HOUSE or (await self.person(user_id, None)).preferences.shared is not False

    async def set_blocked(self, user_id: int, blocked: bool) -> None:
        """Notes that a person has blocked the bot, or talks to it again."""
        await self._change_person(user_id, {"blocked_at": self._clock() if blocked else None})

    async def add_pictures(
        self, job: Job, ended: Finished | Cancelled, parents: Sequence[Parent], *, words: str = ""
    ) -> list[StoredPicture]:
        """Stores what a job has produced from these parents, once per tile however often it is told; returns the job's
        pictures by tile. They can be looked for by what was asked for, `words` included."""
        now = self._clock()
        first = next((parent.picture_id for parent in parents if parent.picture_id is not None), None)
        rows = [
            {
                "job_id": job.id,
                "tile": picture.tile,
                "blob": picture.blob,
                "width": picture.width,
                "height": picture.height,
                "recipe": picture.recipe.model_dump(mode="json"),
                "words": searchable(words, picture.recipe.request.words),
                "owner_id": job.owner_id,
                "chat_id": job.chat_id,
                "parent_id": first,
                "created_at": now,
            }
            for picture in ended.pictures
        ]
        async with self._database.begin() as connection:
            for row in rows:
                await upsert(connection, pictures, row, key=("job_id", "tile"), keep=tuple(row))
            await note_parents(connection, job.id, parents)
        return await self.pictures_of_job(job.id)

    async def picture(self, picture_id: int) -> StoredPicture | None:
        found = await self._pictures(living().where(pictures.c.id == picture_id))
        return found[0] if found else None

    async def pictures_of_job(self, job_id: int) -> list[StoredPicture]:
        return await self._pictures(living().where(pictures.c.job_id == job_id).order_by(pictures.c.tile))

    async def is_only_one(self, picture: StoredPicture) -> bool:
        """Whether its job has made this picture and no other, be it that no more were asked for or that it stopped."""
        made = select(func.count()).select_from(pictures).where(pictures.c.job_id == picture.job_id)
        async with self._reading.connect() as connection:
            return (await connection.scalar(made)) == 1

    async def children(self, picture_id: int) -> list[StoredPicture]:
        """Pictures that were made out of this one, oldest first."""
        return await self._pictures(living().where(pictures.c.parent_id == picture_id).order_by(pictures.c.id))

    async def ordered_with(self, owner_id: int, keys: Collection[str], *, since: int = 0) -> frozenset[str]:
        """Of these keys (`Job.key`) those of a person's jobs after `since` that wait, run or gave pictures."""
        async with self._reading.connect() as connection:
            return frozenset(await connection.scalars(keys_in_use(owner_id, keys, since=since)))

    async def job_ordered_with(self, owner_id: int, key: str) -> int | None:
        """The newest of a person's jobs with this key (`Job.key`) that waits, runs or gave pictures."""
        async with self._reading.connect() as connection:
            found: int | None = await connection.scalar(newest_with_key(owner_id, key))
            return found

    async def move_chat(self, old_chat_id: int, new_chat_id: int) -> None:
        """A group became a supergroup. Its pictures go along; posts do not, for its messages are numbered anew."""
        async with self._database.begin() as connection:
            await connection.execute(
                update(pictures).where(pictures.c.chat_id == old_chat_id).values(chat_id=new_chat_id)
            )

    async def page(
        self,
        owner_id: int,
        *,
        offset: int,
        limit: int,
        starred: bool = False,
        within: int | None = None,
        words: str = "",
    ) -> tuple[list[StoredPicture], int]:
        """A person's pictures from the newest on, all or those made in one chat or that have these words, and how many
        there are."""
        conditions = [pictures.c.owner_id == owner_id, pictures.c.deleted_at.is_(None)]
        if within is not None:
            conditions.append(pictures.c.chat_id == within)
        conditions += [pictures.c.words.contains(beginning, autoescape=True) for beginning in beginnings(words)]
        if starred:
            conditions.append(pictures.c.starred_at.is_not(None))
        newest_first = (
            select(pictures)
            .where(*conditions)
            .order_by(pictures.c.created_at.desc(), pictures.c.job_id.desc(), pictures.c.tile)
            .offset(offset)
            .limit(limit)
        )
        async with self._reading.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(pictures).where(*conditions))
            rows = (await connection.execute(newest_first)).mappings().all()
        return [stored_picture(row) for row in rows], int(total or 0)

    async def star(self, picture_id: int, starred: bool) -> None:
        await self._change_picture(picture_id, {"starred_at": self._clock() if starred else None})

    async def delete(self, picture_id: int) -> str | None:
        """Deletes a picture; returns its blob's digest when nothing else shows the same bytes, so that they can go."""
        async with self._database.begin() as connection:
            await connection.execute(
                update(pictures)
                .where(pictures.c.id == picture_id, pictures.c.deleted_at.is_(None))
                .values(deleted_at=self._clock())
            )
            blob = await connection.scalar(select(pictures.c.blob).where(pictures.c.id == picture_id))
            still_shown = await shows(connection, blob)
            if blob is not None and not still_shown:
                await forget_signatures(connection, blob)
        return None if still_shown else cast("str | None", blob)

    async def shows(self, blob: str) -> bool:
        """Whether any picture, made or given, has these bytes."""
        async with self._reading.connect() as connection:
            return await shows(connection, blob)

    async def _change_person(self, user_id: int, values: dict[str, Any]) -> Person:
        row = {"id": user_id, "created_at": self._clock(), **values}
        async with self._database.begin() as connection:
            await upsert(connection, people, row, key=("id",), keep=("created_at",))
            stored = (await connection.execute(select(people).where(people.c.id == user_id))).mappings().one()
        person = self._person(stored)
        self._changes += 1
        self._keep_at_hand(person, stored["client_language"])
        return person

    def _keep_at_hand(self, person: Person, client_language: str | None) -> None:
        self._at_hand[person.id] = (client_language, person)

    async def _change_picture(self, picture_id: int, values: dict[str, Any]) -> None:
        async with self._database.begin() as connection:
            await connection.execute(update(pictures).where(pictures.c.id == picture_id).values(**values))

    async def _pictures(self, query: Select[Any]) -> list[StoredPicture]:
        async with self._reading.connect() as connection:
            return [stored_picture(row) for row in (await connection.execute(query)).mappings()]

    def _person(self, row: Mapping[Any, Any]) -> Person:
        return Person(
            id=row["id"],
            language=row["language"] or language_for(row["client_language"], self._default_language),
            chosen_language=row["language"],
            preferences=Preferences(**{name: row[name] for name in _PREFERENCES}),
            blocked=row["blocked_at"] is not None,
        )
