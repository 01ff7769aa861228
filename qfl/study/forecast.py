"""What a study will ask of quantum machines, before it asks.

Every cell decides once per round, or as often as a study of decisions repeats. The instance of a
round depends on the training before it, so a dense random one of the same size stands in: same
qubits, same couplings, other numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from circuits.qaoa import QaoaAnsatz
from qfl.backends.estimate import Estimate, PriceList, charged
from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.problem import Problem
from qfl.core.registry import load
from qfl.core.rng import Streams
from qfl.study.options import build_row


def forecast(cells: Sequence[Cell], prices: PriceList) -> Iterator[tuple[str, Estimate]]:
    """Yield (method, estimate) for each quantum method among `cells`.

    Args:
        cells: of a study.
        prices: dated; machines that it does not name are free.
    """
    groups: Counter[str] = Counter()
    first: dict[str, Cell] = {}
    for cell in cells:
        if "backend" in cell.solver and "depth" in cell.solver:
            asked = {"scenario": cell.scenario, "decision": cell.decision}
            key = canonical_json({"solver": cell.solver, **asked})
            groups[key] += cell.decision.get("repeats") or cell.federation["rounds"]
            first.setdefault(key, cell)
    for key, jobs in groups.items():
        yield first[key].labels.get("method", ""), _estimate(first[key], jobs, prices)


def representative(cell: Cell) -> QaoaAnsatz:
    """Return a dense instance as large as those that a cell decides."""
    rng = Streams(0)("instance")
    if cell.decision:
        problem: Problem = build_row("decision", cell.decision).draw(rng)
        n, blocks = problem.n, problem.constraint.blocks(problem.n)
    else:
        n, k = cell.scenario["clients"], cell.federation["clients_per_round"]
        blocks = ((tuple(range(n)), k),)
    mixer = cell.solver.get("mixer", "x")
    return QaoaAnsatz(
        constant=0.0,
        linear=np.negative(rng.random(n)),
        quadratic=np.triu(rng.random((n, n)), 1),
        mixer=mixer,
        depth=cell.solver["depth"],
        blocks=() if mixer == "x" else blocks,
    )


def _estimate(cell: Cell, jobs: int, prices: PriceList) -> Estimate:
    name, options = cell.solver["backend"], cell.solver.get("backend_options", {})
    found = load("qfl.backends.sizing:size")(name, options, representative(cell))
    shots = cell.solver["shots"]
    seconds, money = charged(
        prices.of(name), jobs=jobs, shots=shots, circuit_seconds=found.circuit_seconds
    )
    return Estimate(
        machine=name,
        jobs=jobs,
        circuits=jobs,
        shots=shots,
        qubits=found.qubits,
        depth=found.depth,
        two_qubit_gates=found.two_qubit_gates,
        qpu_seconds=seconds,
        price=money,
    )
