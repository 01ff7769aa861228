"""The conformance kit passes good backends and catches each kind of broken promise."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from qfl.backends import get_backend
from qfl.core.counts import Counts
from qfl.core.ports import Capabilities
from qfl.testing.backends import check_backend

GOOD = ["subspace", "statevector", "aer", "pennylane"]


@pytest.mark.parametrize("name", GOOD)
def test_good_backends_pass(name):
    check_backend(get_backend(name))


def test_single_precision_passes_with_its_tolerance():
    check_backend(get_backend("subspace", precision="single"), tolerance=1e-5)


@dataclass(frozen=True)
class Liar:
    """The full-space backend with one method replaced."""

    changes: dict
    capabilities: Capabilities = field(
        default=Capabilities("liar", exact=True, mixers=("x", "xy_ring"))
    )

    def compile(self, ansatz):
        return Lies(get_backend("statevector").compile(ansatz), self.changes)


class Lies:
    def __init__(self, honest, changes):
        self.honest, self.changes = honest, changes

    def __getattr__(self, name):
        truth = getattr(self.honest, name)
        change = self.changes.get(name)
        return truth if change is None else lambda *args, **kw: change(truth, *args, **kw)


def reversed_variables(sample, angles, shots, rng):
    counts = sample(angles, shots, rng)
    return Counts.of(counts.states[:, ::-1], counts.shots)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample": reversed_variables}, "states that the ansatz does not reach|chi-square"),
        ({"sample": lambda f, a, s, r: f(a, s - 1, r)}, "asked for 4000 shots .* got 3999"),
        ({"sample": lambda f, a, s, r: f(a, s, np.random.default_rng())}, "other samples"),
        ({"sample": lambda f, a, s, r: f(2 * a, s, r)}, "chi-square"),
        ({"expectation": lambda f, a: f(a) + 1e-6}, "mean cost"),
        ({"expectation": lambda f, a: np.ravel(f(a))}, r"means of shape \(3,\)"),
        ({"expectation": lambda f, a: f(np.nan_to_num(a))}, "not refused"),
        ({"distribution": lambda f, a: f(1.01 * a)}, "a probability is off by"),
        ({"value_and_gradient": lambda f, a: (0.0, -f(a)[1])}, "gradient"),
    ],
)
def test_each_lie_is_caught(changes, message):
    with pytest.raises(AssertionError, match=message):
        check_backend(Liar(changes))
