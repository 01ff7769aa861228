"""How the angles of a QAOA run are chosen: by formula, from a table, or by training.

A schedule is a frozen dataclass with `angles(landscape, depth, rng) -> (2, depth)`. It may ask the
landscape for anything; all of it is counted. Angles come in units of the instance (`units.py`), so
that one rule fits costs of any scale. Towards the minimum means gamma > 0 and beta < 0.
"""

from typing import Protocol

import numpy as np

from qfl.core.registry import Registry, Row
from qfl.solvers.landscape import Angles, Landscape

SCHEDULES = Registry(
    "schedule",
    {
        "linear_ramp": Row(
            "qfl.solvers.schedules.ramp:LinearRamp", "gamma rises, beta falls, both linearly"
        ),
        "fixed_angle": Row(
            "qfl.solvers.schedules.tables:FixedAngle", "published angles for regular MaxCut"
        ),
        "transfer": Row(
            "qfl.solvers.schedules.tables:Transfer", "angles of similar instances, rescaled"
        ),
        "interp": Row(
            "qfl.solvers.schedules.growing:Interp", "trained depth by depth, interpolated"
        ),
        "fourier": Row(
            "qfl.solvers.schedules.growing:Fourier", "trained depth by depth in frequencies"
        ),
        "trained": Row(
            "qfl.solvers.schedules.trained:Trained", "L-BFGS on exact gradients, or COBYLA or SPSA"
        ),
    },
)


class Schedule(Protocol):
    """Chooses angles for one instance."""

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return angles of shape (2, depth)."""
        ...


__all__ = ["SCHEDULES", "Schedule"]
