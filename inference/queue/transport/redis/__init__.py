"""Delivery through a Redis server, to workers on any machine. Redis holds what can be lost: the ledger refills it.

    bot ── studio:in:<life> ─▶ worker: RedisLink ─▶ EngineParent ─▶ engine child
        ◀─ studio:up ─────────  (the JSON lines of inference.queue.wire, as they are)
        ◀─ studio:worker:<life>  what a worker offers, written every second, gone when it is silent

    studio:workers        set      lives that have introduced themselves; the bot strikes out the silent ones
    studio:worker:<life>  string   an Offer as JSON, with a time to live
    studio:in:<life>      stream   orders to one worker, deleted as it reads them
    studio:up             stream   {life, line}: reports of all, deleted once the ledger has them
    studio:jobs           hash     job -> life that has it, written with the order, until its end is handled
    studio:marker         string   where it is missing, the server has lost its data

A life is one run of a worker, with a name that no other has. Levels are compared, never events: an offer names the jobs
that its worker holds, and whatever differs from what it was given is put right. No clock of another machine is read.
One studio has one database of a server (redis://host:6379/1).
"""
