"""What a study will ask of quantum machines, before it asks.

Every cell decides once per round, or as often as a study of decisions repeats. A study of decisions
knows its instances. The instance of a round depends on the training before it, so a dense random
one of the same size stands in: same qubits, same couplings, other numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Any

import numpy as np

from circuits.qaoa import QaoaAnsatz
from qfl.backends import circuits_per_job, has_queue, innermost, may_charge
from qfl.backends.estimate import Estimate, PriceList, charged
from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.problem import Problem
from qfl.core.registry import load
from qfl.core.rng import Streams
from qfl.solvers.encoding import encode
from qfl.study.ledger import Job, Ledger
from qfl.study.machines import machines
from qfl.study.options import build_row
from qfl.study.outbox import company

EXACT = ("subspace", "statevector")
"""Backends that are asked offline, in no time, whether a circuit fits."""
NOTHING: Mapping[str, int] = MappingProxyType({})
"""No circuit has its counts yet."""


def forecast(
    cells: Sequence[Cell], prices: PriceList, *, answered: Mapping[str, int] = NOTHING
) -> Iterator[tuple[str, Estimate]]:
    """Yield (method, estimate) for each quantum method among `cells`.

    Where `may_charge`, a place that `prices` does not name is of unknown price. So is one that a
    method names beside its own backend, for instance to schedule uploads: what it will be asked is
    not known before.

    Decisions on one machine share jobs as `outbox` packs them; a job is counted where it begins.

    Args:
        cells: of a study.
        prices: dated.
        answered: id of a cell -> how many of its circuits have their counts already.
    """
    jobs: Counter[str] = Counter()
    circuits: Counter[str] = Counter()
    travelling: Counter[Hashable] = Counter()
    first: dict[str, Cell] = {}
    for cell in cells:
        if "backend" in cell.solver and "depth" in _circuit(cell):
            asked = {"scenario": cell.scenario, "decision": cell.decision}
            key = canonical_json({"solver": cell.solver, **asked})
            repeats, rounds = cell.decision.get("repeats"), cell.federation.get("rounds", 0)
            left = max(0, (repeats or rounds) - answered.get(cell.id, 0))
            jobs[key] += _begun(cell, left, travelling) if repeats else left
            circuits[key] += left
            first.setdefault(key, cell)
    for key, cell in first.items():
        yield cell.labels.get("method", ""), _estimate(cell, jobs[key], circuits[key], prices)
    for method, machine in {each: None for cell in cells for each in _beside(cell)}:
        yield method, Estimate(machine, 0, 0, 0, 0, 0, 0, qpu_seconds=0.0, price=None)


def misfits(cells: Sequence[Cell]) -> list[str]:
    """Return one note for each exact method whose circuits do not fit the memory of this machine.

    Every cell of it would be skipped here. Places that need a framework or an account to be asked
    are left to `forecast`.
    """
    seen: set[str] = set()
    notes: list[str] = []
    for cell in cells:
        sizes = {"n": _candidates(cell), "k": cell.federation.get("clients_per_round")}
        key = canonical_json({"solver": cell.solver, "decision": cell.decision, **sizes})
        asked = "backend" in cell.solver and "depth" in _circuit(cell)
        if key in seen or not asked or _machine(cell)[0] not in EXACT:
            continue
        seen.add(key)
        place = cell.solver["backend"], cell.solver.get("backend_options", {})
        if refusal := load("qfl.backends.sizing:size")(*place, representative(cell)).refusal:
            method, cure = cell.labels.get("method", ""), ""
            if not cell.decision:
                cure = f". A round chooses among {_candidates(cell)}: lower selection.candidates"
            notes.append(f"note: {method} would be skipped on this machine: {refusal}{cure}")
    return list(dict.fromkeys(notes))


def _candidates(cell: Cell) -> int:
    """Return among how many clients a round chooses, 0 in a study of decisions."""
    clients: int = cell.scenario.get("clients", 0)
    return min(clients, cell.selection.get("candidates", clients))


def used(ledger: Ledger, prices: PriceList) -> tuple[list[Estimate], list[Estimate]]:
    """Return what jobs on a ledger have cost, and then those that brought no counts.

    Seconds are the machine's own; where it does not say, they are estimated as for a job that ran.

    Args:
        ledger: of a run.
        prices: dated.
    """
    jobs = ledger.history().values()
    useful = [_cost(job, job.qpu_seconds, prices) for job in jobs if job.state == "fetched"]
    lost = [_cost(job, job.spent.get(each), prices) for job in jobs for each in job.fruitless]
    return useful, lost


def _cost(job: Job, seconds: float | None, prices: PriceList) -> Estimate:
    name, options = innermost(job.backend, job.options)
    price = prices.of(name)
    guess, money = charged(
        price, jobs=1, circuits=job.circuits, shots=job.shots, circuit_seconds=0.0
    )
    if seconds is None:
        seconds = guess
    elif price is not None:
        money += price.per_qpu_second * (seconds - guess)
    unknown = price is None and may_charge(name, options)
    return Estimate(
        machine=name,
        jobs=1,
        circuits=job.circuits,
        shots=job.shots,
        qubits=0,
        depth=max(each.depth for each in job.asked),
        two_qubit_gates=max(each.two_qubit_gates for each in job.asked),
        qpu_seconds=seconds,
        price=None if unknown else money,
        queued=True,
    )


def _beside(cell: Cell) -> Iterator[tuple[str, str]]:
    """Yield the method of a cell with each machine that it names beside its own backend."""
    for key, machine in machines(cell.solver, may_charge):
        if key != "backend":
            yield cell.labels.get("method", ""), machine


def _circuit(cell: Cell) -> dict[str, Any]:
    """Return what decides about the circuit of a cell; some solvers keep it in a table `qaoa`."""
    return {**cell.solver.get("qaoa", {}), **cell.solver}


def _begun(cell: Cell, circuits: int, travelling: Counter[Hashable]) -> int:
    """Return how many jobs begin with the circuits of a cell, and note that they travel."""
    name, options = _machine(cell)
    if not has_queue(name, options):
        return 1
    shots = cell.solver["shots"]
    group = company(name, options, shots)
    most, before = circuits_per_job(name, options, shots), travelling[group]
    travelling[group] += circuits
    return ceil(travelling[group] / most) - ceil(before / most)


def _machine(cell: Cell) -> tuple[str, Mapping[str, Any]]:
    """Return the machine of a cell, behind all wrappers, and its options."""
    options = cell.solver.get("backend_options", {})
    return innermost(cell.solver["backend"], options)


def _runs(cell: Cell) -> int:
    """Return how many runs of one circuit a decision takes in a simulator.

    A mean cost that is extrapolated to zero noise is a run per scale, each as long as its scale.
    """
    if cell.solver["backend"] != "mitigation:zero_noise":
        return 1
    return 1 + sum(cell.solver["backend_options"].get("scales", ()))


def representative(cell: Cell) -> QaoaAnsatz:
    """Return the instance that a cell decides, or a dense one as large as those of its rounds."""
    asked = _circuit(cell)
    mixer, depth = asked.get("mixer", "x"), asked["depth"]
    if cell.decision:
        problem: Problem = build_row("decision", cell.decision).draw(Streams(cell.seed)("instance"))
        encoded = encode(problem, mixer, penalty=asked.get("penalty", "largest_flip"))
        return QaoaAnsatz(
            constant=encoded.qubo.constant,
            linear=encoded.qubo.linear,
            quadratic=encoded.qubo.quadratic,
            mixer=mixer,
            depth=depth,
            blocks=encoded.blocks,
        )
    rng = Streams(0)("instance")
    n, k = _candidates(cell), cell.federation["clients_per_round"]
    blocks = ((tuple(range(n)), k),)
    return QaoaAnsatz(
        constant=0.0,
        linear=np.negative(rng.random(n)),
        quadratic=np.triu(rng.random((n, n)), 1),
        mixer=mixer,
        depth=depth,
        blocks=() if mixer == "x" else blocks,
    )


def _estimate(cell: Cell, jobs: int, circuits: int, prices: PriceList) -> Estimate:
    name, options = _machine(cell)
    place = cell.solver["backend"], cell.solver.get("backend_options", {})
    found = load("qfl.backends.sizing:size")(*place, representative(cell))
    shots = cell.solver["shots"]
    price = prices.of(name)
    seconds, money = charged(
        price,
        jobs=jobs,
        circuits=circuits,
        shots=shots,
        circuit_seconds=found.circuit_seconds,
    )
    unknown = price is None and may_charge(name, options)
    return Estimate(
        machine=name,
        jobs=jobs,
        circuits=circuits,
        shots=shots,
        qubits=found.qubits,
        depth=found.depth,
        two_qubit_gates=found.two_qubit_gates,
        qpu_seconds=0.0 if unknown else seconds,
        price=None if unknown else money,
        refusal=found.refusal,
        simulation_seconds=circuits * found.simulation_seconds * _runs(cell),
        queued=has_queue(name, options),
    )
