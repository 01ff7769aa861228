"""Asking machines what became of jobs on a ledger: every open one, once, and as often as you like.

Nothing is sent from here. What a machine does not know, or cannot be asked, stays open until
somebody who knows better gives it up or names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import cast

from qfl.backends import get_backend
from qfl.backends.jobs import Queue
from qfl.core.errors import (
    BackendError,
    ConfigError,
    JobDamagedError,
    JobFailedError,
    JobPendingError,
    MissingExtraError,
)
from qfl.study.ledger import Job, Ledger

EVERY = "all"
"""In place of ids: whatever brought nothing."""


def fetch(ledger: Ledger, *, forget: Collection[str] = (), held: bool = True) -> Iterator[Job]:
    """Yield every open job after asking its machine once; idempotent.

    A machine that cannot be asked now is the job's reason; the others are still asked.

    Args:
        ledger: of the run.
        forget: ids or tags of jobs to give up, EVERY for all: jobs that failed, results that do
            not arrive whole at a second try, and intents that their machine says it does not know.
            A job that is named is given up too if its machine cannot be asked, which leaves it in
            doubt. The next run sends them again. What waits, or arrives after all, is kept. A job
            that was adopted and is named by its id, with counts or without, is in doubt again.
        held: nobody else can be sending jobs of this ledger, since the caller holds the run folder.
            False only collects: who sends settles how many jobs its client made of one.

    Raises:
        ConfigError: a job to give up is not on the ledger, or has its own counts.
    """
    jobs = ledger.jobs().values()
    _check_named({*forget} - {EVERY}, jobs)
    for job in jobs:
        named = job.tag in forget or job.job in forget
        wanted = named or EVERY in forget
        if job.adopted and job.job in forget:
            yield _disowned(ledger, job)
        elif job.is_open or (job.state == "failed" and wanted):
            yield _looked_at(ledger, job, wanted=wanted, named=named, held=held)
    _account(ledger)


def _check_named(names: Collection[str], jobs: Iterable[Job]) -> None:
    """Refuse to give up what is not there, or what has arrived."""
    left = [job.names for job in jobs if job.names]
    for name in names:
        if not any(name in each for each in left):
            known = ", ".join(each[0] for each in left) or "none"
            raise ConfigError(
                f"no job {name!r} can be given up; without counts: {known}, or {EVERY}"
            )


def _looked_at(ledger: Ledger, job: Job, *, wanted: bool, named: bool, held: bool) -> Job:
    """Return the job after one look, or two; given up if `wanted` and it brought nothing."""
    try:
        machine = cast(Queue, get_backend(job.backend, **job.options))
        if job.is_open:
            job = _asked(ledger, job, machine, again=wanted, held=held)
    except JobDamagedError as error:
        undo = f"; if it was named by mistake: qfl fetch --forget {job.job}" if job.adopted else ""
        job = replace(job, reason=f"{error}{undo}")
        return _given_up(ledger, job) if wanted else job
    except (BackendError, ConfigError, MissingExtraError) as error:
        job = replace(job, reason=str(error))
        return _given_up(ledger, job) if named else job
    if wanted and job.state in ("intent", "failed"):
        return _given_up(ledger, job)
    if named and job.is_open:
        return replace(job, reason="it waits, and is kept: cancel it at its machine, then fetch")
    return job


def _disowned(ledger: Ledger, job: Job) -> Job:
    """Return a job in doubt again; what was decided with the counts of another stays named."""
    ledger.note_disowned(job)
    said = _doubt(job)
    if job.state == "fetched":
        said += "; cells that were decided with those counts play again with: qfl run --rerun all"
    return replace(ledger.jobs()[job.key], reason=f"{job.job} is not taken for it; {said}")


def _given_up(ledger: Ledger, job: Job) -> Job:
    ledger.note("forgotten", job.key, reason=job.reason)
    return replace(job, state="forgotten")


def _asked(ledger: Ledger, job: Job, machine: Queue, *, again: bool, held: bool) -> Job:
    """Return the job after a look at its machine, and another if its result arrived damaged."""
    try:
        return fetched(ledger, job, machine, held=held)
    except JobDamagedError:
        if not again:
            raise
    return fetched(ledger, job, machine, held=held)


def fetched(ledger: Ledger, job: Job, machine: Queue, *, held: bool = True) -> Job:
    """Return the job after one look at its machine; `held` as in `fetch`.

    Raises:
        JobPendingError: it is in doubt whether its machine took it, which cannot be asked by tag.
        BackendError: its machine cannot be asked now, or its result did not arrive whole.
    """
    if job.state == "intent" and not held:
        return replace(job, reason="it may still be being sent: fetch again when the run has ended")
    known = machine.find(job.tag)
    if job.state == "intent":
        if known is None:
            raise JobPendingError(_doubt(job))
        if not known and job.refusal:
            ledger.note("refused", job.key, reason=job.refusal)
            return ledger.history()[job.key]
        if not known:
            said = f"{job.backend} knows no job {job.tag}"
            return replace(job, reason=f"{said}: qfl fetch --forget {job.tag} gives it up")
        ledger.note("submitted", job.key, job=known[0])
        job = ledger.jobs()[job.key]
    more = sorted({*(known or ())} - {job.job, *job.duplicates})
    if more and not held:
        made = f"the machine made it twice: {' '.join(more)}"
        return replace(job, reason=f"{made}; the run that sends it keeps one")
    for number in more:
        _undo(ledger, job, number, machine)
    try:
        collected = machine.collect(job.job, [ledger.calibration(name) for name in job.records])
    except JobFailedError as error:
        ledger.note("failed", job.key, reason=str(error))
    else:
        if collected is not None:
            ledger.note_fetched(job, collected)
    return ledger.jobs()[job.key]


def settle(ledger: Ledger) -> None:
    """Note as refused what was refused while it was in doubt, if its machine now knows no such job.

    Whoever calls holds the run folder, and may send it again.
    """
    for job in ledger.jobs().values():
        if job.state == "intent" and job.refusal:
            with suppress(BackendError, ConfigError, MissingExtraError):  # it stays in doubt
                fetched(ledger, job, cast(Queue, get_backend(job.backend, **job.options)))


def _undo(ledger: Ledger, job: Job, number: str, machine: Queue) -> None:
    """Give up a second job that the machine made of one, because its client sent it again."""
    try:
        machine.cancel(number)
        said = "cancelled"
    except BackendError as error:  # too late, it has run; or it cannot be asked now
        said = f"not cancelled: {error}"
    ledger.note("duplicate", job.key, job=number, reason=said)


def _account(ledger: Ledger) -> None:
    """Note what jobs without counts have used: duplicates, failed ones, and those given up."""
    for job in ledger.history().values():
        for number in {*job.fruitless} - {*job.spent}:
            try:
                machine = cast(Queue, get_backend(job.backend, **job.options))
                seconds = machine.spent(number)
            except (BackendError, ConfigError, MissingExtraError):
                continue  # it has not ended, or nobody can be asked: it stays unknown, and is asked
            ledger.note("spent", job.key, job=number, qpu_seconds=seconds)


def adopt(ledger: Ledger, found: Mapping[str, str]) -> None:
    """Note the machine's id of jobs whose process ended before it could write it down.

    Args:
        ledger: of the run.
        found: tag of a job in doubt -> the id that somebody found at its machine.

    Raises:
        ConfigError: no job with such a tag is in doubt, or the machine's job is not the one.
    """
    for tag, number in found.items():
        jobs = ledger.jobs().values()
        doubted = {job.tag: job for job in jobs if job.state == "intent"}
        if tag not in doubted:
            known = f"those in doubt: {', '.join(doubted)}" if doubted else "none is in doubt"
            raise ConfigError(f"no job {tag!r} is in doubt in {ledger.folder}; {known}")
        if any(number in (job.job, *job.duplicates) for job in jobs):
            raise ConfigError(f"job {number!r} is on the ledger already; give the id of another")
        job = doubted[tag]
        machine = cast(Queue, get_backend(job.backend, **job.options))
        try:
            carrying = machine.find(tag)
            if carrying is not None and number not in carrying:
                raise ConfigError(f"{job.backend} knows no job {number!r} with the tag {tag}")
            collected = machine.collect(number)
            if collected is not None:
                job.check_own(collected, number)
        except JobFailedError:
            pass  # it is there, and fetching will say how it ended
        except BackendError as error:
            raise ConfigError(f"{number!r} is not job {tag}: {error}") from None
        ledger.note("submitted", job.key, job=number, adopted=True)


def _doubt(job: Job) -> str:
    """Return what nobody knows about a job, and who can find out."""
    cells = " ".join(cell[:12] for cell in job.cells)
    return (
        f"it is in doubt whether {job.backend} took the {job.circuits} circuits of {cells}, and it "
        f"cannot be asked: look for {job.tag} among your jobs at the provider; qfl fetch --found "
        f"{job.tag}=ID takes it over, --forget {job.tag} gives it up and lets it be sent again"
    )
