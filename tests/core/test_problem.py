"""The hash of an instance changes with anything that changes the instance."""

import numpy as np
import pytest

from qfl.core.constraints import AtMost, Exactly
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo


def toy(*, kind="toy", constant=0.0, linear=(1.0, 2.0), couple=0.0, constraint=None, names="ab"):
    qubo = Qubo(constant, list(linear), [[0.0, couple], [0.0, 0.0]])
    return Problem(kind, qubo, constraint or Exactly(1), tuple(names))


def test_equal_instances_have_equal_hashes():
    assert toy().hash == toy().hash
    assert len(toy().hash) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"constant": 1.0},
        {"linear": (1.0, np.nextafter(2.0, 3.0))},
        {"couple": 1e-300},
        {"constraint": Exactly(2)},
        {"names": "ac"},
    ],
)
def test_any_change_changes_the_hash(change):
    assert toy(**change).hash != toy().hash


def test_the_hash_sees_every_bit_of_a_budget():
    one = toy(constraint=AtMost((1.0, 0.1), 1.0))
    two = toy(constraint=AtMost((1.0, float(np.nextafter(0.1, 1.0))), 1.0))
    assert one.hash != two.hash


@pytest.mark.parametrize("names", ["a", "aa"])
def test_names_must_be_one_per_variable_and_distinct(names):
    with pytest.raises(ProblemError, match="distinct names"):
        toy(names=names)


def test_decoding_lists_the_chosen_names():
    problem = toy()
    assert problem.decode(problem.names, np.array([0, 1], np.uint8)) == ("b",)
