"""The exact engines against their peers, their growth, their memory and the memory bandwidth.

Peers run in their default (double) precision and with their default threads; one angle set runs in
one thread here. Instances are dense selections; angles follow a linear ramp.
"""

import subprocess
import sys
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from circuits.qaoa import QaoaAnsatz, circuit
from qfl.backends import get_backend
from qfl.simulators import evolution
from qfl.simulators.arrays import removed
from qfl.simulators.ladder import eigenvalues, leja
from qfl.simulators.operations import threads


def selection(n, k, depth, mixer="xy_complete"):
    rng = np.random.default_rng(n)
    blocks = () if mixer == "x" else ((tuple(range(n)), k),)
    overlap = np.triu(0.3 * rng.random((n, n)), 1)
    return QaoaAnsatz(0.0, -rng.random(n), overlap, mixer, depth, blocks)


def ramp(depth, gamma=0.6, beta=0.15):
    rise = np.arange(1, depth + 1) / depth
    return np.array([gamma * rise, -beta * (1 + 1 / depth - rise)])


def compiled(n, k, depth, **options):
    return get_backend("subspace", **options).compile(selection(n, k, depth))


def full_space(precision="double", n=20, depth=4):
    ansatz = selection(n, 0, depth, mixer="x")
    return get_backend("statevector", precision=precision).compile(ansatz)


class ScipyPolynomial:
    """The complete XY mixer as published: k sparse products with A^T A per layer, in scipy."""

    def __init__(self, n, k, costs):
        table = removed(n, k)  # rank of every subset without its j-th element
        columns = np.broadcast_to(np.arange(comb(n, k)), table.shape)
        entries = np.ones(table.size), (table.ravel(), columns.ravel())
        self.lower = csr_matrix(entries, shape=(comb(n, k - 1), comb(n, k)))
        self.lift, self.costs = self.lower.T.tocsr(), costs
        self.nodes, self.k = leja(eigenvalues(n, k)), k

    def expectation(self, angles):
        psi = np.full(len(self.costs), len(self.costs) ** -0.5, dtype=complex)
        for gamma, beta in angles.T:
            psi = self.mix(np.exp(-1j * gamma * self.costs) * psi, beta)
        return self.costs @ np.abs(psi) ** 2

    def mix(self, psi, beta):
        differences = np.exp(-1j * beta * self.nodes)
        for j in range(1, self.k + 1):
            gaps = self.nodes[j:] - self.nodes[: self.k + 1 - j]
            differences[j:] = (differences[j:] - differences[j - 1 : -1]) / gaps
        out = differences[0] * psi
        for node, difference in zip(self.nodes[:-1], differences[1:], strict=True):
            psi = self.lift @ (self.lower @ psi) - node * psi
            out += difference * psi
        return out


def test_complete_xy_against_lightning(benchmark, report):
    pytest.importorskip("pennylane")
    ours, angles = compiled(20, 5, 4), ramp(4)
    peer = get_backend("pennylane:lightning.qubit").compile(selection(20, 0, 4, mixer="x"))
    benchmark(ours.expectation, angles)
    (few,) = report.medians(lambda: ours.expectation(angles), rounds=50)
    (many,) = report.medians(lambda: peer.expectation(angles), rounds=3)
    what = "lightning.qubit (X mixer, 2^20) / complete XY, n=20 k=5 depth 4"
    report.ratio(what, many / few, at_least=150)


def test_complete_xy_against_the_polynomial_in_scipy(benchmark, report):
    ours, angles = compiled(40, 5, 4), ramp(4)
    peer = ScipyPolynomial(40, 5, ours.engine.table)
    assert peer.expectation(angles) == pytest.approx(float(ours.expectation(angles)), abs=1e-10)
    benchmark(ours.expectation, angles)
    few, many = report.medians(
        lambda: ours.expectation(angles), lambda: peer.expectation(angles), rounds=3
    )
    report.ratio("polynomial in scipy CSR / complete XY, n=40 k=5 depth 4", many / few, at_least=4)


def test_growth_and_set_up(benchmark, report):
    small, large, angles = compiled(20, 5, 4), compiled(40, 5, 4), ramp(4)
    benchmark(large.expectation, angles)
    little, much, set_up = report.medians(
        lambda: small.expectation(angles),
        lambda: large.expectation(angles),
        lambda: compiled(40, 5, 4),
        rounds=25,
    )
    states = comb(40, 5) / comb(20, 5)
    report.ratio(f"n=40 k=5 / n=20 k=5, depth 4 (states: {states:.0f}x)", much / little, at_most=45)
    report.ratio("set-up / evaluation, n=40 k=5 depth 4", set_up / much, at_most=2)


MOST = """
import resource, sys
sys.path[:0] = [{here!r}]
import test_engine as bench
from conftest import medians
few, many = bench.compiled(40, 5, 1), bench.compiled(30, 10, 1)
angles = bench.ramp(1)
print(*medians(lambda: few.expectation(angles), lambda: many.expectation(angles), rounds=5))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_thirty_million_states(benchmark, report):
    script = MOST.format(here=str(Path(__file__).parent))
    few, many, kibibytes = benchmark.pedantic(lambda: answers(script), rounds=1)
    each = [few / comb(40, 5) / 5, many / comb(30, 10) / 10]
    report.ratio("GiB at the peak, n=30 k=10 (30,045,015 states)", kibibytes / 2**20, at_most=6)
    what = f"time per state and k, n=30 k=10 ({many:.2f} s) / n=40 k=5"
    report.ratio(what, each[1] / each[0], at_most=2)


@pytest.mark.parametrize("depth", [1, 4, 20])
@pytest.mark.parametrize("engine", ["complete XY n=20 k=5", "complete XY n=40 k=5", "X n=20"])
def test_gradient_over_value(benchmark, report, engine, depth):
    if engine.startswith("X"):
        ours = full_space(n=20, depth=depth)
    else:
        ours = compiled(40 if "40" in engine else 20, 5, depth)
    angles = ramp(depth)
    benchmark.pedantic(ours.value_and_gradient, (angles,), rounds=3, warmup_rounds=1)
    value, both = report.medians(
        lambda: ours.expectation(angles), lambda: ours.value_and_gradient(angles), rounds=15
    )
    what = f"value and gradient / value, {engine} depth {depth}"
    report.ratio(what, both / value, at_most=4)


def raw_lightning(ansatz, angles, table):
    """Return a call of PennyLane alone: gates listed before, probabilities times the costs."""
    qml = pytest.importorskip("pennylane")
    from circuits.lowering.pennylane import to_pennylane

    device = qml.device("lightning.qubit", wires=ansatz.n)
    measured = [qml.probs(wires=range(ansatz.n)[::-1])]
    script = qml.tape.QuantumScript(to_pennylane(circuit(ansatz), angles.ravel()), measured)
    return lambda: qml.execute([script], device, diff_method=None)[0] @ table


def raw_aer(ansatz, angles, table):
    """Return a call of Aer alone: a bound circuit, its state, probabilities times the costs."""
    aer = pytest.importorskip("qiskit_aer")
    from circuits.lowering.qiskit import to_qiskit

    bound = to_qiskit(circuit(ansatz).bind(angles.ravel()))
    bound.remove_final_measurements()
    bound.save_statevector()
    simulator = aer.AerSimulator(method="statevector")

    def value():
        state = np.asarray(simulator.run(bound, shots=1).result().get_statevector())
        return np.abs(state) ** 2 @ table

    return value


PEERS = {"lightning.qubit": raw_lightning, "Aer": raw_aer}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(("precision", "bar"), [("single", 6), ("double", 4)])
def test_full_space(benchmark, report, precision, bar, peer):
    """Peers run without our adapters and in double precision, which is their default."""
    ours, angles = full_space(precision), ramp(4)
    other = PEERS[peer](selection(20, 0, 4, mixer="x"), angles, ours.engine.table)
    assert float(other()) == pytest.approx(float(ours.expectation(angles)), abs=1e-4)
    benchmark.pedantic(ours.expectation, (angles,), rounds=5, warmup_rounds=1)
    few, many = report.medians(lambda: ours.expectation(angles), other, rounds=5)
    what = f"{peer} in double / X mixer in {precision} precision, n=20 depth 4"
    report.ratio(what, many / few, at_least=bar)


@pytest.mark.parametrize("engine", ["complete XY k=4", "complete XY k=8", "X"])
def test_a_batch_against_a_loop(benchmark, report, engine):
    """Under X eight angle sets share every row, so that the lowest qubits vectorise too; the rest
    of the ratio is the threads. A layer on 1 MiB per angle set needs a multiply-add per float and
    qubit, as many for the phases (32 per amplitude), and goes three times there and back.
    """
    ours = full_space(n=16) if engine == "X" else compiled(16, int(engine[-1]), 4)
    angles = np.random.default_rng(0).normal(scale=0.2, size=(64, 2, 4))
    benchmark.pedantic(ours.expectation, (angles,), rounds=3, warmup_rounds=1)
    batch, loop = report.medians(
        lambda: ours.expectation(angles), lambda: [ours.expectation(one) for one in angles]
    )
    what = f"64 calls / one batch of 64, n=16 depth 4, {engine}, {threads()} threads"
    report.ratio(what, loop / batch, at_least=3)
    if engine == "X":
        moved, turned = 64 * 4 * 3 * (1 << 21), 64 * 4 * 2 * 16 * (1 << 17)
        report.note(
            f"   us per angle set: {batch / 64e-6:.0f} in a batch, {loop / 64e-6:.0f} alone",
            f"{moved / batch / 1e9:.0f} GB/s, {turned / batch / 1e9:.0f} Gfma/s",
        )


@pytest.mark.parametrize(("n", "k"), [(40, 5), (26, 8)])
def test_bandwidth(benchmark, report, n, k):
    """Bytes that a layer must move if every pass streams its operands once, over its time."""
    source = np.ones(1 << 25)
    target = np.empty_like(source)
    engine, angles = compiled(n, k, 1).engine, ramp(1)[None]
    psi = evolution.evolve(engine, angles)
    (layer,) = engine.layers(angles[:, 1].T)

    def one_layer():
        engine.operations.turn(psi, engine.costs, angles[:, 0, 0])
        engine.mix(psi, layer)

    benchmark.pedantic(one_layer, rounds=3, warmup_rounds=1)
    copy, taken = report.medians(lambda: np.copyto(target, source), one_layer, rounds=9)
    ((_, plan),) = layer[0].shares
    weights = range(k, k - len(plan.ladder), -1)
    moved = 40 * comb(n, k) + sum(48 * (comb(n, j) + comb(n, j - 1)) for j in weights)
    reached, limit = moved / taken / 1e9, 2 * source.nbytes / copy / 1e9
    report.note(
        f"a layer moves {moved / 1e6:.0f} MB, n={n} k={k}; a copy reaches {limit:.1f} GB/s",
        f"{reached:.1f} GB/s ({reached / limit:.0%})",
    )


FIRST = """
import sys, time
sys.path[:0] = [{here!r}]
from numba import njit
import test_engine as bench
njit(lambda x: x)(1)  # the compiler itself
started = time.process_time()
ours, angles = {case}
ours.expectation(angles)
print(time.process_time() - started)
ours.value_and_gradient(angles)
print(time.process_time() - started)
"""
CASES = {
    "complete XY": "bench.compiled(12, 4, 2), bench.ramp(2)",
    "X": "bench.full_space(n=12, depth=2), bench.ramp(2)",
    "a batch under X": "bench.full_space(n=12, depth=2), [bench.ramp(2)] * 8",
    "a batch under X and one more": "bench.full_space(n=12, depth=2), [bench.ramp(2)] * 65",
}


@pytest.mark.parametrize("case", CASES)
def test_first_use_compiles(benchmark, report, tmp_path, monkeypatch, case):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    script = FIRST.format(here=str(Path(__file__).parent), case=CASES[case])
    value, gradient = benchmark.pedantic(lambda: answers(script), rounds=1)
    cached, _ = answers(script)
    what = f"CPU seconds until the first value, kernels compiled, {case}"
    report.ratio(what, value, at_most=2)
    report.ratio("   until its gradient", gradient, at_most=2)
    report.note("   until a first value from the cache", f"{cached:.2f} s")


def answers(script):
    """Return the numbers that a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]
