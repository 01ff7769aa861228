"""What a device said of itself is on disk as soon as a circuit was compiled on it."""

import json

import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.solvers.exact import Exact
from qfl.solvers.qaoa import Qaoa
from qfl.study.calibrated import Calibrated, with_calibrations
from qfl.study.ledger import Ledger

ANSATZ = QaoaAnsatz(0.0, -np.ones(3), np.triu(np.ones((3, 3)), 1), mixer="x", depth=1)


def kept(folder):
    return {p.stem: json.loads(p.read_text()) for p in folder.glob("calibration/*.json")}


def test_a_snapshot_leaves_one_record_however_often_it_compiles(tmp_path):
    pytest.importorskip("qiskit_aer")
    inner = get_backend("aer:fake_manila")
    backend = Calibrated(inner, Ledger(tmp_path))
    compiled = [backend.compile(ANSATZ) for _ in range(2)]
    [record] = kept(tmp_path).values()
    assert record["device"] == "fake_manila"
    for each in compiled:
        [said] = each.execution().calibrations
        assert json.loads(json.dumps(said)) == record
    assert backend.capabilities == inner.capabilities


def test_a_backend_without_a_device_leaves_nothing_and_computes_the_same(tmp_path):
    inner = get_backend("statevector")
    angles = np.full((2, 1), 0.3)
    found = Calibrated(inner, Ledger(tmp_path)).compile(ANSATZ).expectation(angles)
    assert found == inner.compile(ANSATZ).expectation(angles)
    assert kept(tmp_path) == {}


def test_solvers_that_name_a_backend_are_wrapped_and_others_are_not(tmp_path):
    plain = Exact()
    assert with_calibrations(plain, tmp_path) is plain
    wrapped = with_calibrations(Qaoa(shots=8, backend="statevector"), tmp_path)
    assert isinstance(wrapped.backend, Calibrated)
    assert wrapped.shots == 8
