"""What is decided: builders that turn plain arrays into a `Problem`, and families to draw from.

A builder (`client_selection`, ...) takes the numbers of one situation. The row of the same name
in `PROBLEMS` is a family of random instances: a frozen dataclass with `draw(rng) -> Problem`.
Nothing here knows a network, a model, torch or a quantum framework.
"""

from qfl.core.registry import Registry, Row
from qfl.problems.selection import client_selection

PROBLEMS = Registry(
    "problem",
    {
        "client_selection": Row(
            "qfl.problems.selection:ClientSelection",
            "choose K of N clients: utility, redundancy, cost",
        ),
    },
)

__all__ = ["PROBLEMS", "client_selection"]
