"""Both kinds of masked sums look alike: the plain sum of signed integers, whoever is left."""

import numpy as np
import pytest

from qfl.core.errors import CohortError
from qfl.security.mesh import Mesh
from qfl.security.parties import OneTimePads, Shape, Streams
from qfl.security.qkd import Block, FibreLink

NAMES = ("a", "b", "c", "d", "e")


def shape(threshold=4, length=6):
    return Shape(
        clients=NAMES, length=length, modulus_bits=20, threshold=threshold, run="cell", round=1
    )


def mesh():
    fibres = {name: FibreLink(length_km=5.0) for name in NAMES}
    return Mesh(fibres, run="cell", block=Block(pulses=10**8))


def streams(**options):
    rng = np.random.default_rng(0)
    return Streams(shape(**options), neighbours=0, mesh=None, rng=rng)


def pads(naive=False, **options):
    return OneTimePads(shape(**options), mesh=mesh(), rng=np.random.default_rng(0), naive=naive)


KINDS = {"streams": streams, "pads": pads, "naive": lambda **o: pads(naive=True, **o)}


def summed(party, senders):
    rng = np.random.default_rng(3)
    values = {name: rng.integers(-1000, 1000, 6) for name in NAMES}
    masked = {name: party.mask(name, values[name]) for name in NAMES}
    for name in senders:
        party.collect(name, masked[name])
    return values, masked, party.finish()


@pytest.mark.parametrize("kind", KINDS)
def test_the_sum_of_all_is_the_plain_sum_with_its_signs(kind):
    values, masked, done = summed(KINDS[kind](threshold=5), NAMES)
    assert done.total.tolist() == sum(values.values()).tolist()
    assert done.survivors == NAMES
    assert all((masked[name] != values[name] % 2**20).any() for name in NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_who_drops_out_is_in_neither_the_sum_nor_the_survivors(kind):
    values, _, done = summed(KINDS[kind](), NAMES[:4])
    assert done.total.tolist() == sum(values[name] for name in NAMES[:4]).tolist()
    assert set(done.survivors) == set(NAMES[:4])


@pytest.mark.parametrize("kind", KINDS)
def test_below_the_threshold_nothing_is_opened(kind):
    with pytest.raises(CohortError):
        summed(KINDS[kind](), NAMES[:3])


def test_streams_take_a_key_per_pair_whatever_the_length_and_pads_grow_with_it():
    assert streams().key_bits == streams(length=600).key_bits == 10 * 256
    assert pads(length=600).key_bits > 50 * pads().key_bits
