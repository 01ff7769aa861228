"""Known answers on schedules, figures of merit and noise in closed form."""

from __future__ import annotations

import numpy as np

from qfl.backends.gates import tensored
from qfl.backends.mitigated.extrapolation import extrapolated
from qfl.backends.noise import gate_count_noise as noisy_ratio
from qfl.core.errors import ConfigError
from qfl.solvers import quality
from qfl.solvers.schedules.growing import fourier_angles, interpolated
from qfl.solvers.schedules.ramp import linear_ramp
from qfl.testing.known_answers.inputs import Inputs


def schedule(given: Inputs) -> list[float] | dict[str, list[float]]:
    """Return a linear ramp in its published signs, a FOURIER schedule or an INTERP step."""
    if "delta_gamma" in given:
        gamma, beta = linear_ramp(
            given.whole("p", 1),
            delta_gamma=given.number("delta_gamma"),
            delta_beta=given.number("delta_beta"),
        )
        return {"gamma": gamma.tolist(), "beta": (-beta).tolist()}
    if "v" not in given:
        return interpolated(given.numbers("u")).tolist()
    angles = fourier_angles(given.numbers("u"), given.numbers("v"), given.whole("p", 1))
    return {"gamma": angles[0].tolist(), "beta": angles[1].tolist()}


def tts99(given: Inputs) -> float:
    """Return the time until one run succeeded with probability 0.99."""
    return quality.time_to_solution(given.number("p_success"), given.number("time_per_run"))


def r_eff(given: Inputs) -> float:
    """Return how much of the way from random to optimal a ratio covers."""
    return quality.effective_ratio(given.number("r"), random_ratio=given.number("r_random"))


def cvar(given: Inputs) -> float:
    """Return the mean of the lowest alpha of a cost distribution."""
    return quality.cvar(given.numbers("values"), given.numbers("probs"), given.number("alpha"))


def gate_count_noise(given: Inputs) -> float:
    """Return the ratio that is left after G two-qubit gates with error eps."""
    error = given.number("eps")
    if not 0 <= error <= 1:
        raise ConfigError(f"eps must lie in 0..1, got {error}")
    survival = (1 - error) ** given.whole("two_qubit_gates")
    ideal = np.array(given.number("r_ideal"))
    return float(noisy_ratio(ideal, given.number("r_rand"), survival))


def readout_parity(given: Inputs) -> float:
    """Return the factor of a Z string under symmetric readout flips."""
    flip = given.number("flip")
    if not 0 <= flip <= 1:
        raise ConfigError(f"flip must lie in 0..1, got {flip}")
    reading = np.array([[[1 - flip, flip], [flip, 1 - flip]]])
    zero, one = tensored(reading, np.array([1.0, 0.0])).tolist()
    return float((zero - one) ** given.whole("n"))


def zne_richardson(given: Inputs) -> float:
    """Return the Richardson value at zero noise."""
    scales, values = given.numbers("scale"), given.numbers("values")
    if scales.shape != values.shape or len(set(scales.tolist())) != scales.size:
        raise ConfigError(
            f"scale must hold as many distinct numbers as values, got {scales.tolist()}"
        )
    return float(extrapolated(scales.tolist(), values))
