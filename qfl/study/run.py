"""Running a study: plan, play what is missing, store each cell as it ends.

`run` is a generator of events and prints nothing. Only this process writes the run folder; cells
may be played in others. Stopping at any moment, kill -9 included, loses at most the cells that
were being played; the same call again continues.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Literal

from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.errors import (
    CapacityError,
    ConfigError,
    JobPendingError,
    MissingExtraError,
    QflError,
    StudyError,
)
from qfl.core.record import RoundRecord
from qfl.core.registry import load
from qfl.study import provenance, store
from qfl.study.burdens import too_heavy
from qfl.study.events import CellStored, Event, Planned, RoundPlayed
from qfl.study.executors import InProcess, Pool
from qfl.study.fetching import settle
from qfl.study.fingerprint import fingerprint
from qfl.study.folder import RunFolder
from qfl.study.grid import cells
from qfl.study.ledger import Ledger
from qfl.study.machines import can_share
from qfl.study.model import Study
from qfl.study.outbox import send
from qfl.study.override import flatten
from qfl.study.store import CellRow, Status, append, write_atomically
from qfl.study.streaming import undivided

Play = Callable[[Cell], Iterator[RoundRecord]]
Rerun = Literal["failed", "stale", "all"]

RUNS = Path("runs")
PLAYER = "qfl.study.assemble"
"""The module whose `play` plays cells for real."""

_NOTE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cell ended, as seen where it was played."""

    status: Status
    reason: str = ""
    trace: str = ""
    seconds: float = 0.0


def run(
    study: Study,
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    rerun: Rerun | None = None,
    chosen: Sequence[Cell] | None = None,
    play: Play | None = None,
) -> Generator[Event, None, None]:
    """Yield what happens while the cells of a study that have no result yet are played.

    Args:
        study: what to run.
        out: the run folder; runs/<name> if None.
        jobs: 1 plays in this process, more in as many worker processes. Where there are fewer cells
            than jobs, the clients of each train on as many threads as are left for it. The numbers
            are the same for any number, and cells do not count it.
        rerun: "failed" plays only cells that failed or were skipped; "stale" also those that
            other code finished; "all" every cell. None plays every cell without a result.
        chosen: which of the study's cells to play; all if None.
        play: plays one cell; the federation of `assemble.py` if None. Workers import it by name.

    Raises:
        ConfigError: no study, or fewer than one job.
        StudyError: a cell cannot be played, whatever happens; nothing was.
        StoreError: the folder is damaged, or another process is writing it.
        DiskFullError: no space is left; every cell stored before is safe.

    Reference:
        design.md, section 6: states of a cell.
    """
    if not isinstance(study, Study):
        raise ConfigError(f"run needs a Study, such as Study.load(path) returns, got {study!r}")
    if jobs < 1:
        raise ConfigError(f"jobs must be at least 1, got {jobs}")
    player: Callable[..., Iterator[RoundRecord]] = play or default_play()
    folder = RunFolder(Path(out) if out is not None else RUNS / study.name)
    grid = cells(study)
    with folder.held():
        plan = make_plan(folder, grid if chosen is None else chosen, rerun=rerun, play=player)
        check_playable(study.name, plan.todo)
        lock = folder.write_lock(study, grid)
        sha = provenance.write(folder.path, grid, lock=lock)
        yield plan.event(folder)
        try:
            threads = _threads(jobs, len(plan.todo))
            bound = play or partial(player, folder=folder.path, workers=threads)
            ended = {} if play else _send_together(folder, plan.todo, jobs=jobs)
            yield from _play_all(folder, plan, ended, jobs=jobs, play=bound, provenance=sha)
        finally:
            folder.note_running({})


def check_playable(source: str, asked: Sequence[Cell]) -> None:
    """Refuse cells that the data of their seed cannot fill, or that no masked sum can take.

    Raises:
        StudyError: every reason, with the seeds that it holds for.
    """
    if issues := [*too_heavy(asked), *undivided(asked)]:
        raise StudyError(source, issues)


def default_play() -> Callable[..., Iterator[RoundRecord]]:
    """Return what plays a cell for real, with the options of `assemble.play`; imports torch."""
    play: Callable[..., Iterator[RoundRecord]] = load(f"{PLAYER}:play")
    return play


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cells a run plays and which it reuses.

    Attributes:
        todo: cells to play, in order.
        finished: cell id -> the result on disk, of every chosen cell that has one.
        fingerprints: cell id -> hash of the code that would play it now.
        interrupted: ids that a dead process left running.
    """

    todo: tuple[Cell, ...]
    finished: Mapping[str, CellRow]
    fingerprints: Mapping[str, str]
    interrupted: frozenset[str]

    def is_stale(self, cell: Cell) -> bool:
        """Return True if other code finished the cell."""
        row = self.finished.get(cell.id)
        return row is not None and row.fingerprint != self.fingerprints[cell.id]

    def event(self, folder: RunFolder) -> Planned:
        """Return the plan as the run's first event."""
        todo = {cell.id for cell in self.todo}
        finished = [row.cell for row in self.finished.values()]
        return Planned(
            folder=folder.path,
            todo=self.todo,
            reused=tuple(cell for cell in finished if cell.id not in todo),
            stale=tuple(cell for cell in finished if self.is_stale(cell)),
            interrupted=tuple(cell for cell in self.todo if cell.id in self.interrupted),
        )


def make_plan(
    folder: RunFolder, chosen: Sequence[Cell], *, rerun: Rerun | None = None, play: Play
) -> Plan:
    """Return what a run of `chosen` would do, writing nothing.

    Raises:
        StoreError: cells.jsonl is damaged.
    """
    rows = {row.cell.id: row for row in store.load(folder.cells)}
    plan = Plan(
        todo=(),
        finished={c.id: rows[c.id] for c in chosen if c.id in rows and rows[c.id].status == "done"},
        fingerprints={cell.id: fingerprint(cell, play.__module__) for cell in chosen},
        interrupted=frozenset(folder.running().get("cells", ())),
    )

    def wanted(cell: Cell) -> bool:
        if rerun == "failed":
            return cell.id in rows and rows[cell.id].status in ("failed", "skipped")
        if cell.id not in plan.finished:
            return True
        return rerun == "all" or (rerun == "stale" and plan.is_stale(cell))

    return Plan(
        todo=tuple(cell for cell in chosen if wanted(cell)),
        finished=plan.finished,
        fingerprints=plan.fingerprints,
        interrupted=plan.interrupted,
    )


def _send_together(folder: RunFolder, todo: Sequence[Cell], *, jobs: int) -> dict[str, Outcome]:
    """Send what cells will ask of machines with a queue, many circuits in a job.

    Returns:
        Cell id -> how a cell ended whose circuits were not sent; the others can be played.
    """
    settle(Ledger(folder.path))
    together = [cell for cell in todo if can_share(cell)]
    if len(together) < 2:
        return {}
    ask = partial(_ask_cell, load(f"{PLAYER}:questions"), folder.path)
    found = _executor(jobs, together).map(ask, together, lost=lambda cell, cause: None)
    asked = [question for _, question in found if question is not None]
    unsent = send(Ledger(folder.path), asked)
    return {cell: _ended_by(error) for cell, error in unsent.items()}


def _ask_cell(ask: Callable[..., Iterator[Any]], folder: Path, cell: Cell) -> Iterator[Any]:
    """Yield the questions of a cell; what else goes wrong is told when the cell is played."""
    with _Ending():
        yield from ask(cell, folder=folder)


def _ended_by(error: Exception) -> Outcome:
    """Return how a cell ends by an error."""
    ending = _Ending()
    with ending:
        raise error
    return ending.outcome


def _threads(jobs: int, cells: int) -> int:
    """Return on how many threads the clients of a cell train, where jobs outnumber cells.

    >>> _threads(8, 3), _threads(2, 16)
    (2, 1)
    """
    return max(1, jobs // max(1, cells))


def _executor(jobs: int, tasks: Sequence[Cell]) -> InProcess | Pool:
    workers = min(jobs, len(tasks))
    return Pool(workers) if workers > 1 else InProcess()


def _play_all(
    folder: RunFolder,
    plan: Plan,
    ended: Mapping[str, Outcome],
    *,
    jobs: int,
    play: Play,
    provenance: str,
) -> Iterator[Event]:
    """Play the plan's cells but for those that `ended` before; store each as it ends."""
    before = [(cell, ended[cell.id]) for cell in plan.todo if cell.id in ended]
    todo = [cell for cell in plan.todo if cell.id not in ended]
    played = _executor(jobs, todo).map(partial(_play_cell, play), todo, lost=_lost)
    playing = _Playing(folder)
    for cell, item in chain(before, played):
        if isinstance(item, RoundRecord):
            playing.add(cell, item)
            yield RoundPlayed(cell, item)
            continue
        rounds = playing.take(cell)
        replaced = plan.finished.get(cell.id)
        row = CellRow(
            cell=cell,
            status=item.status,
            reason=item.reason,
            rounds=rounds if item.status == "done" else (),
            fingerprint=plan.fingerprints[cell.id],
            provenance=provenance,
            timings={"total_seconds": item.seconds},
            replaces=replaced.fingerprint if replaced and item.status == "done" else "",
        )
        append(folder.cells, row)
        yield CellStored(row, _keep_trace(folder, cell, item.trace))


@dataclass(slots=True)
class _Playing:
    """The rounds of the cells being played, noted on disk once a second at most."""

    folder: RunFolder
    rounds: dict[str, list[RoundRecord]] = field(default_factory=dict)
    noted: float = float("-inf")

    def add(self, cell: Cell, record: RoundRecord) -> None:
        self.rounds.setdefault(cell.id, []).append(record)
        if monotonic() - self.noted >= _NOTE_SECONDS:
            self.folder.note_running({key: len(done) for key, done in self.rounds.items()})
            self.noted = monotonic()

    def take(self, cell: Cell) -> tuple[RoundRecord, ...]:
        return tuple(self.rounds.pop(cell.id, ()))


def _play_cell(play: Play, cell: Cell) -> Iterator[RoundRecord | Outcome]:
    """Yield the records of a cell, then how it ended; runs where the cell is played."""
    ending = _Ending()
    with ending:
        for record in play(cell):
            _check_finite(record)
            yield record
            ending.outcome = Outcome("done")
    yield replace(ending.outcome, seconds=perf_counter() - ending.started)


class _Ending:
    """How the block below ended; a bug in one cell is stored, loudly, and stops no other cell."""

    def __init__(self) -> None:
        self.started = perf_counter()
        self.outcome = Outcome("failed", "it played no round")

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        reason = " ".join(str(error).split())
        if isinstance(error, MissingExtraError | CapacityError):
            self.outcome = Outcome("skipped", reason)
        elif isinstance(error, JobPendingError):
            self.outcome = Outcome("pending", reason)
        elif isinstance(error, QflError):
            self.outcome = Outcome("failed", reason)
        else:
            text = "".join(traceback.format_exception(error))
            self.outcome = Outcome("failed", f"{type(error).__name__}: {reason}", text)
        return True


def _check_finite(record: RoundRecord) -> None:
    """Refuse a record that JSON cannot hold."""
    row = record.to_dict()
    try:
        canonical_json(row)
    except ValueError:
        wrong = [key for key, value in flatten(row).items() if value != value]
        where = ", ".join(wrong) or "somewhere"
        raise QflError(f"round {record.round} holds a number that is not finite: {where}") from None


def _lost(cell: Cell, cause: str) -> Outcome:
    return Outcome("failed", cause)


def _keep_trace(folder: RunFolder, cell: Cell, trace: str) -> Path | None:
    """Write the traceback of an unexpected failure beside the run and return its file."""
    if not trace:
        return None
    path = folder.path / "failures" / f"{cell.id[:12]}.log"
    write_atomically(path, trace)
    return path


__all__ = ["Plan", "Play", "Rerun", "check_playable", "make_plan", "run"]
