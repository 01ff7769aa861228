import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.privacy import AdaptiveClip, clip_to_norm


@given(values=st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=8), bound=st.floats(1e-6, 1e6))
@pytest.mark.property
def test_never_above_the_bound_and_unchanged_below(values, bound):
    clipped = clip_to_norm(values, bound)
    assert np.linalg.norm(clipped) <= bound * (1 + 1e-15)
    if np.linalg.norm(values) <= bound:
        assert (clipped == values).all()


def test_what_would_escape_is_refused():
    for vector, bound in (([np.nan], 1.0), ([np.inf], 1.0), ([1.0], 0.0), ([1.0], np.nan)):
        with pytest.raises(ConfigError):
            clip_to_norm(vector, bound)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("noise", "count_noise", "expected"),
    [(1.0, 5.0, 1.005037815259212), (0.8, 10.0, 0.8006407690254357)],
)
def test_noise_left_for_the_updates(noise, count_noise, expected):
    """Andrew et al., arXiv:1905.03871, theorem 1."""
    clip = AdaptiveClip(bound=1.0, count_noise=count_noise)
    assert clip.update_noise(noise) == pytest.approx(expected, abs=1e-9)


def test_the_bound_finds_the_median():
    """Norms log-normal with median 3; after 200 rounds of 200 clients within 10 %."""
    rng = np.random.default_rng(0)
    clip = AdaptiveClip(bound=0.01, count_noise=10.0)
    for _ in range(200):
        norms = 3 * np.exp(rng.normal(0, 0.3, 200))
        clip = clip.after(below=int((norms <= clip.bound).sum()), clients=200, rng=rng)
    assert clip.bound == pytest.approx(3.0, rel=0.1)


def test_nonsense_is_refused():
    rng = np.random.default_rng(0)
    for options in ({"bound": 0.0}, {"quantile": 2.0}, {"rate": -1.0}, {"count_noise": -1.0}):
        with pytest.raises(ConfigError):
            AdaptiveClip(**{"bound": 1.0, **options})
    with pytest.raises(ConfigError, match="below"):
        AdaptiveClip(bound=1.0).after(below=3, clients=2, rng=rng)
    for count_noise in (0.0, 0.4):
        with pytest.raises(ConfigError, match=r"more than 0\.5"):
            AdaptiveClip(bound=1.0, count_noise=count_noise).update_noise(1.0)
