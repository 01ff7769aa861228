import pytest

from qfl.core.errors import ConfigError
from qfl.security.masking import expansion_factor, hierarchical_key_rate, key_bound


@pytest.mark.golden
@pytest.mark.parametrize(("clients", "expected"), [(2**10, 1.734375), (2**12, 2.18768310546875)])
def test_expansion(clients, expected):
    """Bonawitz et al., CCS 2017, print 1.73 for 2^10 clients and 2^20 entries of 16 bits."""
    assert expansion_factor(clients, 2**20) == pytest.approx(expected, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("users", "colluders", "expected"),
    [(3, 0, (2 / 3, 4 / 3, 2.0, 1.5)), (10, 0, (0.2, 1.8, 9.0, 5.0)), (10, 4, (1 / 3, 3, 15, 3))],
)
def test_key_bound(users, colluders, expected):
    """Zhao and Sun, arXiv:2205.08458."""
    bound = key_bound(users, colluders=colluders)
    found = (bound.per_pair, bound.per_user, bound.total, bound.naive_ratio)
    assert found == pytest.approx(expected, abs=1e-12)


def test_key_bound_of_larger_groups():
    """One key for all is the folklore minimum, K - 1 symbols."""
    assert key_bound(5, group_size=5).total == pytest.approx(4)
    for users, colluders, size in ((5, 4, 2), (5, 2, 4), (5, 0, 1), (5, -1, 2)):
        with pytest.raises(ConfigError):
            key_bound(users, colluders=colluders, group_size=size)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("servers", "users", "colluders", "expected"), [(3, 4, 0, 5), (2, 5, 1, 6), (1, 2, 9, 1)]
)
def test_hierarchical(servers, users, colluders, expected):
    """arXiv:2601.06836."""
    assert hierarchical_key_rate(servers, users, colluders=colluders) == expected


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="length"):
        expansion_factor(3, 0)
    with pytest.raises(ConfigError, match="servers"):
        hierarchical_key_rate(0, 3)
