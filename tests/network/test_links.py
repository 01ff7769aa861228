"""Times and energies are the textbook formulas, in SI units."""

import numpy as np
import pytest

from qfl.network.links import AccessLink, Device, draw_access_link, draw_device


def test_transfers():
    link = AccessLink(2e6, 8e6, latency_seconds=0.05, transmit_power_watts=0.2)
    assert link.uplink_seconds(250_000) == pytest.approx(1.05)
    assert link.downlink_seconds(250_000) == pytest.approx(0.30)
    assert link.uplink_joules(250_000) == pytest.approx(0.2)


def test_computation():
    device = Device(operations_per_second=2e9, switched_capacitance_farads=1e-28)
    assert device.compute_seconds(4e9) == pytest.approx(2.0)
    assert device.compute_joules(1e9) == pytest.approx(0.4)


def test_drawn_medians():
    """The sample median of 4,001 log-normal draws is within 4 standard errors (false alarm
    1e-4): 1.2533 * sigma / sqrt(n) in the logarithm."""
    rng = np.random.default_rng(5)
    n = 4001
    rates = np.log([draw_device(rng).operations_per_second for _ in range(n)])
    uplinks = np.log([draw_access_link(rng).uplink_bits_per_second for _ in range(n)])
    assert abs(np.median(rates) - np.log(1e9)) < 4 * 1.2533 * 0.8 / np.sqrt(n)
    assert abs(np.median(uplinks) - np.log(3.3e6)) < 4 * 1.2533 * 0.6 / np.sqrt(n)
