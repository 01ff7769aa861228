"""Asking machines what became of jobs on a ledger: every open one, once, and as often as you like.

Nothing is sent from here. What a machine does not know, or cannot be asked, stays open until
somebody who knows better gives it up or names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from qfl.backends import get_backend
from qfl.backends.jobs import Queue, check_whole
from qfl.core.errors import (
    BackendError,
    ConfigError,
    JobDamagedError,
    JobFailedError,
    MissingExtraError,
)
from qfl.study.ledger import Job, Ledger


def fetch(ledger: Ledger, *, forget: bool = False) -> Iterator[Job]:
    """Yield every open job after asking its machine once; idempotent.

    A machine that cannot be asked now is the job's reason; the others are still asked.

    Args:
        ledger: of the run.
        forget: give up failed jobs, results that do not arrive whole, and intents that their
            machine does not know: the next run sends them again.
    """
    for job in ledger.jobs().values():
        if job.state == "failed" and forget:
            ledger.note("forgotten", job.key)
            yield replace(job, state="forgotten")
        elif job.is_open:
            try:
                machine = cast(Queue, get_backend(job.backend, **job.options))
                job = fetched(ledger, job, machine, forget=forget)
            except JobDamagedError as error:
                if forget:
                    ledger.note("forgotten", job.key)
                job = replace(job, state="forgotten" if forget else job.state, reason=str(error))
            except (BackendError, ConfigError, MissingExtraError) as error:
                job = replace(job, reason=str(error))
            yield job


def fetched(ledger: Ledger, job: Job, machine: Queue, *, forget: bool = False) -> Job:
    """Return the job after one look at its machine."""
    known = machine.find(job.tag)
    if job.state == "intent":
        if not known:
            if forget:
                ledger.note("forgotten", job.key)
                return replace(job, state="forgotten")
            return replace(job, reason=_doubt(job, known))
        ledger.note("submitted", job.key, job=known[0])
        job = ledger.jobs()[job.key]
    for number in sorted({*(known or ())} - {job.job, *job.duplicates}):
        _undo(ledger, job, number, machine)
    try:
        collected = machine.collect(job.job, [ledger.calibration(name) for name in job.records])
    except JobFailedError as error:
        ledger.note("failed", job.key, reason=str(error))
    else:
        if collected is not None:
            ledger.note_fetched(job, collected)
    return ledger.jobs()[job.key]


def _undo(ledger: Ledger, job: Job, number: str, machine: Queue) -> None:
    """Give up a second job that the machine made of one, because its client sent it again."""
    try:
        machine.cancel(number)
        said = "cancelled"
    except BackendError as error:  # too late, it has run; or it cannot be asked now
        said = f"not cancelled: {error}"
    ledger.note("duplicate", job.key, job=number, reason=said)


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
            collected = machine.collect(number)
            if collected is not None:
                check_whole(collected.counts, number, circuits=job.circuits, shots=job.shots)
        except JobFailedError:
            pass  # it is there, and fetching will say how it ended
        except BackendError as error:
            raise ConfigError(f"{number!r} is not job {tag}: {error}") from None
        ledger.note("submitted", job.key, job=number)


def _doubt(job: Job, known: tuple[str, ...] | None) -> str:
    """Return what nobody knows about a job, and who can find out."""
    if known is not None:
        return f"{job.backend} knows no job {job.tag}: qfl fetch --forget gives it up"
    cells = " ".join(cell[:12] for cell in job.cells)
    return (
        f"it is in doubt whether {job.backend} took the {job.circuits} circuits of {cells}, and it "
        f"cannot be asked: look for {job.tag} among your jobs at the provider; qfl fetch --found "
        f"{job.tag}=ID takes it over, --forget gives it up and lets it be sent again"
    )
