import re
import warnings

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import Statevector

from circuits.basis import to_basis
from circuits.lowering.openqasm3 import to_openqasm3
from circuits.qaoa import MIXERS, SUMS, circuit
from circuits.spec import CircuitSpec, Gate


def parse(text):
    """Return the circuit that Qiskit's own reader makes of a program of standard gates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qasm3.ExperimentalWarning)
        return qasm3.loads_experimental(text)


def expand(text):
    """Return the program with its gate definitions written out, which that reader cannot do."""
    pattern = re.compile(r"^gate (\w+)\(t\) q0, q1 \{ (.*) \}\n", re.M)
    for name, body in pattern.findall(text):

        def written_out(call, body=body):
            angle, first, second = call.groups()
            body = re.sub(r"([\d.-]+)\*t", lambda m: repr(float(m[1]) * float(angle)), body)
            return re.sub(r"q0\b", first, body).replace("q1", second)

        calls = rf"^{name}\(([^)]*)\) (q\[\d+\]), (q\[\d+\]);"
        text = re.sub(calls, written_out, text, flags=re.M)
    return pattern.sub("", text)


@pytest.mark.parametrize("mixer", [mixer for mixer in MIXERS if mixer not in SUMS])
def test_a_reader_gets_the_same_state(mixer, oracle):
    rng = np.random.default_rng(6)
    ansatz = oracle.random_ansatz(mixer, 5, rng)
    angles = rng.normal(size=(2, 2))
    spec = circuit(ansatz).bind(angles.ravel())
    wanted = oracle.qaoa_state(ansatz, angles)
    for text in (expand(to_openqasm3(spec)), to_openqasm3(to_basis(spec))):
        read = parse(text)
        assert read.num_clbits == 5
        read.remove_final_measurements()
        assert oracle.distance(Statevector(read).data, wanted) < 1e-10


def test_pair_rotations_keep_their_name(oracle):
    text = to_openqasm3(circuit(oracle.random_ansatz("xy_ring", 3, np.random.default_rng(0))))
    assert "gate rzz(t) q0, q1 { cx q0, q1; rz(1.0*t) q1; cx q0, q1; }" in text
    assert re.search(r"^rzz\(\S+\*gamma_2\) q\[0\], q\[1\];$", text, re.M)
    assert text.count("input float[64]") == 4
    assert "\ngate" not in to_openqasm3(CircuitSpec(1, (Gate("h", (0,)),)))


def test_columns_become_classical_bits():
    text = to_openqasm3(CircuitSpec(3, (Gate("x", (2,)),), measured=(2, 0)))
    assert text.endswith("bit[2] c;\nx q[2];\nc[0] = measure q[2];\nc[1] = measure q[0];\n")
