"""Loss distributions for sums under discrete Gaussian noise, by way of a continuous Gaussian.

dp-accounting composes the loss of one discrete Gaussian in one dimension. Here vectors are added,
of which only the L2 norm is bounded: which of them is worst is not known, and a sum of discrete
Gaussians is not one. Both gaps are closed by densities that are nearly equal everywhere:

1. n shares in a sum against one discrete Gaussian of their variance: each density is at most
   exp(tau) times the other (`distributed.sum_distance`).
2. One discrete Gaussian of variance s^2 against a continuous one of variance s^2 - w^2 whose value
   x is then rounded to an integer z with probability proportional to exp(-(z - x)^2 / (2 w^2)):
   at most exp(kappa) times the other, with kappa from `rounding_gap`.

Rounding is post-processing, and for the continuous Gaussian every direction is as bad as another:
its loss distribution is exact for vectors. If it is (epsilon, delta exp(-r))-private, a mechanism
whose densities stay within exp(r) of it is (epsilon + 2 r, delta)-private, adaptively composed or
not; d coordinates and T rounds make r = T d (tau + kappa). No such pair is known for Skellam noise,
whose tails are heavier than any Gaussian's.

References: Peikert, CRYPTO 2010, theorem 3.1 (2.); Kairouz, Liu, Steinke, arXiv:2102.06387,
theorem 5 (1.).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, log1p, pi, sqrt

from qfl.core.errors import ConfigError
from qfl.security.privacy.accountant import gaussian_guarantee

_SLACK = 1e-9
"""What rounding may add to epsilon; the variance given up for it is at most a few integers."""


@dataclass(frozen=True, slots=True)
class Dominating:
    """A continuous Gaussian mechanism, and how far from it the discrete one can be.

    Attributes:
        noise_multiplier: of the continuous noise, relative to the L2 norm of a client's integers.
        gap: r, bound on the log-ratio of the densities of everything that is released.
    """

    noise_multiplier: float
    gap: float

    def epsilon(self, *, rounds: int, delta: float) -> float:
        """Return the epsilon of the discrete mechanism by loss distributions."""
        if self.gap == inf or delta * exp(-self.gap) == 0:
            return inf
        continuous = gaussian_guarantee(
            noise_multiplier=self.noise_multiplier, rounds=rounds, delta=delta * exp(-self.gap)
        )
        return continuous.epsilon + 2 * self.gap


def rounding_gap(width: float) -> float:
    """Return kappa = log((1 + e)/(1 - e)), e = 2 sum_{k>0} exp(-2 pi^2 w^2 k^2).

    By Poisson's summation formula the weights exp(-(z - x)^2 / (2 w^2)) over all integers z add up
    to w sqrt(2 pi) within a factor 1 +- e, wherever x lies.

    Args:
        width: w, standard deviation of the random rounding.

    >>> rounding_gap(0.5) < 0.03, rounding_gap(1.0) < 2e-8, rounding_gap(0.1)
    (True, True, inf)
    """
    if not width > 0:
        raise ConfigError(f"a rounding of width {width!r}; allowed: positive")
    error, k = 0.0, 1
    while (term := 2 * exp(-2 * (pi * width * k) ** 2)) > 0 and error < 1:
        error, k = error + term, k + 1
    return log1p(error) - log1p(-error) if error < 1 else inf


def dominating_gaussian(
    *, deviation: float, norm: float, dimension: int, rounds: int, sum_gap: float
) -> Dominating | None:
    """Return the continuous mechanism that dominates; None if the noise is too narrow for one.

    Args:
        deviation: of the discrete noise in a sum, in integers.
        norm: L2 bound of one client's integers.
        dimension: d, numbers that a client sends per round.
        rounds: T.
        sum_gap: tau, per number: its shares against one discrete Gaussian.

    >>> found = dominating_gaussian(deviation=512, norm=1024, dimension=10_000, rounds=6, sum_gap=0)
    >>> round(found.noise_multiplier, 5), found.gap < 1e-8
    (0.5, True)
    """
    released = dimension * rounds
    width = sqrt(log(8 * released / _SLACK) / (2 * pi**2))
    if deviation <= width:
        return None
    return Dominating(
        noise_multiplier=sqrt(deviation**2 - width**2) / norm,
        gap=released * (sum_gap + rounding_gap(width)),
    )
