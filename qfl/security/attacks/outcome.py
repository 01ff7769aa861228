"""What an attack achieved: a number with its interval, and rows of attack, defence, with, without.

Every measure is the attacker's: larger is worse for the federation. `blind` says what an attacker
reaches who sees nothing, so that a row can say whether a defence stops, weakens or fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Outcome:
    """A measure over repeated attacks.

    Attributes:
        value: mean or proportion.
        low, high: 95 % interval; NaN after a single attack.
        trials: attacks.
    """

    value: float
    low: float
    high: float
    trials: int

    @classmethod
    def of_successes(cls, successes: int, trials: int) -> Outcome:
        """Return the proportion of successes with the interval of Clopper and Pearson.

        >>> outcome = Outcome.of_successes(0, 20)
        >>> outcome.value, outcome.low, round(outcome.high, 3)
        (0.0, 0.0, 0.168)
        """
        return cls(successes / max(trials, 1), *clopper_pearson(successes, trials), trials)

    @classmethod
    def of_values(cls, values: ArrayLike, *, least: float = -inf, most: float = inf) -> Outcome:
        """Return the mean of one value per attack with Student's interval.

        Args:
            values: (attacks,).
            least, most: what the measure can be; the interval is cut there.

        >>> outcome = Outcome.of_values([1.0, 2.0, 3.0])
        >>> outcome.value, round(outcome.low, 3), round(outcome.high, 3)
        (2.0, -0.484, 4.484)
        """
        from scipy.special import stdtrit

        sample = np.asarray(values, dtype=np.float64)
        if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
            raise ConfigError(f"{values!r}; allowed: one finite number per attack, at least one")
        n, mean = len(sample), float(sample.mean())
        if n == 1:
            return cls(mean, nan, nan, 1)
        quantile = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
        half = quantile * float(sample.std(ddof=1)) / sqrt(n)
        return cls(mean, max(least, mean - half), min(most, mean + half), n)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRow:
    """One attack against one defence.

    Attributes:
        attack, defence: names for a reader.
        measure: what the outcomes count, with its unit; larger is better for the attacker.
        blind: the measure of an attacker who sees nothing or does nothing.
        without, defended: outcomes without and with the defence.
        remark: what the numbers do not say, or "".

    >>> row = AttackRow(attack="replay", defence="one-shot keys", measure="accepted", blind=0.0,
    ...                 without=Outcome.of_successes(20, 20), defended=Outcome.of_successes(0, 20))
    >>> row.verdict
    'stopped'
    """

    attack: str
    defence: str
    measure: str
    blind: float
    without: Outcome
    defended: Outcome
    remark: str = ""

    @property
    def verdict(self) -> str:
        """What the intervals allow to say about the defence.

        "backfires": the attacker achieves more with it than without. "no effect": the attack does
        not work in the first place. "stopped": it works less, and is not found to do better than
        a blind one. "weakened": it works, but less. "fails": it works, and is not found to work
        less. Else "undecided".
        """
        if self.defended.low > max(self.blind, self.without.high):
            return "backfires"
        if not self.without.low > self.blind:
            return "no effect"
        less = self.defended.high < self.without.low
        if self.defended.low > self.blind:
            return "weakened" if less else "fails"
        return "stopped" if less else "undecided"


def clopper_pearson(
    successes: int, trials: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the exact interval of a proportion.

    Reference: Clopper and Pearson, Biometrika 26, 404 (1934).

    >>> [round(limit, 4) for limit in clopper_pearson(9, 10)]
    [0.555, 0.9975]
    """
    from scipy.special import betaincinv

    if not (0 <= successes <= trials and trials):
        raise ConfigError(f"{successes!r} of {trials!r}; allowed: counts, at least one trial")
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence {confidence!r}; allowed: between 0 and 1")
    tail = (1 - confidence) / 2
    low = float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    high = (
        float(betaincinv(successes + 1, trials - successes, 1 - tail))
        if successes < trials
        else 1.0
    )
    return low, high
