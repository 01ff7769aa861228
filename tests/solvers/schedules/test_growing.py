"""INTERP and FOURIER against their formulas."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.solvers.schedules.growing import Fourier, Interp, fourier_angles, interpolated


@pytest.mark.golden
def test_worked_values():
    """Zhou et al., arXiv:1812.01041."""
    np.testing.assert_allclose(interpolated([0.4, 0.8]), [0.4, 0.6, 0.8], atol=1e-12)
    gammas, betas = fourier_angles([0.7, 0.1], [0.6, 0.05], 4)
    np.testing.assert_allclose(
        gammas,
        [0.19212024871324998, 0.48697769115404455, 0.6015377608133945, 0.6034027350520067],
        atol=1e-12,
    )
    np.testing.assert_allclose(
        betas,
        [0.6300446488570655, 0.4891272512807207, 0.28430287579159985, 0.08927568155869689],
        atol=1e-12,
    )


def test_interpolating_a_line_keeps_its_ends():
    line = np.linspace(0.1, 0.9, 6)
    longer = interpolated(line)
    assert len(longer) == 7
    assert longer[0] == pytest.approx(0.1)
    assert longer[-1] == pytest.approx(0.9)
    assert (np.diff(longer) > 0).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Interp(evaluations=0),
        lambda: Fourier(frequencies=-1),
        lambda: Interp(optimiser="lbfgs", shots_per_evaluation=10),
        lambda: fourier_angles([0.1, 0.2], [0.1], 3),
    ],
)
def test_bad_options_are_refused(make):
    with pytest.raises(ConfigError):
        make()
