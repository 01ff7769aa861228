"""What is decided: builders that turn plain arrays into a `Problem`, and families to draw from.

A builder (`client_selection`, ...) takes the numbers of one situation. The row of the same name
in `PROBLEMS` is a family of random instances: a frozen dataclass with `draw(rng) -> Problem`.
Nothing here knows a network, a model, torch or a quantum framework.
"""

from typing import Any

from qfl.core.problem import Problem
from qfl.core.registry import Registry, Row
from qfl.core.rng import Streams
from qfl.problems.chain import chain
from qfl.problems.graphs import densest_subgraph, maxcut
from qfl.problems.selection import client_selection
from qfl.problems.slots import SlotGrid, aggregation_schedule

PROBLEMS = Registry(
    "problem",
    {
        "client_selection": Row(
            "qfl.problems.selection:ClientSelection",
            "choose K of N clients: utility, redundancy, cost",
        ),
        "aggregation_schedule": Row(
            "qfl.problems.slots:AggregationSchedule",
            "upload slots: capacity, interference, deadlines",
        ),
        "chain": Row(
            "qfl.problems.chain:PublicChain", "the chain that devices have published results on"
        ),
        "maxcut": Row("qfl.problems.graphs:MaxCut", "cut a random regular graph in two"),
        "densest_subgraph": Row(
            "qfl.problems.graphs:DensestSubgraph", "choose K nodes with most edges among them"
        ),
    },
)


def draw(name: str, *, seed: int, **options: Any) -> Problem:
    """Return a random instance of the family `name`; the same seed gives the same instance.

    Args:
        name: a row of PROBLEMS.
        seed: of the random stream "instance".
        options: the fields of the family's class.

    >>> draw("client_selection", seed=0, clients=6, choose=2).constraint
    Exactly(k=2)
    """
    problem: Problem = PROBLEMS.configure(name, options).draw(Streams(seed)("instance"))
    return problem


__all__ = [
    "PROBLEMS",
    "SlotGrid",
    "aggregation_schedule",
    "chain",
    "client_selection",
    "densest_subgraph",
    "draw",
    "maxcut",
]
