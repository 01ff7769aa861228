"""Was this sample in the training data? What an attacker can win, and what privacy allows."""

from __future__ import annotations

from math import atanh, log, tanh

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError


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
    inside, outside = (np.sort(np.asarray(x, dtype=np.float64)) for x in (members, others))
    if not (len(inside) and len(outside)):
        raise ConfigError("no losses of members or of others; both are needed")
    cuts = np.concatenate([inside, outside])
    hits = np.searchsorted(inside, cuts, side="right") / len(inside)
    alarms = np.searchsorted(outside, cuts, side="right") / len(outside)
    return max(0.0, float((hits - alarms).max()))


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
    from scipy.special import betaincinv

    if not (0 <= hits <= members and 0 <= alarms <= others and members and others):
        raise ConfigError(f"{hits!r} of {members!r} and {alarms!r} of {others!r}; not counts")
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence {confidence!r}; allowed: between 0 and 1")
    tail = (1 - confidence) / 2
    low = betaincinv(hits, members - hits + 1, tail) if hits else 0.0
    high = betaincinv(alarms + 1, others - alarms, 1 - tail) if alarms < others else 1.0
    return max(0.0, log((low - delta) / high)) if low > delta else 0.0


def epsilon_of_advantage(advantage: float) -> float:
    """Return the least epsilon (delta 0) that allows an advantage, log((1+a)/(1-a)).

    >>> round(epsilon_of_advantage(advantage_bound(2.0)), 9)
    2.0
    """
    if not 0 <= advantage < 1:
        raise ConfigError(f"an advantage of {advantage!r}; allowed: from 0 to below 1")
    return 2 * atanh(advantage)
