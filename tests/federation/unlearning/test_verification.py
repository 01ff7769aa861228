"""The examination: zero where nothing is left, and not zero where something is."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning import verification
from qfl.federation.unlearning.verification import (
    LEAST,
    divergence,
    gap,
    membership,
    spread,
)

CLASSES = Task("digit", "classification", 3)
NUMBER = Task("slant", "regression", 1)
N = 400


def samples(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return TensorSamples(
        {"x": torch.from_numpy(rng.normal(size=(n, 3)).astype(np.float32))},
        {
            "digit": torch.from_numpy(rng.integers(0, 3, n)),
            "slant": torch.from_numpy(rng.normal(size=n).astype(np.float32)),
        },
    )


def answering(seed, of=None):
    """A model that knows nothing: fixed random answers, the same for the same samples."""

    def predict(asked):
        rng = np.random.default_rng(seed)
        weights = torch.from_numpy(rng.normal(size=(3, 4)).astype(np.float32))
        out = asked.inputs["x"] @ weights
        return {"digit": out[:, :3], "slant": out[:, 3:]}

    return predict


def remembering(seed, known, strength=3.0):
    """The same, but it has learnt the labels of `known` by heart."""
    base, rows = answering(seed), {tuple(row.tolist()) for row in known.inputs["x"]}

    def predict(asked):
        out = base(asked)
        hit = torch.tensor([tuple(row.tolist()) in rows for row in asked.inputs["x"]])
        right = torch.eye(3)[asked.targets["digit"]] * hit[:, None]
        return {**out, "digit": out["digit"] + strength * right}

    return predict


def test_divergence_is_that_of_scipy_and_half_a_square_for_numbers():
    asked = samples(20)
    left, right = answering(1)(asked), answering(2)(asked)
    p, q = (out["digit"].softmax(1).numpy() for out in (left, right))
    assert divergence(answering(1), answering(2), asked, [CLASSES]) == pytest.approx(
        np.mean([entropy(a, b) for a, b in zip(p, q, strict=True)]), rel=1e-5
    )
    half = ((left["slant"] - right["slant"]) ** 2).mean() / 2
    found = divergence(answering(1), answering(2), asked, [NUMBER])
    assert found == pytest.approx(float(half), rel=1e-5)
    both = divergence(answering(1), answering(2), asked, [CLASSES, NUMBER])
    assert both > 0
    assert divergence(answering(1), answering(1), asked, [CLASSES, NUMBER]) == 0.0


def test_spread_is_a_percentile_of_all_ordered_pairs():
    asked = samples(30)
    three = [answering(i) for i in range(3)]
    pairs = [divergence(a, b, asked, [CLASSES]) for a in three for b in three if a is not b]
    assert spread(three, asked, [CLASSES]) == pytest.approx(np.percentile(pairs, 95))


def test_a_gap_is_that_of_the_mean_score_over_tasks_and_sets():
    asked, other = samples(50), samples(30, seed=5)
    right = answering(1)(asked)["digit"].argmax(1) == asked.targets["digit"]
    known = remembering(1, asked, 50.0)
    missed = 1 - float(right.double().mean())
    assert gap(known, answering(1), [(asked, (CLASSES,))]) == pytest.approx(missed)
    both = [(asked, (CLASSES,)), (other, (CLASSES,))]
    assert gap(known, answering(1), both) == pytest.approx(missed / 2)
    two = [(asked, (CLASSES, NUMBER))]
    assert gap(known, answering(1), two) == pytest.approx(missed / 2)
    assert gap(answering(1), answering(1), two) == 0.0
    assert gap(answering(1), answering(2), []) is None


def test_members_are_found_where_they_are_remembered_and_nowhere_else():
    """Chance is 0.5 with a standard error of at most 0.0205 for 400 on each side: within 4 of
    them, a false alarm once in 16,000."""
    seen, unseen = samples(seed=1), samples(seed=2)
    others = [answering(i) for i in range(3)]
    asked = [[(s, (CLASSES,))] for s in (seen, unseen)]
    chance = membership(answering(7), others, *asked)
    assert abs(chance - 0.5) < 4 * np.sqrt((2 * N + 1) / (12 * N * N))
    assert membership(remembering(7, seen, 1.0), others, *asked) > 0.6
    assert membership(remembering(7, unseen, 1.0), others, *asked) < 0.4


def test_difficult_samples_are_not_taken_for_strangers():
    """Mutation: without the retrainings' opinion, hard members hide among easy others."""
    seen, unseen = samples(seed=1), samples(seed=2)
    hard = {tuple(row.tolist()) for row in seen.inputs["x"]}

    def confused(predict):
        def answer(asked):
            out = predict(asked)
            hit = torch.tensor([tuple(row.tolist()) in hard for row in asked.inputs["x"]])
            wrong = torch.eye(3)[asked.targets["digit"]] * hit[:, None]
            return {**out, "digit": out["digit"] - 4.0 * wrong}

        return answer

    others = [confused(answering(i)) for i in range(3)]
    knows = confused(remembering(9, seen, 1.0))
    asked = [[(s, (CLASSES,))] for s in (seen, unseen)]
    assert membership(knows, others, *asked) > 0.6
    blind = [lambda given: {"digit": torch.zeros(len(given), 3)}]
    assert membership(knows, blind, *asked) < 0.4


def test_few_samples_are_not_asked_about():
    seen, few = samples(), samples(LEAST - 1, seed=3)
    asked = [(seen, (CLASSES,))], [(few, (CLASSES,))]
    assert membership(answering(0), [answering(1)], *asked) is None
    assert membership(answering(0), [answering(1)], [], []) is None
    assert verification.LEAST == 200
