"""A backend whose mean cost is a known bowl in the angles: schedules are tested alone."""

from dataclasses import dataclass

import numpy as np

from circuits.qaoa import MIXERS
from qfl.core.counts import Counts
from qfl.core.ports import Capabilities
from qfl.solvers.encoding import encode
from qfl.solvers.landscape import Landscape


class Bowl:
    """Compiled: sum of squares around `centre`, which is the same for every layer."""

    def __init__(self, n, centre):
        self.n, self.centre = n, np.array(centre)[:, None]

    def expectation(self, angles):
        return ((np.asarray(angles) - self.centre) ** 2).sum((-2, -1))

    def value_and_gradient(self, angles, *, objective=None):
        return self.expectation(angles), 2 * (np.asarray(angles) - self.centre)

    def sample(self, angles, shots, rng):
        return Counts.of(rng.integers(0, 2, size=(shots, self.n), dtype=np.uint8))


@dataclass
class BowlBackend:
    """A place where bowls run."""

    centre: tuple[float, float] = (0.3, -0.2)
    exact: bool = True

    def __post_init__(self):
        self.capabilities = Capabilities("bowl", self.exact, MIXERS)

    def compile(self, ansatz):
        return Bowl(ansatz.n, self.centre)


def bowl(problem, mixer, **options):
    """The landscape of `problem` on a bowl."""
    return Landscape(problem, encode(problem, mixer), mixer, BowlBackend(**options))
