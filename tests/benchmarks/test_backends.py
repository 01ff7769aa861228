"""Adapters: a decision of ten clients on a snapshot, and what an adapter adds to the bare call."""

from dataclasses import replace
from time import perf_counter

import numpy as np
import pennylane as qml
import pytest
from instances import k_of_n, ramp

from circuits.lowering.pennylane import to_pennylane
from qfl.backends import get_backend
from qfl.backends.gates import angle_row

DECISION = k_of_n(10, 4, "xy_parity_ring", 1)


def timed(call):
    started = perf_counter()
    call()
    return perf_counter() - started


@pytest.mark.parametrize("line", [False, True])
def test_a_dense_decision_on_a_snapshot_second_call(report, benchmark, line):
    """1,000 shots of ten clients on 156 qubits, of another instance at other angles every time."""
    ansatz = k_of_n(10, 4, "xy_trotter", 1) if line else DECISION
    numbers = np.random.default_rng(0)

    def decide():
        other = replace(ansatz, linear=numbers.normal(size=10))
        compiled = get_backend("aer:fake_boston", line=line).compile(other)
        return compiled.sample(numbers.normal(size=(2, 1)), 1000, np.random.default_rng(0))

    first = timed(decide)
    benchmark.pedantic(decide, rounds=2)
    what = "xy_trotter on a line" if line else "xy_parity_ring"
    report.ratio(f"snapshot, 10 clients, {what}, second call, s", timed(decide), at_most=10)
    report.note(f"snapshot, 10 clients, {what}, first call, s", f"{first:.2f}")


def test_a_dense_decision_in_the_gate_count_model(report, benchmark):
    numbers = np.random.default_rng(0)

    def decide():
        other = replace(DECISION, linear=numbers.normal(size=10))
        model = get_backend("noise:depolarising", snapshot="fake_boston")
        return model.compile(other).sample(ramp(1), 1000, np.random.default_rng(0))

    decide()
    benchmark.pedantic(decide, rounds=5)
    report.ratio("gate-count model, 10 clients, second call, s", timed(decide), at_most=0.2)


def test_what_the_adapter_adds_to_a_long_circuit(report, benchmark):
    """Sixteen qubits, about a second: bind, run and read by hand against the adapter."""
    ansatz = k_of_n(16, 4, "xy_ring", 4)
    compiled = get_backend("aer").compile(ansatz)
    row = angle_row(ansatz, ramp(4))[0]
    names = dict(zip(compiled.parameters, row, strict=True))
    ready = compiled._listed

    def bare():
        binds = {parameter: [names[parameter.name]] for parameter in ready.parameters}
        found = compiled.simulator.run(ready, parameter_binds=[binds]).result()
        return found.data(0)["probabilities"] @ compiled._costs

    direct, adapter = report.medians(bare, lambda: compiled.expectation(ramp(4)), rounds=5)
    benchmark.pedantic(bare, rounds=1)
    report.ratio("aer adapter over the bare call, 16 qubits", adapter / direct, at_most=1.1)
    report.note("the bare call, s", f"{direct:.2f}")


def test_what_the_pennylane_adapter_adds_to_a_long_circuit(report, benchmark):
    """Twenty qubits on lightning.qubit: a script built before, against the adapter.

    What it adds is new operators for new angles: some 9 ms for 1,208 gates, 3 % of the run; single
    runs of a shared machine differ by more, so there are fifteen of each in turn.
    """
    ansatz = k_of_n(20, 5, "xy_ring", 4)
    compiled = get_backend("pennylane:lightning.qubit").compile(ansatz)
    operators = to_pennylane(compiled.spec, angle_row(ansatz, ramp(4))[0])
    script = qml.tape.QuantumScript(operators, [qml.probs(wires=range(20))])

    def bare():
        (found,) = qml.execute([script], compiled.device, diff_method=None)
        return found @ compiled._costs_there

    direct, adapter = report.medians(bare, lambda: compiled.expectation(ramp(4)), rounds=15)
    assert compiled.expectation(ramp(4)) == pytest.approx(bare(), abs=1e-10)
    benchmark.pedantic(bare, rounds=1)
    report.ratio("pennylane adapter over the bare call, 20 qubits", adapter / direct, at_most=1.1)
    report.note("the bare call, s", f"{direct:.2f}")
