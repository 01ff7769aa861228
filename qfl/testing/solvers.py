"""The conformance kit of solvers: one call proves that a solver keeps the promises of its port.

>>> from qfl.solvers.greedy import Greedy
>>> check_solver(Greedy())
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from qfl.core.constraints import (
    AtMost,
    Constraint,
    Exactly,
    ExactlyEach,
    Limited,
    OneHot,
    Unconstrained,
)
from qfl.core.decision import Decision
from qfl.core.ports import Solver
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.core.rng import Streams
from qfl.solvers.exact import spectrum


def sample_problems() -> tuple[Problem, ...]:
    """Return small dense instances, one per kind of constraint, none of them symmetric."""
    budget = ((1.0, 2.0, 3.0, 1.5, 2.5, 0.5, 2.0),)
    cases: tuple[tuple[int, Constraint], ...] = (
        (8, Exactly(3)),
        (5, Exactly(1)),
        (8, OneHot(((0, 3, 4), (1, 2), (5, 6, 7)))),
        (7, ExactlyEach((((0, 2, 5, 6), 2), ((1, 3, 4), 1)))),
        (6, AtMost((1.0, 2.0, 3.0, 1.5, 2.5, 0.5), 5.0)),
        (7, Limited(Exactly(3), budget, (6.0,))),
        (4, Unconstrained()),
    )
    return tuple(_dense(n, constraint, seed=seed) for seed, (n, constraint) in enumerate(cases))


def check_solver(solver: Solver, problems: Iterable[Problem] | None = None) -> None:
    """Raise AssertionError unless `solver` keeps the port's promises on every problem.

    Checked: the decision belongs to the problem, re-computes to its stated energy and feasibility,
    is feasible, lies between optimum and worst, states no false bound or proof, repeats for the
    same seed, and bills nothing negative.

    Args:
        solver: any configured solver.
        problems: instances small enough to enumerate; `sample_problems()` if None. Pass those
            that the solver supports.
    """
    for problem in sample_problems() if problems is None else problems:
        decision = solver.solve(problem, rng=Streams(11)("shots"))
        again = solver.solve(problem, rng=Streams(11)("shots"))
        for broken in _broken(problem, decision, again):
            raise AssertionError(
                f"{type(solver).__name__} on {problem.kind} under {problem.constraint}: {broken}"
            )


def _broken(problem: Problem, decision: Decision, again: Decision) -> Iterable[str]:
    """Yield every promise that the decision breaks."""
    if decision.x.shape != (problem.n,) or decision.x.dtype != np.uint8:
        yield f"x is {decision.x.dtype} of shape {decision.x.shape}, not uint8 ({problem.n},)"
        return
    found = spectrum(problem)
    slack = 1e-6 * max(1.0, abs(found.optimum), abs(found.worst))
    energy = float(problem.qubo.energy(decision.x))
    if decision.problem_hash != problem.hash:
        yield "the decision names another problem"
    if abs(decision.energy - energy) > slack:
        yield f"states energy {decision.energy:.9g}, but x has {energy:.9g}"
    if not decision.feasible or not problem.is_feasible(decision.x):
        yield f"x = {decision.x.tolist()} is not feasible, stated {decision.feasible}"
    if not found.optimum - slack <= decision.energy <= found.worst + slack:
        yield f"energy {decision.energy:.9g} lies outside {found.optimum:.9g}..{found.worst:.9g}"
    if decision.bound is not None and decision.bound > found.optimum + slack:
        yield f"bound {decision.bound:.9g} exceeds the optimum {found.optimum:.9g}"
    if decision.proof == "enumeration" and abs(decision.energy - found.optimum) > slack:
        yield f"claims a proof at {decision.energy:.9g}, optimum is {found.optimum:.9g}"
    if not np.array_equal(decision.x, again.x) or decision.diagnostics != again.diagnostics:
        yield "the same seed gave another decision"
    bill = decision.bill
    if min(bill.evaluations, bill.shots, bill.classical_seconds, bill.qpu_seconds) < 0:
        yield f"the bill is negative: {bill}"


def _dense(n: int, constraint: Constraint, *, seed: int) -> Problem:
    rng = Streams(seed)("instance")
    qubo = Qubo(rng.normal(), rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
    return Problem("dense", qubo, constraint, tuple(f"v{i}" for i in range(n)))
