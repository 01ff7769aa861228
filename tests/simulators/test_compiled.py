"""The kernels and the array form against each other, over the shapes that blocks produce."""

from math import comb

import numpy as np
import pytest

from qfl.simulators.arrays import on_host, on_torch
from qfl.simulators.compiled import CompiledOperations

SHAPES = [(outer, n, k, columns) for outer, columns in ((1, 1), (3, 1), (1, 5), (2, 3))
          for n, k in ((1, 1), (5, 1), (5, 2), (6, 3), (8, 4), (9, 3))]  # fmt: skip


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


def test_phases_of_large_angles_are_exact_to_rounding():
    rng = np.random.default_rng(0)
    costs = rng.normal(scale=1e4, size=4096)
    psi = np.ones((4096, 1), dtype=complex)
    CompiledOperations().turn(psi, costs, np.array([1.0]))
    np.testing.assert_allclose(psi[:, 0], np.exp(-1j * costs), atol=1e-15)
