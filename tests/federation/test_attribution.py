"""Attribution: the axioms of Shapley, and the order of modalities where it is known."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from small import found, population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Task
from qfl.data.synthetic import Synthetic
from qfl.federation.attribution import (
    attribution,
    contributions,
    cooperation,
    load_entropy,
    perceptual_score,
    shapley,
    worth,
)
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.evaluate import measures, predictor, score
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES

PLAYERS = ("a", "b", "c", "d")


def game(rng):
    """A random value for every set of players."""
    sets = [frozenset(p) for size in range(5) for p in combinations(PLAYERS, size)]
    return {one: float(rng.normal()) for one in sets}


@pytest.mark.parametrize("seed", range(5))
def test_values_add_up_to_all_less_none(seed):
    values = game(np.random.default_rng(seed))
    total = values[frozenset(PLAYERS)] - values[frozenset()]
    assert sum(shapley(values, PLAYERS).values()) == pytest.approx(total, abs=1e-12)


def test_equal_players_are_worth_the_same_and_idle_ones_nothing():
    def value(part):
        return (
            2.0 * ("a" in part) + 2.0 * ("b" in part) + 5.0 * ({"a", "b"} <= part) - ("c" in part)
        )

    values = {part: value(part) for part in game(np.random.default_rng(0))}
    phi = shapley(values, PLAYERS)
    assert phi["a"] == phi["b"] == pytest.approx(4.5)
    assert phi["c"] == pytest.approx(-1.0)
    assert phi["d"] == 0.0
    assert cooperation(values, PLAYERS) == pytest.approx(5.0)


def test_it_is_the_mean_over_all_orders():
    values = game(np.random.default_rng(7))
    for player in PLAYERS:
        gains = []
        for order in permutations(PLAYERS):
            before = frozenset(order[: order.index(player)])
            gains.append(values[before | {player}] - values[before])
        assert shapley(values, PLAYERS)[player] == pytest.approx(np.mean(gains), abs=1e-12)


def test_more_than_eight_players_are_refused():
    with pytest.raises(ConfigError, match="9 modalities take 2\\^9"):
        shapley({}, [str(i) for i in range(9)])


@pytest.fixture(scope="module")
def trained():
    """A pooled model of made-up data in which modality 0 carries .7, 1 carries .3 and 2 nothing."""
    data = Synthetic(samples=1600, shares=((0.7, 0.3, 0.0),) * 2, noise=0.05).load()
    model = architecture(data.modalities, data.tasks, 16)
    samples = TensorSamples.of(data.samples)
    seen, held_out = (samples.take(torch.arange(*span)) for span in ((0, 1200), (1200, 1600)))
    fresh = model.initial_state(Streams(0))
    work = Assignment(tasks=data.tasks, training=LocalTraining(epochs=12, batch_size=32))
    state = train(model, fresh, seen, assignment=work, rng=np.random.default_rng(0)).state
    return model, state, fresh, held_out, data.tasks


def test_the_order_of_modalities_comes_out_where_it_is_known(trained):
    model, state, fresh, samples, tasks = trained
    names = tuple(samples.inputs)
    predict = predictor(model, state)
    for task in tasks:
        values = worth(predict, samples, task, names)
        phi = shapley(values, names)
        assert phi[names[0]] > phi[names[1]] > phi[names[2]]
        assert phi[names[0]] > 0.1
        whole = score(measures(predict(samples), samples, [task]))
        nothing = 0.0
        if task.kind == "classification":
            nothing = float(torch.bincount(samples.targets[task.name]).max()) / len(samples)
        assert sum(phi.values()) == pytest.approx(whole - nothing, abs=1e-6)
    falls = [
        perceptual_score(predict, samples, tasks, name, rng=np.random.default_rng(1))
        for name in names
    ]
    assert falls[0] > falls[1] > falls[2] - 0.02
    parts = contributions(lambda s: predictor(model, s), state, fresh, samples=samples, tasks=tasks)
    assert parts[f"encoder:{names[0]}:*"] > 0.05
    assert set(parts) == set(model.module_ids)


def test_a_module_that_was_never_trained_contributes_nothing(trained):
    model, state, fresh, samples, tasks = trained
    module = model.module_ids[0]
    parts = contributions(
        lambda s: predictor(model, s),
        {**state, module: fresh[module]},
        fresh,
        samples=samples,
        tasks=tasks,
    )
    assert parts[module] == 0.0


def test_knowing_the_majority_class_is_worth_nothing():
    target = torch.tensor([0, 0, 0, 1])
    samples = TensorSamples({"a": torch.zeros(4, 1), "b": torch.zeros(4, 1)}, {"digit": target})
    always = {"digit": torch.tensor([[1.0, 0.0]]).expand(4, 2)}
    values = worth(lambda _: always, samples, Task("digit", "classification", 2), ("a", "b"))
    assert set(values.values()) == {0.0}


def test_experts_are_counted_and_even_use_is_one():
    whole = population(3, samples=120)
    model = architecture(whole.modalities, whole.tasks, PROFILES["tiny"])
    state = model.initial_state(Streams(0))
    numbers = attribution(
        model,
        lambda s: predictor(model, s),
        state,
        state,
        asked=(TensorSamples.of(whole.test), whole.tasks),
        rng=np.random.default_rng(0),
    )
    shares = [value for name, value in numbers.items() if name.startswith("score.routed@")]
    assert len(shares) == 4
    assert sum(shares) == pytest.approx(1.0)
    assert 0 < numbers["load_entropy"] <= 1
    assert all(v == 0 for name, v in numbers.items() if ".contribution@" in name)
    assert load_entropy({"expert:*:*:0:0": 5.0, "expert:*:*:1:0": 0.0}) == 0.0


def test_the_last_record_of_a_federation_says_what_it_is_worth():
    whole = population(3, samples=120)
    records = list(found(whole, rounds=2, epochs=1).play())
    assert not any(".shapley@" in name for name in records[1].metrics)
    last = records[2].metrics
    for task in whole.tasks:
        values = [last[f"{task.name}.shapley@{m.name}"] for m in whole.modalities]
        assert len(values) == 3
    assert {f"score.perceptual@{m.name}" for m in whole.modalities} <= set(last)
    assert "score.contribution@head:*:task_1" in last
