"""Throughput of the channel: sessions, Cascade, Toeplitz hashing, seal + open."""

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.update import Update
from qfl.security.channel import Sealed
from qfl.security.keys import Secret
from qfl.security.primitives.aead import open_bytes, seal_bytes
from qfl.security.qkd import FibreLink, Protocol, run_pulse_session, run_session
from qfl.security.qkd.cascade import reconcile
from qfl.security.qkd.toeplitz import toeplitz_hash


def test_session_of_3000_sifted_bits(benchmark):
    """Bar: 5 ms for at least 512 secret bits."""
    rng = np.random.default_rng(0)
    link, protocol = FibreLink(length_km=15), Protocol()
    benchmark(lambda: run_session(link, protocol=protocol, rng=rng))


def test_session_of_a_million_sifted_bits(benchmark):
    """Bar: 5 s."""
    rng = np.random.default_rng(0)
    link, protocol = FibreLink(length_km=15), Protocol(sifted_bits=1_000_000)
    session = benchmark.pedantic(
        lambda: run_session(link, protocol=protocol, rng=rng), rounds=1, iterations=1
    )
    assert session.keys[0] == session.keys[1]


def test_cascade_original_ten_thousand_bits_at_three_percent(benchmark):
    """Bar: 20 ms."""
    rng = np.random.default_rng(0)
    alice = rng.integers(0, 2, 10_000, dtype=np.uint8)
    bob = alice ^ (rng.random(10_000) < 0.03)
    benchmark(lambda: reconcile(alice, bob, qber=0.03, rng=rng, variant="original"))


def test_toeplitz_of_a_million_bits(benchmark):
    rng = np.random.default_rng(0)
    n, m = 1_000_000, 500_000
    bits = rng.integers(0, 2, n, dtype=np.uint8)
    seed = rng.integers(0, 2, n + m - 1, dtype=np.uint8)
    benchmark.pedantic(lambda: toeplitz_hash(bits, seed, length=m), rounds=3, iterations=1)


@pytest.mark.parametrize("kilobytes", [8, 38_000])
def test_seal_and_open_bytes(benchmark, kilobytes):
    """Bar: 1 GB/s at 38 MB."""
    payload, key = bytes(1000 * kilobytes), Secret(bytes(32))

    def there_and_back():
        sealed = seal_bytes(key, payload, associated_data=b"header", lane=1)
        return open_bytes(key, sealed, associated_data=b"header", lane=1)

    assert benchmark(there_and_back) == payload
    benchmark.extra_info["bytes_per_second"] = len(payload) / benchmark.stats["mean"]


def test_exchange_seal_open_of_a_small_update(benchmark):
    """One participation in one round: a session, one message down, one up."""
    rng = np.random.default_rng(0)
    config = Sealed()
    channel = config.connect(config.links(["c"], rng=rng), run="cell")
    tensors = {"weight": np.ones((64, 64), np.float32)}
    update = Update({"head:digit": tensors}, {"head:digit": 1})
    rounds = iter(range(10**9))

    def participate():
        number = next(rounds)
        if channel.exchange("c", round=number, rng=rng).aborted:
            return
        for sender, receiver, way in (
            ("server", "c", Direction.DOWN),
            ("c", "server", Direction.UP),
        ):
            header = Header("cell", number, sender, receiver, way, update.schema)
            channel.open(channel.seal(update, header))

    benchmark(participate)


def test_ten_million_pulses_one_by_one(benchmark):
    """Bar: 0.5 s."""
    rng = np.random.default_rng(0)
    link = FibreLink(length_km=50, loss_db_per_km=0.21, detector_efficiency=0.045)
    protocol = Protocol(sifted_bits=protocol_bits(link, 10_000_000))
    benchmark.pedantic(
        lambda: run_pulse_session(link, protocol=protocol, rng=rng), rounds=3, iterations=1
    )


def protocol_bits(link, pulses):
    """Sifted bits that so many pulses are expected to give."""
    return int(1000 * pulses / Protocol(sifted_bits=1000).pulses(link))
