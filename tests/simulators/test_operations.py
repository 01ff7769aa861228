"""The kernels and the array form against each other, over the shapes that blocks produce."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.core.errors import BackendError, ConfigError
from qfl.simulators.operations import operations, threads

SMALL = QaoaAnsatz(0.0, np.arange(6.0), np.zeros((6, 6)), "xy_complete", 1, ((tuple(range(6)), 3),))


def test_an_unknown_device_and_a_missing_gpu_are_refused():
    with pytest.raises(ConfigError, match="device must be 'cpu' or 'cuda', got 'tpu'"):
        operations("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(BackendError, match="torch sees no GPU; use device 'cpu'"):
            operations("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch sees")
@pytest.mark.parametrize("name", ["subspace", "statevector"])
def test_the_gpu_gives_the_same_values(name):
    angles = np.random.default_rng(1).normal(scale=0.3, size=(4, 2, 1))
    found = [get_backend(name, device=device).compile(SMALL) for device in ("cpu", "cuda")]
    one, two = (compiled.value_and_gradient(angles) for compiled in found)
    np.testing.assert_allclose(one[0], two[0], atol=1e-12)
    np.testing.assert_allclose(one[1], two[1], atol=1e-10)


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import numpy as np
from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.simulators.operations import operations, threads

assert type(operations()).__name__ == "ArrayOperations" and threads() == 1
blocks = ((tuple(range(6)), 3),)
ansatz = QaoaAnsatz(0.0, np.arange(6.0), np.zeros((6, 6)), "xy_complete", 1, blocks)
print(get_backend("subspace").compile(ansatz).expectation([[0.3], [-0.2]]))
"""


def test_everything_works_without_numba():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=True
    )
    expected = get_backend("subspace").compile(SMALL).expectation([[0.3], [-0.2]])
    assert float(done.stdout) == pytest.approx(float(expected), abs=1e-12)


WITHOUT_COMPILER = """
import numpy as np
from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.simulators.operations import operations

assert type(operations()).__name__ == "ArrayOperations"
x = get_backend("statevector").compile(QaoaAnsatz(0.0, np.arange(3.0), np.zeros((3, 3)), "x", 1))
one, batch = [[0.3], [-0.2]], [[[0.3], [-0.2]]] * 8
print(*x.value_and_gradient(one)[1].ravel(), *x.value_and_gradient(batch)[1][7].ravel())
"""


def test_everything_works_where_numba_may_not_compile():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_COMPILER],
        capture_output=True, text=True, check=True, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    ansatz = QaoaAnsatz(0.0, np.arange(3.0), np.zeros((3, 3)), "x", 1)
    _, expected = get_backend("statevector").compile(ansatz).value_and_gradient([[0.3], [-0.2]])
    found = [float(word) for word in done.stdout.split()]
    np.testing.assert_allclose(found, np.tile(expected.ravel(), 2), atol=1e-12)


def test_threads_follow_the_setting_of_numba(monkeypatch):
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 3)
    assert threads() == 3
