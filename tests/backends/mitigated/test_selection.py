import numpy as np
import pytest
from instances import k_of_n, ramp

from qfl.backends import get_backend
from qfl.backends.gates import mean_cost
from qfl.backends.mitigated.selection import noise_floor, post_selected
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, ConfigError

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


def test_only_feasible_samples_are_kept_and_the_fraction_is_known():
    counts = Counts.of([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]], [5, 2, 2, 1])
    kept, fraction = post_selected(counts, ANSATZ)
    assert (kept.total, fraction) == (7, 0.7)
    assert (kept.states.sum(1) == 2).all()


def test_noise_alone_keeps_the_floor():
    """Uniform bit strings; outside 4 standard errors with 6e-5."""
    samples = np.random.default_rng(0).integers(0, 2, (20_000, 4))
    _, fraction = post_selected(Counts.of(samples), ANSATZ)
    assert noise_floor(ANSATZ) == 6 / 16
    assert abs(fraction - 6 / 16) < 4 * np.sqrt(6 / 16 * 10 / 16 / 20_000)


def test_it_helps_on_a_snapshot():
    ideal = get_backend("subspace").compile(ANSATZ).expectation(ramp(1))
    raw = get_backend("aer:fake_manila").compile(ANSATZ)
    selected = get_backend("mitigation:post_selection", backend="aer:fake_manila").compile(ANSATZ)
    value = selected.expectation(ramp(1))
    assert abs(value - ideal) < abs(raw.expectation(ramp(1)) - ideal)
    counts = selected.sample(ramp(1), 4000, np.random.default_rng(1))
    assert counts.total < 4000
    spread = np.ptp([mean_cost(ANSATZ, Counts.of([state])) for state in counts.states])
    assert abs(mean_cost(ANSATZ, counts) - value) < 4 * spread / 2 / np.sqrt(counts.total)


def test_too_little_left_is_refused():
    strict = get_backend("mitigation:post_selection", backend="aer:fake_manila", least_kept=0.99)
    with pytest.raises(BackendError, match=r"kept 0\.\d+ of 200 samples, at least 0.99"):
        strict.compile(ANSATZ).sample(ramp(1), 200, np.random.default_rng(0))
    for fraction in (-0.1, 5.0, float("nan")):
        with pytest.raises(ConfigError, match=f"least_kept is a fraction in 0..1, got {fraction}"):
            get_backend("mitigation:post_selection", backend="subspace", least_kept=fraction)
    with pytest.raises(BackendError, match="needs blocks with a fixed number of ones"):
        strict.compile(k_of_n(4, 2, "x", 1))
