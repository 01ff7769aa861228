"""Known answers on masked and private sums, and on rules that resist poisoned ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.attacks import membership, poisoning
from qfl.security.masking import costs
from qfl.security.masking.quantise import Grid
from qfl.security.masking.shamir import evaluate_polynomial
from qfl.security.privacy import distributed
from qfl.security.privacy.accountant import calibrated_noise, gaussian_guarantee
from qfl.security.privacy.clipping import AdaptiveClip
from qfl.security.privacy.gaussian import gaussian_epsilon
from qfl.security.privacy.guarantee import Conversion
from qfl.security.privacy.renyi import sampled_gaussian_rdp
from qfl.security.robust.centre import geometric_median, median, trimmed_mean
from qfl.security.robust.krum import krum_scores
from qfl.security.robust.trust import fltrust
from qfl.testing.known_answers.inputs import Inputs


def secagg_expansion(given: Inputs) -> float:
    """Return how much larger a masked upload is than a plain one."""
    return costs.expansion_factor(
        given.whole("n"),
        given.whole("m"),
        input_bits=given.whole("input_bits"),
        key_bits=given.whole("key_bits"),
        share_bits=given.whole("share_bits"),
    )


def its_key_bound(given: Inputs) -> dict[str, float]:
    """Return the least key symbols of an information-theoretic sum."""
    group = given.whole("G") if "G" in given else 2
    bound = costs.key_bound(given.whole("K"), colluders=given.whole("T"), group_size=group)
    return {
        "per_pair": bound.per_pair,
        "per_user": bound.per_user,
        "total": bound.total,
        "naive_ratio": bound.naive_ratio,
    }


def its_hierarchical(given: Inputs) -> int:
    """Return the least source-key symbols of a two-level sum."""
    servers, users = given.whole("U"), given.whole("V")
    return costs.hierarchical_key_rate(servers, users, colluders=given.whole("T"))


def quantise(given: Inputs) -> dict[str, float]:
    """Return modulus, step and error bounds of a quantised sum."""
    grid = Grid(
        clip=given.number("clip"),
        levels=given.whole("levels"),
        clients=given.whole("clients"),
        max_weight=given.whole("max_weight"),
    )
    return {
        "modulus_bits": grid.modulus_bits,
        "step": grid.step,
        "sum_error_bound": grid.error_bound(),
        "variance_bound": grid.variance_bound,
    }


def shamir(given: Inputs) -> list[str]:
    """Return the shares at 1..5 of a polynomial, written out as texts."""
    prime = given.text("prime")
    power = re.fullmatch(r"(\d+)\^(\d+)([+-]\d+)|(\d+)", prime)
    if power is None:
        raise ConfigError(f"prime must read like '2^61-1' or be decimal, got {prime!r}")
    base, exponent, rest, whole = power.groups()
    modulus = int(whole) if whole else int(base) ** int(exponent) + int(rest)
    coefficients = [int(text) for text in given.any("coefficients")]
    return [str(share) for share in evaluate_polynomial(coefficients, range(1, 6), prime=modulus)]


def gauss_exact(given: Inputs) -> float:
    """Return the exact epsilon of one Gaussian release."""
    return gaussian_epsilon(sigma=given.number("sigma"), delta=given.number("delta"))


def rdp_sub(given: Inputs) -> float:
    """Return the Renyi divergence of a Gaussian release to a Poisson sample."""
    return sampled_gaussian_rdp(
        given.whole("alpha"), noise_multiplier=given.number("sigma"), rate=given.number("q")
    )


def dp_accounting(given: Inputs) -> dict[str, float]:
    """Return epsilon of many Gaussian releases by two Renyi conversions and by PLD."""
    rate = given.number("q")
    if given.text("sampling", "Poisson", "none") == "none" and rate != 1:
        raise ConfigError(f"without sampling q must be 1, got {rate}")
    releases = {
        "noise_multiplier": given.number("noise_multiplier"),
        "rounds": given.whole("steps", 1),
        "delta": given.number("delta"),
        "rate": rate,
    }
    conversions = {
        "rdp_classic": Conversion.RDP_CLASSIC,
        "rdp_improved": Conversion.RDP,
        "pld": Conversion.PLD,
    }
    return {
        name: gaussian_guarantee(**releases, conversion=conversion).epsilon  # type: ignore[arg-type]
        for name, conversion in conversions.items()
    }


def dp_calibrate(given: Inputs) -> float:
    """Return the noise multiplier that reaches an epsilon."""
    return calibrated_noise(
        epsilon=given.number("epsilon"),
        delta=given.number("delta"),
        rounds=given.whole("T", 1),
        rate=given.number("q"),
    )


def adaptive_clip(given: Inputs) -> float:
    """Return the noise multiplier left for updates when the clip is estimated privately."""
    given.whole("n", 1)
    clip = AdaptiveClip(bound=1.0, count_noise=given.number("sigma_b"))
    return clip.update_noise(given.number("z"))


def ddg_norm(given: Inputs) -> float:
    """Return the norm bound after conditional rounding."""
    return distributed.rounded_norm(given.number("c"), given.whole("d"), beta=given.number("beta"))


def ddg_tau(given: Inputs) -> float:
    """Return how far a sum of discrete Gaussians is from one."""
    return distributed.sum_distance(given.whole("n"), sigma=given.number("sigma"))


def skellam_rdp(given: Inputs) -> float:
    """Return the Renyi divergence of a sum under Skellam noise."""
    return distributed.skellam_rdp(
        given.number("alpha"),
        norm=given.number("delta2"),
        norm1=given.number("delta1"),
        variance=given.number("mu"),
    )


def mia_bound(given: Inputs) -> float:
    """Return the greatest advantage of a membership attack."""
    return membership.advantage_bound(given.number("epsilon"), delta=given.number("delta"))


def alie_z(given: Inputs) -> float:
    """Return how many deviations from the mean still pass for honest."""
    return poisoning.alie_z(given.whole("n"), given.whole("m"))


def ipm_threshold(given: Inputs) -> float:
    """Return the epsilon above which the mean points backwards."""
    return poisoning.inner_product_threshold(given.whole("n"), given.whole("f"))


def robust_aggregate(given: Inputs) -> dict[str, Any]:
    """Return what the robust rules make of some updates."""
    updates, corrupted = given.numbers("updates"), given.whole("f")
    scores = krum_scores(updates, corrupted=corrupted)
    return {
        "krum_index": int(np.argmin(scores.round(12))),
        "krum_scores": scores.tolist(),
        "median": median(updates).tolist(),
        "trimmed_mean": trimmed_mean(updates, corrupted=corrupted).tolist(),
        "geometric_median": geometric_median(updates).tolist(),
        "fltrust": fltrust(updates, server_update=given.numbers("server_update")).tolist(),
    }
