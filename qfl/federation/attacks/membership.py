"""Membership inference against small models that were trained with and without privacy.

Every model is trained on a random half of a pool of samples, so that each sample is in the data
of half of the models; each model is attacked in turn with the others as shadows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.digits import Digits
from qfl.federation.attacks.victims import Descent, Shape, accuracy, descend
from qfl.security.attacks.membership import (
    area_under_curve,
    likelihood_ratios,
    scaled_confidence,
    true_positives_at,
)
from qfl.security.attacks.outcome import AttackRow, Outcome
from qfl.security.privacy.gaussian import gaussian_sigma

Scores = tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
"""Per attacked model the scores of members and of others, larger for "member"."""

_PRIVATE_STEPS, _PRIVATE_RATE = 30, 2.0
_LEAST_MODELS = 4
_EPSILONS, _DELTA = (8.0, 2.0), 1e-3
_FALSE_POSITIVES = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Models with a known training set each.

    Attributes:
        member: (models, n) whether a sample was trained on.
        confidence: (models, n) log(p / (1 - p)) of its true label.
        accuracy: (models,) on samples outside the pool.
    """

    member: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def by_loss(self) -> Scores:
        """Return per model the confidences of members and others: a global threshold's scores."""
        return self._split(lambda model: self.confidence[model])

    def by_likelihood(self) -> Scores:
        """Return per model LiRA's scores of members and others; the other models are shadows."""

        def ratios(model: int) -> NDArray[np.float64]:
            others = np.arange(len(self.member)) != model
            observed, shadows = self.confidence[model], self.confidence[others]
            return likelihood_ratios(observed, shadows, self.member[others])

        return self._split(ratios)

    def _split(self, score: Callable[[int], NDArray[np.float64]]) -> Scores:
        scored = [(score(model), inside) for model, inside in enumerate(self.member)]
        return tuple((values[inside], values[~inside]) for values, inside in scored)


def areas(scores: Scores) -> list[float]:
    """Return the area under the ROC curve of every attacked model."""
    return [area_under_curve(inside, outside) for inside, outside in scores]


def catches(scores: Scores, *, false_positives: float) -> list[float]:
    """Return the true-positive rate of every attacked model at this false-positive rate."""
    return [true_positives_at(*pair, false_positives=false_positives) for pair in scores]


def private_descent(epsilon: float, *, delta: float) -> Descent:
    """Return training that is (epsilon, delta)-private for adding or removing one sample.

    Thirty full-batch steps of the Gaussian mechanism are one with sqrt(30) times less noise, so
    the price is exact.

    >>> private_descent(1.0, delta=1e-3).noise_multiplier > 10
    True
    """
    sigma = gaussian_sigma(epsilon=epsilon, delta=delta)
    return Descent(
        steps=_PRIVATE_STEPS,
        rate=_PRIVATE_RATE,
        clip=1.0,
        noise_multiplier=sigma * sqrt(_PRIVATE_STEPS),
    )


def expose(
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    rng: np.random.Generator,
    descent: Descent | None = None,
    pool: int = 200,
    models: int = 32,
) -> Exposure:
    """Return models trained on random halves of a pool, with their confidence in all of it.

    Args:
        images: (n, inputs).
        labels: (n,) from 0 to 9.
        rng: draws pool, halves, initial weights and noise.
        descent: how models are trained; by default 200 steps without privacy.
        pool: samples to guess about, even.
        models: trained, even: each sample is in half of them.
    """
    if pool % 2 or models % 2 or models < _LEAST_MODELS or not 0 < pool < len(images):
        raise ConfigError(
            f"a pool of {pool!r} and {models!r} models for {len(images)} samples; allowed: even "
            f"numbers, at least {_LEAST_MODELS} models, a pool smaller than the data"
        )
    shape = Shape(inputs=images.shape[1], hidden=32)
    order = rng.permutation(len(images))
    chosen, rest = order[:pool], order[pool:]
    member = rng.permuted(np.tile(np.arange(models) % 2 == 0, (pool, 1)), axis=1).T
    weights = descend(
        shape,
        shape.start(models, rng=rng),
        (images[chosen][None], labels[chosen][None], member.astype(np.float32)),
        descent=descent or Descent(steps=200, rate=0.5),
        rng=rng,
    )
    return Exposure(
        member=member,
        confidence=scaled_confidence(shape.logits(weights, images[chosen][None]), labels[chosen]),
        accuracy=accuracy(shape, weights, images[rest], labels[rest]),
    )


def membership_rows(streams: Streams, *, models: int = 32) -> tuple[AttackRow, ...]:
    """Return the rows of the global threshold and of LiRA, against two budgets of privacy.

    Intervals are over the attacked models, which share their shadows.

    Args:
        streams: of the cell; every training meets the same pool, halves and initial weights.
        models: attacked, even.
    """
    samples = Digits().load().samples
    images = samples.inputs["image"].reshape(len(samples), -1)
    labels = samples.targets["digit"]

    def exposed(descent: Descent | None) -> Exposure:
        rng = streams("attack/membership")
        return expose(images, labels, rng=rng, descent=descent, models=models)

    plain, rows = exposed(None), []
    for epsilon in _EPSILONS:
        private = exposed(private_descent(epsilon, delta=_DELTA))
        accuracies = [each.accuracy.mean() for each in (plain, private)]
        attacks = {
            ("membership inference, loss threshold", "area under the ROC curve", 0.5): [
                areas(each.by_loss()) for each in (plain, private)
            ],
            ("membership inference, LiRA", "area under the ROC curve", 0.5): [
                areas(each.by_likelihood()) for each in (plain, private)
            ],
            ("membership inference, LiRA", "members found at 1 % false alarms", 0.01): [
                catches(each.by_likelihood(), false_positives=_FALSE_POSITIVES)
                for each in (plain, private)
            ],
        }
        rows += [
            AttackRow(
                attack=attack,
                defence=f"DP-SGD, epsilon {epsilon:g} at delta {_DELTA:g} (add or remove a sample)",
                measure=measure,
                blind=blind,
                without=Outcome.of_values(without, least=0.0, most=1.0),
                defended=Outcome.of_values(defended, least=0.0, most=1.0),
                remark="test accuracy {:.2f} without, {:.2f} with".format(*accuracies),
            )
            for (attack, measure, blind), (without, defended) in attacks.items()
        ]
    return tuple(rows)
