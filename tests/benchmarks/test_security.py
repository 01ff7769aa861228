"""Throughput: sessions, Cascade, Toeplitz hashing, seal + open, masked sums, key delivery."""

import subprocess
import sys
from time import perf_counter, process_time

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.update import Update
from qfl.security.channel import Sealed
from qfl.security.keys import Secret
from qfl.security.masking import Cohort, masked_sum, neighbour_graph
from qfl.security.masking.stream import threads
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
    payload, key = bytes(1000 * kilobytes), Secret(bytes(32))

    def there_and_back():
        sealed = seal_bytes(key, payload, associated_data=b"header", lane=1)
        return open_bytes(key, sealed, associated_data=b"header", lane=1)

    assert benchmark(there_and_back) == payload
    benchmark.extra_info["bytes_per_second"] = len(payload) / benchmark.stats["mean"]


def test_seal_and_open_an_update_of_38_megabytes(report, benchmark):
    """From tensors to tensors: serialised, sealed, opened, read, schema checked."""
    rng = np.random.default_rng(0)
    config = Sealed(pool_capacity_bits=1 << 20)
    channel = config.connect(config.links(["c"], rng=rng), run="cell")
    tensors = {f"layer{i}": np.ones((1000, 950), np.float32) for i in range(10)}
    update = Update({"backbone": tensors}, {"backbone": 1})
    numbers = iter(range(10**9))

    def exchanged():
        number = next(numbers)
        while channel.exchange("c", round=number, rng=rng).aborted:
            pass
        return Header("cell", number, "c", "server", Direction.UP, update.schema)

    def there_and_back(header):
        fresh = Update(update.modules, update.samples)
        return channel.open(channel.seal(fresh, header))

    taken = [clocked(there_and_back, exchanged()) for _ in range(15)]
    best = [min(times) for times in zip(*taken, strict=True)]
    for clock, seconds in zip(("wall", "processor"), best, strict=True):
        rate = update.payload_bytes / seconds / 1e9
        report.ratio(f"seal + open of a 38 MB update, GB per {clock} second", rate, at_least=1)
    benchmark.pedantic(there_and_back, setup=lambda: ((exchanged(),), {}), rounds=5)


def clocked(call, *args):
    """Return the wall and the processor seconds of a call."""
    started = perf_counter(), process_time()
    call(*args)
    return perf_counter() - started[0], process_time() - started[1]


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


CLIENTS, LENGTH, NEIGHBOURS = [f"c{i:02d}" for i in range(100)], 1_000_000, 20


def masking_cohort():
    graph = neighbour_graph(CLIENTS, degree=NEIGHBOURS, rng=np.random.default_rng(0))
    return Cohort(neighbours=graph, threshold=12, modulus_bits=32)


class Vectors(dict):
    """The same vector for everybody: a hundred would not tell the mask arithmetic apart."""

    def __init__(self, dtype):
        super().__init__(dict.fromkeys(CLIENTS, np.arange(LENGTH, dtype=dtype)))


def masked_round(cohort):
    """Return one whole round with 256-bit seeds, sharing of secrets included."""
    rng = np.random.default_rng(1)
    keys = {name: {} for name in CLIENTS}
    for u, v in cohort.edges:
        keys[u][v] = keys[v][u] = Secret(rng.bytes(32))
    values = Vectors(np.uint32)
    return lambda: masked_sum(values, cohort, pair_keys=keys).total


def flower_round(cohort):
    """Return the mask arithmetic of Flower 1.42 (SecAgg+), without its key exchange.

    A 32-byte secret is folded to 32 bits, which seed an MT19937; masks are int64 below 2^32.
    """
    values = Vectors(np.int64)

    def mask(seed):
        twister = np.random.RandomState(seed)
        return twister.randint(0, 2**32 - 1, LENGTH, dtype=np.int64)

    def masked_vector(index, name):
        vector = values[name] + mask(index)
        for other in cohort.neighbours[name]:
            pair = 1000 + 100 * min(index, CLIENTS.index(other)) + max(index, CLIENTS.index(other))
            vector = vector + mask(pair) if name > other else vector - mask(pair)
        return vector % 2**32

    def whole_round():
        total = np.zeros(LENGTH, np.int64)
        for index, name in enumerate(CLIENTS):
            total += masked_vector(index, name)
        for index in range(len(CLIENTS)):
            total -= mask(index)
        return total % 2**32

    return whole_round


def test_masked_sum_of_a_hundred_clients(report, benchmark):
    """Taking turns with the peer on the same graph; both find the same sum."""
    cohort = masking_cohort()
    ours, flower = masked_round(cohort), flower_round(cohort)
    expected = 100 * np.arange(LENGTH) % 2**32
    assert (ours() == expected).all()
    assert (flower() == expected).all()
    taken = [(clocked(ours), clocked(flower)) for _ in range(5)]
    wall, processor = (
        float(np.median([theirs[clock] for _, theirs in taken]))
        / float(np.median([own[clock] for own, _ in taken]))
        for clock in range(2)
    )
    what = f"masked sum, 100 clients, {threads()} threads: wall time of Flower / ours"
    report.ratio(what, wall, at_least=4)
    report.note(f"   processor time of Flower, in one thread as it is / ours: {processor:.2f}", "")
    benchmark.pedantic(ours, rounds=1)


SERVICE = """
import sys
from pathlib import Path
import numpy as np
from qfl.security.keys import KeyPool, Secret, Vault
from qfl.security.kme import KeyManager
from qfl.security.kme.server import listen, server

folder, where = Path(sys.argv[1]), sys.argv[2]
vault = None if where == "in memory" else Vault(folder / "pool", synced=where != "on disk")
pool = KeyPool(("alice", "bob"), run="kme", capacity_bits=1 << 26, vault=vault)
material = np.random.default_rng(0).bytes(1 << 22)
pool.produce({end: Secret(material) for end in pool.ends})
service = server(KeyManager({pool.ends: pool}), folder=folder, port=0)
listening = listen(service)
print(listening.getsockname()[1], flush=True)
service.run(sockets=[listening])
"""


@pytest.mark.parametrize("where", ["in memory", "on disk", "on disk, synced one by one"])
def test_key_requests_over_mutual_tls(report, benchmark, tmp_path, where):
    """One SAE at a time, persistent connections, half of them enc_keys, half dec_keys.

    "on disk" is what `qfl kme serve` does; with one sync per request the disk has a word in it.
    """
    pytest.importorskip("httpx", reason="needs the extra 'kme'")
    pytest.importorskip("uvicorn", reason="needs the extra 'kme'")
    from qfl.security.kme.certificates import make_certificates
    from qfl.security.kme.client import KmeClient

    make_certificates(tmp_path, saes=["alice", "bob"])
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path), where], stdout=subprocess.PIPE, text=True
    )
    port = int(service.stdout.readline())

    def client(sae):
        return KmeClient(
            f"https://localhost:{port}",
            certificate=tmp_path / f"{sae}.pem",
            key=tmp_path / f"{sae}.key",
            authority=tmp_path / "ca.pem",
        )

    with client("alice") as alice, client("bob") as bob:

        def two_hundred_requests():
            for _ in range(100):
                [key] = alice.enc_keys("bob")
                bob.dec_keys("alice", [key.key_id])

        benchmark.pedantic(two_hundred_requests, rounds=5, iterations=1, warmup_rounds=1)
    rate = 200 / benchmark.stats["median"]
    what = f"KME over loopback mutual TLS, keys {where}, requests/s"
    if "synced" in where:
        report.note(what, f"{rate:.0f}")
    else:
        report.ratio(what, rate, at_least=500)
    service.terminate()
    service.communicate()
