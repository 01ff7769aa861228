"""The kernels and the array form against each other, over the shapes that blocks produce."""

import os
import subprocess
import sys
from math import comb

import numba
import numpy as np
import pytest
import torch

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.core.errors import BackendError, ConfigError
from qfl.simulators.arrays import added, on_host, on_torch, removed
from qfl.simulators.compiled import CompiledOperations
from qfl.simulators.operations import operations, threads

SHAPES = [(outer, n, k, columns) for outer, columns in ((1, 1), (3, 1), (1, 5), (2, 3))
          for n, k in ((1, 1), (5, 1), (5, 2), (6, 3), (8, 4), (9, 3))]  # fmt: skip
SMALL = QaoaAnsatz(0.0, np.arange(6.0), np.zeros((6, 6)), "xy_complete", 1, ((tuple(range(6)), 3),))
OTHERS = {"numpy": on_host(), "torch": on_torch("cpu")}


def random_states(rng, *shape, dtype=np.complex128):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(("outer", "n", "k", "columns"), SHAPES)
def test_both_forms_lower_lift_and_rotate_alike(outer, n, k, columns, other):
    rng, use, kernels = np.random.default_rng(n + k), OTHERS[other], CompiledOperations()
    psi = random_states(rng, outer, comb(n, k), columns)
    w = random_states(rng, outer, comb(n, k - 1), columns)
    found = use.host(use.lower(use.array(psi.copy()), n, k))
    np.testing.assert_allclose(kernels.lower(psi, n, k), found, atol=1e-13)
    used = np.full_like(w, np.nan)  # an array of an earlier call
    np.testing.assert_allclose(kernels.lower(psi, n, k, used), found, atol=1e-13)
    lifted = [psi.copy(), psi.copy()]
    kernels.lift(w, lifted[0], n, k)
    use.lift(use.array(w), use.array(lifted[1]), n, k)
    np.testing.assert_allclose(*lifted, atol=1e-13)
    angles = rng.normal(size=columns)
    for a in range(n):
        for b in range(a + 1, n):
            pairs = [np.stack([psi, 1j * psi[::-1] + w.sum()]) for _ in range(2)]
            one = kernels.rotate_back(pairs[0], n, k, (a, b), angles)
            two = use.rotate_back(use.array(pairs[1]), n, k, (a, b), angles)
            np.testing.assert_allclose(one, two, atol=1e-11)
            np.testing.assert_allclose(*pairs, atol=1e-13)
            kernels.rotate(pairs[0][0], n, k, (a, b), angles)
            np.testing.assert_allclose(pairs[0][0], psi, atol=1e-13)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (5, 1), (5, 7), (11, 3), (15, 1)])
def test_both_forms_turn_and_measure_alike(n, columns, dtype, other):
    rng, use, kernels = np.random.default_rng(n), OTHERS[other], CompiledOperations()
    tolerance = 1e-12 if dtype == np.complex128 else 2e-5
    psi = random_states(rng, 2**n, columns, dtype=dtype) / 2 ** (n / 2)
    costs, angles = rng.normal(size=2**n), rng.normal(size=columns)
    pairs = [form.array(np.stack([psi, psi])) for form in (kernels, use)]
    for form, pair in zip((kernels, use), pairs, strict=True):
        form.weigh(pair, costs[:, None])
    steps = {
        "last": lambda form, pair: form.turn_back(pair, form.array(costs), angles, last=True),
        "turn": lambda form, pair: form.turn(pair[1], form.array(costs), angles),
        "turn_back": lambda form, pair: form.turn_back(pair, form.array(costs), angles),
        "means": lambda form, pair: form.means(pair[0], form.array(costs)),
        "densities": lambda form, pair: form.densities(pair[1]),
    }
    for name, step in steps.items():
        one, two = step(kernels, pairs[0]), step(use, pairs[1])
        if one is not None:
            np.testing.assert_allclose(one, two, atol=tolerance, err_msg=name)
        np.testing.assert_allclose(pairs[0], use.host(pairs[1]), atol=tolerance, err_msg=name)


def test_lift_is_the_transpose_of_lower_and_their_product_counts_common_subsets():
    n, k, use = 7, 3, on_host()
    lower = use.lower(np.eye(comb(n, k))[None], n, k)[0]  # (smaller, subsets)
    lift = np.zeros((1, comb(n, k), comb(n, k - 1)))
    use.lift(np.eye(comb(n, k - 1))[None], lift, n, k)
    assert np.array_equal(lift[0], lower.T)
    assert (lower.T @ lower).diagonal().tolist() == [k] * comb(n, k)
    assert removed(n, k).shape == (k, comb(n, k))
    assert added(n, k).shape == (n - k + 1, comb(n, k - 1))


def test_phases_of_large_angles_are_exact_to_rounding():
    rng = np.random.default_rng(0)
    costs = rng.normal(scale=1e4, size=4096)
    psi = np.ones((4096, 1), dtype=complex)
    CompiledOperations().turn(psi, costs, np.array([1.0]))
    np.testing.assert_allclose(psi[:, 0], np.exp(-1j * costs), atol=1e-15)


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
