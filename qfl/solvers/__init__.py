"""Who decides: classical and quantum solvers behind one call.

`solve(problem, name, seed=..., **options)` configures the row `name` of `SOLVERS` and decides.
Every solver is a frozen dataclass whose fields are its options and whose budget is explicit.
Solvers get their backend by name or as an object; they import no quantum framework.
"""

from __future__ import annotations

from typing import Any

from qfl.core.decision import Decision
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.core.registry import Registry, Row
from qfl.core.rng import Streams
from qfl.solvers.encoding import penalised
from qfl.solvers.landscape import qaoa_distribution, qaoa_expectation

SOLVERS = Registry(
    "solver",
    {
        "random": Row("qfl.solvers.random_feasible:Random", "one uniform feasible draw"),
        "random_best": Row(
            "qfl.solvers.random_feasible:RandomBest", "best of `shots` uniform feasible draws"
        ),
        "greedy": Row("qfl.solvers.greedy:Greedy", "cheapest next variable, optionally one-swap"),
        "top_k": Row("qfl.solvers.top_k:TopK", "best linear coefficients, redundancy ignored"),
        "annealing": Row("qfl.solvers.annealing:Annealing", "swap moves, feasible by construction"),
        "tabu": Row("qfl.solvers.tabu:Tabu", "best move with a short memory"),
        "exact": Row("qfl.solvers.exact:Exact", "enumeration with proof"),
        "qaoa": Row("qfl.solvers.qaoa:Qaoa", "best feasible sample of a QAOA circuit"),
        "qaoa_mean": Row(
            "qfl.solvers.mean_cost:MeanCost", "qaoa, and its mean cost as a mitigation gives it"
        ),
        "warm_start": Row("qfl.solvers.warm_start:WarmStart", "QAOA from a relaxed solution"),
        "multi_angle": Row("qfl.solvers.multi_angle:MultiAngle", "QAOA with an angle per term"),
        "rqaoa": Row("qfl.solvers.rqaoa:Rqaoa", "QAOA correlations, one elimination per run"),
        "milp": Row("qfl.solvers.milp:Milp", "HiGHS with bound, gap and proof"),
        "relaxation": Row("qfl.solvers.relaxation:Relaxation", "convex relaxation and rounding"),
        "threshold": Row("qfl.solvers.threshold:Threshold", "Grover adaptive search"),
        "decompose": Row("qfl.solvers.decompose:Decompose", "random blocks, any solver inside"),
        "dwave": Row(
            "qfl.solvers.dwave:Dwave",
            "penalty annealing",
            extra="dwave",
            requires=("dwave.samplers",),
        ),
    },
)


def solve(problem: Problem, name: str, *, seed: int, **options: Any) -> Decision:
    """Return the decision of solver `name`, configured with `options`.

    Args:
        problem: what to decide.
        name: a row of SOLVERS.
        seed: of the random streams; the same seed repeats the same decision.
        options: the fields of the solver's class.

    Raises:
        UnknownNameError: no solver has this name.
        ConfigError: an option is unknown, missing or out of range; no problem is given.

    >>> from qfl.problems import client_selection
    >>> problem = client_selection(utility=[3, 2, 1], redundancy=[[0] * 3] * 3, choose=2)
    >>> solve(problem, "exact", seed=0).x.tolist()
    [1, 1, 0]
    """
    if not isinstance(problem, Problem):
        raise ConfigError(f"solve needs a Problem, such as client_selection makes, got {problem!r}")
    decision: Decision = SOLVERS.configure(name, options).solve(problem, rng=Streams(seed)("shots"))
    return decision


__all__ = ["SOLVERS", "penalised", "qaoa_distribution", "qaoa_expectation", "solve"]
