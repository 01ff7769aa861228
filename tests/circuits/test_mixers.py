import pytest

from circuits.mixers import edges


def test_rings_couple_neighbours_and_close_last():
    assert edges("xy_ring", 4) == ((0, 1), (1, 2), (2, 3), (3, 0))
    assert edges("xy_parity_ring", 4) == ((0, 1), (2, 3), (1, 2), (3, 0))
    assert edges("xy_ring", 2) == edges("xy_parity_ring", 2) == ((0, 1),)
    assert edges("xy_ring", 1) == edges("xy_trotter", 1) == ()


@pytest.mark.parametrize("m", range(2, 9))
def test_the_complete_mixers_couple_every_pair_once(m):
    pairs = edges("xy_trotter", m)
    assert sorted(pairs) == [(a, b) for a in range(m) for b in range(a + 1, m)]
    assert edges("xy_complete", m) == pairs


def test_other_mixers_have_no_edges():
    with pytest.raises(ValueError, match="'grover' does not couple pairs"):
        edges("grover", 4)
