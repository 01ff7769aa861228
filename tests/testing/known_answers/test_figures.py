"""Schedules and figures of merit in closed form."""

import numpy as np
import pytest

from tests.testing.known_answers.computing import got


def test_schedules():
    u = [0.1, 0.5, 0.6]
    assert got("schedule", u=u) == pytest.approx(
        [0.1, 1 / 3 * 0.1 + 2 / 3 * 0.5, 0.5333333333, 0.6]
    )
    found = got("schedule", u=[0.4], v=[0.3], p=3)
    at = (np.arange(3) + 0.5) * np.pi / 6
    assert found["gamma"] == pytest.approx(0.4 * np.sin(at))
    assert found["beta"] == pytest.approx(0.3 * np.cos(at))
    assert got("schedule", p=2, delta_gamma=1, delta_beta=2) == {
        "gamma": [0.5, 1.0],
        "beta": [2.0, 1.0],
    }
