"""The masked sum is the plain sum, or there is none and nothing was revealed."""

from itertools import chain, combinations, product

import numpy as np
import pytest

from qfl.core.errors import CohortError, ConfigError, KeyExhaustedError
from qfl.security.keys import KeyPool, Secret
from qfl.security.masking import (
    Cohort,
    Dropouts,
    Grid,
    kem_pair_keys,
    masked_sum,
    neighbour_graph,
    pool_pair_keys,
)
from qfl.security.masking.quantise import word_of


def names(n):
    return [f"c{i:02d}" for i in range(n)]


def keys_for(cohort, rng):
    keys = {name: {} for name in cohort.clients}
    for u, v in cohort.edges:
        material = rng.bytes(32)
        keys[u][v], keys[v][u] = Secret(material), Secret(material)
    return keys


def vectors(cohort, rng, length=5):
    bits = cohort.modulus_bits
    return {
        name: rng.integers(0, 2**bits, length, dtype=np.uint64).astype(word_of(bits))
        for name in cohort.clients
    }


def plain(values, members, bits):
    total = sum(values[name].astype(object) for name in members)
    return (total % (1 << bits)).astype(word_of(bits))


PHASES = ("before_sharing", "before_upload", "before_reveal")


def leaving(some, moments):
    pairs = list(zip(some, moments, strict=True))
    return Dropouts(**{p: frozenset(c for c, when in pairs if when == p) for p in PHASES})


def subsets(items, most):
    return chain.from_iterable(combinations(items, size) for size in range(most + 1))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_every_dropout_set_up_to_n_less_t(n):
    """All thresholds, all sets of that size, every client at each of the three moments."""
    rng = np.random.default_rng(n)
    for threshold in range(n // 2 + 1, n + 1):
        cohort = Cohort.complete(names(n), threshold=threshold, modulus_bits=20)
        keys, values = keys_for(cohort, rng), vectors(cohort, rng)
        for some in subsets(cohort.clients, n - threshold):
            for moments in product(PHASES, repeat=len(some)):
                gone = leaving(some, moments)
                done = masked_sum(values, cohort, pair_keys=keys, dropouts=gone)
                absent = gone.before_sharing | gone.before_upload
                left = tuple(name for name in cohort.clients if name not in absent)
                assert (done.total == plain(values, left, 20)).all()
                assert done.survivors == left


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_one_dropout_more_aborts(n):
    rng = np.random.default_rng(n)
    for threshold in range(n // 2 + 1, n + 1):
        cohort = Cohort.complete(names(n), threshold=threshold, modulus_bits=16)
        keys, values = keys_for(cohort, rng), vectors(cohort, rng)
        for some in combinations(cohort.clients, n - cohort.threshold + 1):
            for phase in PHASES:
                gone = leaving(some, [phase] * len(some))
                with pytest.raises(CohortError):
                    masked_sum(values, cohort, pair_keys=keys, dropouts=gone)


def test_fifty_clients_and_sampled_dropouts():
    rng = np.random.default_rng(50)
    cohort = Cohort.complete(names(50), threshold=34, modulus_bits=32)
    keys, values = keys_for(cohort, rng), vectors(cohort, rng, length=17)
    for size in (0, 7, 16):
        some = rng.permutation(cohort.clients)[:size].tolist()
        cut = int(rng.integers(0, size + 1))
        gone = Dropouts(before_upload=frozenset(some[:cut]), before_reveal=frozenset(some[cut:]))
        done = masked_sum(values, cohort, pair_keys=keys, dropouts=gone)
        left = [name for name in cohort.clients if name not in some[:cut]]
        assert (done.total == plain(values, left, 32)).all()


@pytest.mark.parametrize("bits", [8, 16, 20, 33, 63])
@pytest.mark.parametrize("stream", ["aes-256-ctr", "chacha20"])
def test_sparse_graphs_words_and_streams(bits, stream):
    rng = np.random.default_rng(bits)
    graph = neighbour_graph(names(12), degree=6, rng=rng)
    cohort = Cohort(neighbours=graph, threshold=4, modulus_bits=bits, stream=stream)
    keys, values = keys_for(cohort, rng), vectors(cohort, rng)
    gone = Dropouts(
        before_sharing=frozenset(["c00"]),
        before_upload=frozenset(["c03"]),
        before_reveal=frozenset(["c07"]),
    )
    done = masked_sum(values, cohort, pair_keys=keys, dropouts=gone)
    left = [name for name in cohort.clients if name not in ("c00", "c03")]
    assert (done.total == plain(values, left, bits)).all()
    assert done.dropped == ("c03",)
    assert done.key_bits == 256 * 36


def test_floats_there_and_back():
    """Ten clients' weighted sum is within the grid's bound of the exact one."""
    rng = np.random.default_rng(4)
    grid = Grid(clip=1.0, levels=2**16, clients=10, max_weight=50)
    cohort = Cohort.complete(names(10), threshold=6, modulus_bits=grid.modulus_bits)
    floats = {name: rng.normal(0, 0.3, 40) for name in cohort.clients}
    weights = {name: int(rng.integers(1, 51)) for name in cohort.clients}
    values = {
        name: grid.residues(grid.quantise(floats[name], rng=rng, weight=weights[name]))
        for name in cohort.clients
    }
    done = masked_sum(values, cohort, pair_keys=kem_pair_keys(cohort.edges))
    wanted = sum(weights[name] * np.clip(floats[name], -1, 1) for name in cohort.clients)
    found = grid.values(grid.centred(done.total))
    assert np.abs(found - wanted).max() <= grid.error_bound(sum(weights.values()))


def test_survivors_in_two_pieces_abort():
    """A ring of eight loses two opposite clients: two halves would show their sums."""
    ring = {f"{i}": (f"{(i - 1) % 8}", f"{(i + 1) % 8}") for i in range(8)}
    cohort = Cohort(neighbours=ring, threshold=2, modulus_bits=16)
    rng = np.random.default_rng(0)
    gone = Dropouts(before_upload=frozenset(["0", "4"]))
    with pytest.raises(CohortError, match="hang together"):
        masked_sum(vectors(cohort, rng), cohort, pair_keys=keys_for(cohort, rng), dropouts=gone)


def test_qkd_pools_pay_256_bits_per_edge_or_nothing():
    cohort = Cohort.complete("abc", threshold=2, modulus_bits=16)
    pools = {edge: KeyPool(edge, run="cell", capacity_bits=4096) for edge in cohort.edges}
    for index, (edge, pool) in enumerate(pools.items()):
        material = bytes([index]) * (32 if edge == ("b", "c") else 64)
        pool.produce({end: Secret(material) for end in edge})
    rng = np.random.default_rng(0)
    values = vectors(cohort, rng)
    done = masked_sum(values, cohort, pair_keys=pool_pair_keys(cohort.edges, pools))
    assert (done.total == plain(values, cohort.clients, 16)).all()
    spent = sum(pool.ledger.account.consumed for pool in pools.values())
    assert spent == done.key_bits == 768
    with pytest.raises(KeyExhaustedError, match="nothing was spent"):
        pool_pair_keys(cohort.edges, pools)
    assert spent == sum(pool.ledger.account.delivered for pool in pools.values())
    with pytest.raises(ConfigError, match="no link"):
        pool_pair_keys([("a", "z")], pools)


def test_cohort_and_vectors_must_match():
    cohort = Cohort.complete("abc", threshold=2, modulus_bits=16)
    with pytest.raises(ConfigError, match="vectors of"):
        masked_sum({"a": np.zeros(1, np.uint16)}, cohort, pair_keys={})
