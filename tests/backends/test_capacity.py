"""What the list of backends says about qubits is what the backends and their frameworks say."""

import re
from contextlib import nullcontext

import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import capacity, get_backend, snapshots
from qfl.backends.traits import TRAITS, qubits
from qfl.core.errors import CapacityError
from qfl.simulators import hypercube, memory, pauli, subspace


def numbers(text):
    return [int(each) for each in re.findall(r"\d+", text)]


@pytest.mark.parametrize("gibibytes", [2, 16])
def test_exact_backends_hold_what_is_listed_and_no_more(monkeypatch, gibibytes):
    for module in (memory, hypercube, subspace):
        monkeypatch.setattr(module, "free_bytes", lambda device="cpu": gibibytes << 30)
    (most,) = numbers(capacity.statevector())
    assert most == {2: 24, 16: 27}[gibibytes]
    few, five, half = numbers(capacity.subspace())
    assert five == 5
    for name, n, ones in (("statevector", most, 0), ("subspace", few, 5), ("subspace", half, None)):
        for size, fits in ((n, True), (n + 1, False)):
            chosen = size // 2 if ones is None else ones
            blocks = ((tuple(range(size)), chosen),) if name == "subspace" else ()
            zeros = np.zeros((size, size))
            mixer = "xy_ring" if blocks else "x"
            ansatz = QaoaAnsatz(0.0, zeros[0], zeros, mixer, 1, blocks)
            with nullcontext() if fits else pytest.raises(CapacityError):
                get_backend(name).check_size(ansatz)


def test_aer_holds_what_it_says_itself():
    said = [
        get_backend("aer", method=method).capabilities.max_qubits
        for method in ("statevector", "density_matrix", "matrix_product_state")
    ]
    assert numbers(capacity.aer()) == said


def test_braket_holds_what_it_says_itself():
    pytest.importorskip("braket.aws")
    (listed,) = [each for each in TRAITS if each.name == "braket:local"]
    assert numbers(qubits(listed)) == [get_backend("braket:local").capabilities.max_qubits]


def test_snapshots_have_as_many_qubits_as_is_stored(monkeypatch):
    known = capacity.snapshot_qubits()
    assert len(known) > 50
    for name in ("fake_manila", "fake_fez", "fake_nighthawk"):
        assert known[name] == snapshots.snapshot(name).num_qubits
    assert set(known) == set(snapshots._classes())
    for module in (memory, pauli):
        monkeypatch.setattr(module, "free_bytes", lambda device="cpu": 1 << 30)
    *sizes, held = numbers(capacity.snapshots())
    assert sizes == [min(known.values()), max(known.values())]
    assert held == pauli.most_qubits() == get_backend("aer:fake_fez").capabilities.max_qubits
    assert numbers(capacity.ibm())[-1] == max(known.values())


def test_pennylane_and_readout_say_their_numbers(monkeypatch):
    monkeypatch.setattr(capacity, "free_bytes", lambda device="cpu": 16 << 30)
    assert numbers(capacity.pennylane()) == [28, 14]
    wrapped = get_backend("mitigation:readout", backend="aer:fake_fez")
    assert numbers(capacity.readout()) == [16]
    assert wrapped.capabilities.max_qubits <= 16


def test_without_the_extra_the_list_says_less(monkeypatch):
    monkeypatch.setattr(capacity, "snapshot_qubits", dict)
    assert capacity.ibm() == "the machine's"
    assert capacity.snapshots().startswith("the device's (qfl list snapshots); ")
