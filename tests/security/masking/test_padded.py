from itertools import chain, combinations

import numpy as np
import pytest

from qfl.core.errors import CohortError, ConfigError, KeyExhaustedError
from qfl.security.keys import KeyPool, Secret
from qfl.security.masking import Grid, coded_pads, key_bound, padded_sum, pairwise_pads, path_pads


def names(n):
    return [f"c{i}" for i in range(n)]


def pools_of(n, *, bits=4096, seed=0):
    rng = np.random.default_rng(seed)
    pools = {}
    for edge in combinations(names(n), 2):
        pools[edge] = KeyPool(edge, run="cell", capacity_bits=1 << 22)
        material = rng.bytes(bits // 8)
        pools[edge].produce({end: Secret(material) for end in edge})
    return pools


def vectors(n, length=7, seed=1):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-500, 500, length) for name in names(n)}


@pytest.mark.parametrize(
    "pads",
    [
        pairwise_pads(6, tolerated=2, modulus_bits=14),
        path_pads(6, modulus_bits=14),
        path_pads(5, modulus_bits=14),
        coded_pads(6, tolerated=2, modulus_bits=14),
        coded_pads(5, tolerated=3, modulus_bits=14),
        coded_pads(5, tolerated=0, modulus_bits=14),
    ],
    ids=lambda pads: f"{pads.name}-{pads.users}-{pads.tolerated}",
)
def test_every_tolerated_dropout_set(pads):
    values = vectors(pads.users)
    sets = (combinations(values, size) for size in range(pads.tolerated + 1))
    for gone in chain.from_iterable(sets):
        done = padded_sum(values, pads, pools=pools_of(pads.users), dropped=frozenset(gone))
        left = [values[name] for name in values if name not in gone]
        assert (done.total == sum(left)).all()
        touched = len(gone) * (pads.users - len(gone))
        assert done.costs.burnt == touched * pads.pair_symbols(7)


@pytest.mark.parametrize(
    "pads", [path_pads(5, modulus_bits=14), coded_pads(5, tolerated=2, modulus_bits=14)]
)
def test_one_dropout_more_aborts(pads):
    for gone in combinations(names(5), pads.tolerated + 1):
        with pytest.raises(CohortError, match="nothing was revealed"):
            padded_sum(vectors(5), pads, pools=pools_of(5), dropped=frozenset(gone))


@pytest.mark.golden
@pytest.mark.parametrize(
    ("pads", "ratio", "naive"),
    [
        (path_pads(3, modulus_bits=16), 1.0, 1.5),
        (path_pads(10, modulus_bits=16), 1.0, 5.0),
        (coded_pads(10, tolerated=4, modulus_bits=16), 1.0, 3.0),
        (pairwise_pads(10, tolerated=4, modulus_bits=16), 3.0, 3.0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_costs_beside_the_bound(pads, ratio, naive):
    """Zhao and Sun, arXiv:2205.08458; the naive pads are (K-T)/2 above."""
    length = 30
    costs = padded_sum(vectors(pads.users, length), pads, pools=pools_of(pads.users)).costs
    assert costs.symbols / costs.bound == pytest.approx(ratio)
    assert costs.naive / costs.bound == pytest.approx(naive)
    bound = key_bound(pads.users, colluders=pads.tolerated)
    assert costs.bound == pytest.approx(bound.total * length)
    width = (pads.modulus - 1).bit_length()
    assert costs.key_bits >= costs.symbols * width
    assert costs.ratio_to_bound == pytest.approx(costs.key_bits / (costs.bound * 16))
    assert ratio * width / 16 <= costs.ratio_to_bound < ratio * width / 16 * 1.05


def test_the_ledgers_agree_with_the_record():
    pads, pools = path_pads(4, modulus_bits=16), pools_of(4)
    done = padded_sum(vectors(4, 100), pads, pools=pools)
    assert sum(pool.ledger.account.consumed for pool in pools.values()) == done.costs.key_bits
    assert done.costs.key_bits == 6 * 50 * 16


def test_a_filled_up_block_shows_in_the_ratio():
    done = padded_sum(vectors(10, 4), path_pads(10, modulus_bits=16), pools=pools_of(10))
    assert done.costs.ratio_to_bound == pytest.approx(5 / 4)


def test_exhaustion_spends_nothing():
    pads, pools = pairwise_pads(3, modulus_bits=16), pools_of(3, bits=512)
    with pytest.raises(KeyExhaustedError, match="nothing was spent"):
        padded_sum(vectors(3, 40), pads, pools=pools)
    assert all(pool.bits_left == 512 for pool in pools.values())


def test_floats_there_and_back():
    rng = np.random.default_rng(2)
    grid = Grid(clip=1.0, levels=4096, clients=6)
    floats = {name: rng.normal(0, 0.4, 12) for name in names(6)}
    steps = {name: grid.quantise(values, rng=rng) for name, values in floats.items()}
    pads = coded_pads(6, tolerated=2, modulus_bits=grid.modulus_bits)
    done = padded_sum(steps, pads, pools=pools_of(6), dropped=frozenset(["c4"]))
    wanted = sum(np.clip(floats[name], -1, 1) for name in done.survivors)
    assert np.abs(grid.values(done.total) - wanted).max() <= grid.error_bound(5)


def test_as_many_vectors_as_users():
    with pytest.raises(ConfigError, match="design of 4 users"):
        padded_sum(vectors(3), path_pads(4, modulus_bits=16), pools={})
