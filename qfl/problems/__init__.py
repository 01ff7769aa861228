"""What is decided: builders that turn plain arrays into a `Problem`, and families to draw from.

A builder (`client_selection`, ...) takes the numbers of one situation. The row of the same name
in `PROBLEMS` is a family of random instances: a frozen dataclass with `draw(rng) -> Problem`.
Nothing here knows a network, a model, torch or a quantum framework.
"""

from qfl.core.registry import Registry, Row
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
        "maxcut": Row("qfl.problems.graphs:MaxCut", "cut a random regular graph in two"),
        "densest_subgraph": Row(
            "qfl.problems.graphs:DensestSubgraph", "choose K nodes with most edges among them"
        ),
    },
)

__all__ = [
    "PROBLEMS",
    "SlotGrid",
    "aggregation_schedule",
    "client_selection",
    "densest_subgraph",
    "maxcut",
]
