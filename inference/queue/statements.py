"""The ledger's SQL, built once. Every UPDATE of a state names the states it may leave."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import JSON, ColumnElement, bindparam, delete, func, insert, literal_column, select, update

from inference.queue.jobs import ACTIVE, AT_WORKER, IN_FLIGHT, LIVING, STOPPING, TERMINAL, WAITING, State
from inference.queue.tables import jobs, owners, speeds


def _in(states: Iterable[State]) -> ColumnElement[bool]:
    return jobs.c.state.in_([literal_column(f"'{state}'") for state in states])


_THIS = jobs.c.id == bindparam("job_id")
_WORK = jobs.c.owner_id, jobs.c.cost, jobs.c.developed, jobs.c.drawings, jobs.c.compatibility
_OWNER = owners.c.owner_id == bindparam("owner")

JOB = select(jobs).where(_THIS)
JOB_OF_UPDATE = select(jobs).where(jobs.c.update_id == bindparam("update"))
JOB_ORDERED_BY = (
    select(jobs)
    .where(
        jobs.c.owner_id == bindparam("owner"),
        jobs.c.chat_id == bindparam("chat"),
        jobs.c.reply_to == bindparam("message"),
    )
    .order_by(jobs.c.id.desc())
    .limit(1)
)
JOBS_LIVING = select(jobs).where(_in(LIVING)).order_by(jobs.c.id)
JOBS_LIVING_OF_OWNER = JOBS_LIVING.where(jobs.c.owner_id == bindparam("owner"))
JOBS_UNANNOUNCED = select(jobs).where(_in(["new"])).order_by(jobs.c.id)
JOBS_UNSHOWN = select(jobs).where(jobs.c.shown_at.is_(None), _in(TERMINAL)).order_by(jobs.c.finished_at, jobs.c.id)

# Admission
CROWD = select(
    func.count().filter(_in(WAITING)).label("waiting"),
    func.count().filter(_in(WAITING), jobs.c.owner_id == bindparam("owner")).label("own_waiting"),
    func.count().filter(jobs.c.owner_id == bindparam("owner")).label("own_active"),
    func.coalesce(func.sum(jobs.c.cost), 0.0).label("work"),
    func.coalesce(func.sum(jobs.c.developed), 0.0).label("developed"),
    func.coalesce(func.sum(jobs.c.drawings), 0).label("drawings"),
).where(_in(ACTIVE))
LOWEST_ACTIVE_TIME = select(func.min(owners.c.virtual_time)).where(
    owners.c.owner_id.in_(select(jobs.c.owner_id).where(_in(ACTIVE)))
)
HIGHEST_TIME = select(func.max(owners.c.virtual_time))
OWNER = select(owners.c.virtual_time, owners.c.weight).where(_OWNER)
SET_OWNER_TIME = update(owners).where(_OWNER).values(virtual_time=bindparam("time"))
FORGET_UPDATE = update(jobs).where(_THIS).values(update_id=None)
ADD_JOB = insert(jobs).returning(jobs)

# Arrows a person causes
ANNOUNCE = (
    update(jobs)
    .where(_THIS, _in(["new"]))
    .values(state="queued", message_id=bindparam("message"), queued_at=bindparam("now"))
    .returning(jobs)
)
REWORD = (
    update(jobs)
    .where(_THIS, _in(WAITING))
    .values(
        request=bindparam("new_request"),
        context=bindparam("new_context", type_=JSON),
        compatibility=bindparam("new_compatibility"),
        cost=bindparam("new_cost"),
        developed=bindparam("new_developed"),
        drawings=bindparam("new_drawings"),
    )
    .returning(jobs)
)
MOVE_MESSAGE = update(jobs).where(_THIS).values(message_id=bindparam("message"))
SHOW = update(jobs).where(_THIS, _in(TERMINAL), jobs.c.shown_at.is_(None)).values(shown_at=bindparam("now"))
_ENDED = update(jobs).values(
    state=bindparam("new_state"), outcome=bindparam("result"), finished_at=bindparam("now"), not_before=None
)
SETTLE = _ENDED.where(_THIS, _in(ACTIVE))  # never what is stopping: that ends as cancelled, whatever comes
CALL_OFF = _ENDED.where(_THIS, _in(WAITING))
STOP = update(jobs).where(_THIS, _in(IN_FLIGHT)).values(state="stopping")
STATE = select(jobs.c.state).where(_THIS)

# A write that changes nothing
PROVE = (
    update(owners)
    .where(owners.c.owner_id == select(func.min(owners.c.owner_id)).scalar_subquery())
    .values(virtual_time=owners.c.virtual_time)
)

# Release
_LIGHT = (
    jobs.c.id,
    *_WORK,
    jobs.c.priority,
    func.coalesce(jobs.c.queued_at, jobs.c.created_at).label("since"),
    jobs.c.suspect,
    jobs.c.overtaken,
)
_RANKED = (
    select(
        *_LIGHT,
        jobs.c.request,
        func.row_number()
        .over(partition_by=jobs.c.owner_id, order_by=(jobs.c.priority.desc(), jobs.c.id))
        .label("rank"),
    )
    .where(_in(["queued"]))
    .subquery()
)
HEADS = (
    select(_RANKED, owners.c.virtual_time, owners.c.weight)
    .join(owners, owners.c.owner_id == _RANKED.c.owner_id)
    .where(_RANKED.c.rank <= bindparam("room"))
)
CROWD_WAITING = (
    select(*_LIGHT, jobs.c.state, owners.c.virtual_time, owners.c.weight)
    .join(owners, owners.c.owner_id == jobs.c.owner_id)
    .where(_in(WAITING))
)
CROWD_IN_FLIGHT = select(jobs.c.id, *_WORK, jobs.c.state).where(_in(IN_FLIGHT)).order_by(jobs.c.sent_at, jobs.c.id)
SEND = (
    update(jobs)
    .where(_THIS, _in(["queued"]))
    .values(state="sent", sent_at=bindparam("now"), attempts=jobs.c.attempts + 1, overtaken=0)
    .returning(jobs.c.request, jobs.c.suspect, jobs.c.cost)
)
OVERTAKE = update(jobs).where(_THIS, _in(["queued"])).values(overtaken=jobs.c.overtaken + 1)
CHARGE = update(owners).where(_OWNER).values(virtual_time=owners.c.virtual_time + bindparam("work") / owners.c.weight)

# Arrows a worker causes
START = update(jobs).where(_THIS, _in(["sent"])).values(state="running", started_at=bindparam("now"))
JOB_AT_WORKER = select(
    jobs.c.state,
    *_WORK,
    jobs.c.attempts,
    jobs.c.retries,
    jobs.c.crashes,
    jobs.c.started_at,
).where(_THIS, _in(AT_WORKER))
JOB_AT_WORKER_TO_CHANGE = JOB_AT_WORKER.with_for_update()
STOPPED = _ENDED.where(_THIS, _in(STOPPING))
TALLY = (
    update(jobs)
    .where(_THIS, _in(IN_FLIGHT))
    .values(
        attempts=bindparam("new_attempts"),
        crashes=bindparam("new_crashes"),
        suspect=jobs.c.suspect | bindparam("new_suspect", type_=jobs.c.suspect.type),
    )
)
PUT_BACK = update(jobs).where(_THIS, _in(IN_FLIGHT)).values(state="queued", started_at=None)
POSTPONE = (
    update(jobs)
    .where(_THIS, _in(IN_FLIGHT))
    .values(state="retry_wait", started_at=None, retries=jobs.c.retries + 1, not_before=bindparam("due"))
)
RESUME = (
    update(jobs)
    .where(_in(["retry_wait"]), (jobs.c.not_before <= bindparam("now")) | (jobs.c.not_before > bindparam("absurd")))
    .values(state="queued", not_before=None)
)
NEXT_DUE = select(func.min(jobs.c.not_before)).where(_in(["retry_wait"]))
IDS_IN_FLIGHT = select(jobs.c.id).where(_in(IN_FLIGHT))
IDS_STOPPING = select(jobs.c.id).where(_in(STOPPING))
IDS_ENDED = select(jobs.c.id).where(_in(TERMINAL), jobs.c.id.in_(bindparam("job_ids", expanding=True)))

# Speeds
SPEEDS = select(speeds.c.kind, speeds.c.recent).where(speeds.c.basis == bindparam("of"))
LATEST_BASIS = select(speeds.c.basis).order_by(speeds.c.measured_at.desc()).limit(1)
SET_SPEED = (
    update(speeds)
    .where(speeds.c.basis == bindparam("of"), speeds.c.kind == bindparam("which"))
    .values(recent=bindparam("jobs", type_=JSON), measured_at=bindparam("now"))
)
FORGET_SPEEDS = delete(speeds).where(speeds.c.measured_at < bindparam("before"))
