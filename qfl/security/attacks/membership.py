"""Was this sample in the training data? What an attacker can win, and what privacy allows."""

from __future__ import annotations

from math import atanh, log, tanh

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.security.attacks.outcome import clopper_pearson


def advantage_bound(epsilon: float, *, delta: float = 0.0) -> float:
    """Return the greatest true-positive less false-positive rate, (e^eps-1+2d)/(e^eps+1).

    Reference: Kairouz, Oh, Viswanath, ICML 2015; as an advantage: Humphries et al., CSF 2023.

    >>> round(advantage_bound(1.0, delta=1e-5), 6)
    0.462123
    """
    if epsilon < 0 or not 0 <= delta <= 1:
        raise ConfigError(f"({epsilon!r}, {delta!r}); allowed: not negative, delta from 0 to 1")
    base = tanh(epsilon / 2)
    return base + delta * (1 - base)


def loss_threshold_advantage(members: ArrayLike, others: ArrayLike) -> float:
    """Return the advantage of the best threshold "small loss, so a member".

    The threshold is chosen on the same losses: an optimistic attacker, 0 if losses tell nothing.

    Args:
        members: losses of samples in the training data.
        others: losses of samples that are not.

    Reference: Yeom, Giacomelli, Fredrikson, Jha, CSF 2018.

    >>> loss_threshold_advantage([0.1, 0.2, 0.9], [0.8, 1.5, 2.0])
    0.6666666666666667
    """
    inside, outside = _scores(members, others)
    cuts = np.concatenate([inside, outside])
    hits = np.searchsorted(inside, cuts, side="right") / len(inside)
    alarms = np.searchsorted(outside, cuts, side="right") / len(outside)
    return max(0.0, float((hits - alarms).max()))


def area_under_curve(members: ArrayLike, others: ArrayLike) -> float:
    """Return the chance that a member scores above another sample, ties counted half.

    Args:
        members, others: scores, larger for "member".

    >>> area_under_curve([3.0, 2.0], [1.0, 2.0])
    0.875
    """
    inside, outside = _scores(members, others)
    below = np.searchsorted(outside, inside, side="left")
    level = np.searchsorted(outside, inside, side="right") - below
    return float((below + level / 2).mean() / len(outside))


def true_positives_at(members: ArrayLike, others: ArrayLike, *, false_positives: float) -> float:
    """Return the greatest fraction of members found with at most this fraction of false alarms.

    >>> true_positives_at([3.0, 2.0, 0.0], [1.0, 2.5], false_positives=0.5)
    0.6666666666666666
    """
    inside, outside = _scores(members, others)
    if not 0 <= false_positives <= 1:
        raise ConfigError(f"false_positives is {false_positives!r}; allowed: from 0 to 1")
    allowed = int(false_positives * len(outside) + 1e-9)
    if allowed == len(outside):
        return 1.0
    threshold = outside[len(outside) - 1 - allowed]
    return float((inside > threshold).mean())


def likelihood_ratios(
    observed: ArrayLike, shadows: ArrayLike, member: ArrayLike
) -> NDArray[np.float64]:
    """Return LiRA's log-likelihood ratio of "member" for every sample; (n,).

    For each sample the confidences of the shadow models that were trained with it, and of those
    that were not, are fitted by two Gaussians; the variances are shared by all samples, which is
    better for fewer than about 64 shadows.

    Args:
        observed: (n,) confidences of the attacked model, as from `scaled_confidence`.
        shadows: (models, n) confidences of the shadow models.
        member: (models, n) whether the sample was in that model's training data.

    Reference: Carlini et al., "Membership inference attacks from first principles", IEEE S&P
    2022, algorithm 1.

    >>> member = np.array([[True], [True], [False], [False]])
    >>> shadows = [[3.0], [5.0], [-1.0], [1.0]]
    >>> likelihood_ratios([4.0], shadows, member) > 0
    array([ True])
    """
    values, inside = np.asarray(shadows, dtype=np.float64), np.asarray(member, dtype=np.bool_)
    scores = np.asarray(observed, dtype=np.float64)
    if values.shape != inside.shape or values.ndim != 2 or scores.shape != values.shape[1:]:
        raise ConfigError(
            f"shapes {scores.shape}, {values.shape} and {inside.shape}; allowed: (n,) and twice "
            "(models, n)"
        )
    logs = []
    for side in (inside, ~inside):
        counts = side.sum(axis=0)
        if counts.min() < 1 or side.sum() <= side.shape[1]:
            raise ConfigError("a sample that no shadow model saw, or none left out; train more")
        means = np.where(side, values, 0.0).sum(axis=0) / counts
        errors = np.where(side, values - means, 0.0)
        variance = float((errors**2).sum() / (side.sum() - side.shape[1])) + 1e-12
        logs.append(-0.5 * log(variance) - (scores - means) ** 2 / (2 * variance))
    return logs[0] - logs[1]


def scaled_confidence(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of the probability p of the true label; nearly Gaussian; (..., n).

    Args:
        logits: (..., n, classes).
        labels: (n,).

    Reference: Carlini et al., IEEE S&P 2022, section V.

    >>> scaled_confidence([[1.0, 0.0, 0.0]], [0]).round(6).tolist()
    [0.306853]
    """
    values = np.asarray(logits, dtype=np.float64)
    truth = np.arange(values.shape[-1]) == np.asarray(labels)[:, None]
    right = np.where(truth, values, 0.0).sum(axis=-1)
    rest = np.where(truth, -np.inf, values)
    top = rest.max(axis=-1)
    return right - top - np.log(np.exp(rest - top[..., None]).sum(axis=-1))


def audited_epsilon(
    *, hits: int, members: int, alarms: int, others: int, delta: float, confidence: float = 0.95
) -> float:
    """Return a lower bound on epsilon that an attack's success proves, 0 if it proves nothing.

    log((TPR - delta) / FPR) at the Clopper-Pearson bounds of both rates, together at the stated
    confidence. The attack must have been fixed before these samples were seen.

    Args:
        hits, members: members recognised, of how many.
        alarms, others: others taken for members, of how many.
        delta: of the guarantee under audit.
        confidence: that the true epsilon is not smaller.

    Reference: Jagielski, Ullman, Oprea, NeurIPS 2020, algorithm 2.

    >>> round(audited_epsilon(hits=900, members=1000, alarms=100, others=1000, delta=1e-5), 2)
    1.99
    """
    low, _ = clopper_pearson(hits, members, confidence=confidence)
    _, high = clopper_pearson(alarms, others, confidence=confidence)
    return max(0.0, log((low - delta) / high)) if low > delta else 0.0


def epsilon_of_advantage(advantage: float) -> float:
    """Return the least epsilon (delta 0) that allows an advantage, log((1+a)/(1-a)).

    >>> round(epsilon_of_advantage(advantage_bound(2.0)), 9)
    2.0
    """
    if not 0 <= advantage < 1:
        raise ConfigError(f"an advantage of {advantage!r}; allowed: from 0 to below 1")
    return 2 * atanh(advantage)


def _scores(
    members: ArrayLike, others: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both, sorted."""
    inside, outside = (np.sort(np.asarray(x, dtype=np.float64)) for x in (members, others))
    if not (len(inside) and len(outside)):
        raise ConfigError("no scores of members or of others; both are needed")
    return inside, outside
