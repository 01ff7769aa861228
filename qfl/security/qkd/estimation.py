"""What published values prove about a Gaussian link, with a stated chance of being wrong.

y = t x + noise of variance s^2: a bound on t from below, on s^2 from above and on the entropy of
the intervals that y falls into. Collective attacks: every pulse meets the same channel; by the
optimality of Gaussian attacks only t and s^2 bound what the eavesdropper learns.

References: Leverrier, Grosshans, Grangier, Phys. Rev. A 81, 062343 (2010), section IV; Tomamichel,
Colbeck, Renner, IEEE Trans. Inf. Theory 55, 5840 (2009), theorem 9 (smooth entropy of a block).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from qfl.security.qkd.continuous import GaussianLink, gaussian_key

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The channel as published pairs show it.

    Attributes:
        gain, noise: t and s^2, most likely.
        least_gain, most_gain, most_noise: bounds.
    """

    gain: float
    noise: float
    least_gain: float
    most_gain: float
    most_noise: float

    @classmethod
    def of(cls, sent: Reals, received: Reals, *, risk: float) -> Estimate:
        """Return the estimate from m pairs.

        Args:
            sent, received: (m,) values, in units of shot noise.
            risk: probability that one of the three bounds is wrong.

        >>> x = np.random.default_rng(0).normal(0, 3, 10_000)
        >>> y = 0.5 * x + np.random.default_rng(1).normal(0, 1, 10_000)
        >>> found = Estimate.of(x, y, risk=1e-6)
        >>> found.least_gain < 0.5 < found.most_gain, found.most_noise > 1.0
        (True, True)
        """
        m, power, each = len(sent), float(sent @ sent), risk / 3
        gain = float(sent @ received) / power
        rest = float(np.square(received - gain * sent).sum())
        most_noise = rest / float(2 * gammaincinv((m - 1) / 2, each))
        spread = -float(ndtri(each)) * sqrt(most_noise / power)
        return cls(gain, rest / m, gain - spread, gain + spread, most_noise)

    def excess_noise(self, link: GaussianLink) -> float:
        """Return the most likely excess noise at the channel's input; chance may take it below 0.

        Args:
            link: whose detector noise is known.
        """
        return (self.noise - 1 - link.electronic_noise) / self.gain**2

    def information(self, variance: float) -> float:
        """Return the mutual information of sent and received at that modulation variance."""
        return 0.5 * log2(1 + self.gain**2 * variance / self.noise)

    def worst_holevo(self, link: GaussianLink) -> float:
        """Return what the eavesdropper knows of one received value at most, within the bounds.

        More excess noise always tells her more. Less gain does not: on a weak channel there is
        less to be known. So both ends are looked at, and the middle.

        Args:
            link: whose modulation and detector are trusted; its channel is not read.
        """
        return max(
            gaussian_key(self._channel(link, gain)).holevo
            for gain in (self.least_gain, self.gain, self.most_gain)
        )

    def _channel(self, link: GaussianLink, gain: float) -> GaussianLink:
        """Return the channel of this gain and the most noise; none of them amplifies."""
        excess = (self.most_noise - 1 - link.electronic_noise) / gain**2
        return replace(
            link,
            transmittance=min(1.0, gain**2 / link.detector_efficiency),
            excess_noise=max(0.0, excess),
        )


def least_entropy(counts: NDArray[np.int64], *, risk: float) -> float:
    """Return bits of entropy that the intervals have at least.

    Each probability lies within Bernstein's bound of its frequency; against the uniform
    distribution u, H = log2 M - D(p || u) and D <= log2(1 + chi^2(p, u)).

    Args:
        counts: (M,) how often each interval was seen.
        risk: probability that the entropy is smaller.

    >>> 1.99 < least_entropy(np.array([25_000, 25_100, 24_900, 25_000]), risk=1e-10) < 2.0
    True
    """
    total, size = int(counts.sum()), len(counts)
    frequency = counts / total
    budget = log(2 * size / risk) / total
    away = (
        np.sqrt(2 * budget * frequency * (1 - frequency) + (7 * budget / 3) ** 2) + 7 * budget / 3
    )
    furthest = np.abs(frequency - 1 / size) + away
    return log2(size) - log2(1 + size * float(np.square(furthest).sum()))


def secret_length(
    n: int, *, intervals: int, entropy: float, holevo: float, disclosed: int, risk: float
) -> int:
    """Return the bits, a multiple of 8, that privacy amplification may keep.

    n (H - chi) - 4 log2(2 + sqrt M) sqrt(n log2(2/e^2)) - disclosed - 2 log2(1/(2 e)).

    Args:
        n: values in the key.
        intervals: M, that each of them was cut into.
        entropy: H, bits of an interval's number at least.
        holevo: chi, what the eavesdropper knows of a value at most.
        disclosed: bits said about the key.
        risk: e, of smoothing and of amplification each.
    """
    smoothing = 4 * log2(2 + sqrt(intervals)) * sqrt(n * log2(2 / risk**2))
    kept = n * (entropy - holevo) - smoothing - disclosed - 2 * log2(1 / (2 * risk))
    return max(0, floor(kept)) // 8 * 8
