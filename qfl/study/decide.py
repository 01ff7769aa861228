"""A cell without a federation: one solver decides one instance, as often as asked.

The seed draws the instance, so all methods of a seed meet the same one. Repetitions tell the luck
of a solver from the instance; a report averages them before it compares instances.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from qfl.core.cell import Cell
from qfl.core.choice import Choice
from qfl.core.errors import ConfigError, JobPendingError
from qfl.core.ports import Solver
from qfl.core.problem import Problem
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.core.rng import Streams
from qfl.solvers.exact import Spectrum, spectrum
from qfl.solvers.rehearsal import rehearse
from qfl.study.options import build, build_row

MEASURED_STATES = 1_000_000
"""Instances with at most this many feasible states are compared with their exact optimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How often an instance is decided.

    Attributes:
        repeats: independent decisions, at least 1; each is a record of its own.
    """

    repeats: int = 1

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ConfigError(f"repeats must be >= 1, got {self.repeats}")


def decide(cell: Cell, solver: Solver) -> Iterator[RoundRecord]:
    """Yield one record per repetition: the decision, how good it is, what it cost.

    Seconds leave out what a process does once, such as compiling loops.

    Args:
        cell: its `decision` names the problem family.
        solver: what `cell.solver` describes.

    Raises:
        JobPendingError: some repetitions wait for a machine; all of them were asked.
    """
    streams = Streams(cell.seed)
    problem: Problem = build_row("decision", cell.decision).draw(streams("instance"))
    known = yardstick(problem, most=MEASURED_STATES)
    rehearse(solver, problem, cell.solver)
    pending: JobPendingError | None = None
    for number in range(1, build(Repetition, cell.decision).repeats + 1):
        started = perf_counter()
        try:
            decision = solver.solve(problem, rng=streams("shots", number))
        except JobPendingError as error:
            pending = error
        if pending is not None:
            continue  # the others are still asked, so that their jobs wait together
        seconds = perf_counter() - started
        yield RoundRecord(
            round=number,
            selected=(),
            delivered=(),
            metrics={},
            client_metrics={},
            choice=Choice.of(decision, known),
            costs=Costs(),
            links=(),
            level="",
            timings=Timings(
                classical_seconds=decision.bill.classical_seconds,
                quantum_seconds=decision.bill.qpu_seconds + decision.bill.queue_seconds,
                total_seconds=seconds,
            ),
        )
    if pending is not None:
        raise pending


def yardstick(problem: Problem, *, most: int) -> Spectrum | None:
    """Return what enumeration knows of all feasible energies, None beyond `most` states."""
    if problem.constraint.feasible_count(problem.n) > most:
        return None
    return spectrum(problem)
