"""Server optimisers against their published rules, written out for one number."""

import math

import numpy as np
import pytest
import torch

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedopt import FedAdam, FedAvgM, FedYogi

WORLD = None  # these algorithms need not look at it
CHANGES = (0.5, -0.25, 0.125, 2.0)


def update(value, samples=1, module="head:*:digit"):
    return Update({module: {"bias": np.array([value], dtype=np.float32)}}, {module: samples})


def walk(algorithm):
    """The path of one number whose clients always send it plus the next change."""
    learning, state = algorithm.start(WORLD), {"head:*:digit": {"bias": torch.zeros(1)}}
    path = []
    for change in CHANGES:
        present = float(state["head:*:digit"]["bias"])
        state = learning.aggregate(state, [update(present + change)])
        path.append(float(state["head:*:digit"]["bias"]))
    return path


def test_momentum_adds_up_past_changes():
    expected, position, velocity = [], 0.0, 0.0
    for change in CHANGES:
        velocity = 0.9 * velocity + change
        position += 0.5 * velocity
        expected.append(position)
    assert walk(FedAvgM(server_rate=0.5, momentum=0.9)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("rule", [FedAdam, FedYogi])
def test_adaptive_rules_are_those_of_algorithm_2(rule):
    first, second, position, expected = 0.0, 1e-6, 0.0, []
    for change in CHANGES:
        first = 0.9 * first + 0.1 * change
        if rule is FedAdam:
            second = 0.99 * second + 0.01 * change**2
        else:
            second -= 0.01 * change**2 * math.copysign(1.0, second - change**2)
        position += 0.1 * first / (math.sqrt(second) + 1e-3)
        expected.append(position)
    assert walk(rule(server_rate=0.1)) == pytest.approx(expected, rel=1e-4)


def test_without_momentum_it_is_fedavg():
    rng = np.random.default_rng(0)
    state = {"head:*:digit": {"bias": torch.tensor([0.3])}}
    updates = [update(float(rng.normal()), samples=int(n)) for n in (3, 1, 7)]
    plain = FedAvg().aggregate(state, updates)
    moved = FedAvgM(momentum=0.0).start(WORLD).aggregate(state, updates)
    assert torch.allclose(*(s["head:*:digit"]["bias"] for s in (plain, moved)), atol=1e-7)


@pytest.mark.parametrize("algorithm", [FedAvgM(), FedAdam(), FedYogi()])
def test_a_module_that_nobody_sent_keeps_value_and_moments(algorithm):
    other = "head:*:slant"
    learning = algorithm.start(WORLD)
    state = {m: {"bias": torch.ones(1)} for m in ("head:*:digit", other)}
    after = learning.aggregate(state, [update(2.0)])
    assert torch.equal(after[other]["bias"], state[other]["bias"])
    late = learning.aggregate(after, [update(2.0, module=other)])
    fresh = algorithm.start(WORLD).aggregate(state, [update(2.0, module=other)])
    assert torch.equal(late[other]["bias"], fresh[other]["bias"])


def test_two_federations_share_no_moments():
    algorithm = FedAvgM()
    assert walk(algorithm) == walk(algorithm)


@pytest.mark.parametrize(
    "wrong", [lambda: FedAvgM(momentum=1.0), lambda: FedAdam(adaptivity=0.0), lambda: FedYogi(-1.0)]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ConfigError, match="needs"):
        wrong()
