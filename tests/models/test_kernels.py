"""Compiled products against sums in double precision."""

import numpy as np
import pytest

kernels = pytest.importorskip("qfl.models.kernels", reason="llvmlite is not installed")

COMPILED = {transposed: kernels.Products(transposed=transposed) for transposed in (False, True)}
SHAPES = [(8, 1, 16), (8, 5, 17), (9, 16, 31), (33, 7, 70), (64, 40, 64), (13, 300, 130)]


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def products(a, b, start, *, transposed=False, rectified=False, threads=1):
    """start + a b of numpy arrays; what lies around the result must stay as it was."""
    clients, rows, depth = a.shape
    columns = b.shape[2]
    lines, across = (columns, rows) if transposed else (rows, columns)
    around = np.full((clients, lines + 2, across), 7, np.float32)
    out = around[:, 1:-1]
    given = b.transpose(0, 2, 1).copy() if transposed else b
    room = np.full(threads * depth * columns + 8, 7, np.float32)
    COMPILED[transposed](
        *(clients, rows, depth, columns, rectified, a.ctypes.data, *a.strides),
        *(given.ctypes.data, *given.strides[:2], start.ctypes.data, start.strides[0]),
        *(out.ctypes.data, *out.strides[:2], room.ctypes.data),
        threads=threads,
    )
    assert (around[:, [0, -1]] == 7).all()
    assert (room[threads * depth * columns :] == 7).all()
    return out.transpose(0, 2, 1) if transposed else out


def exact(a, b, start):
    return a.astype(float) @ b.astype(float) + start[..., None]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("rows", "depth", "columns"), SHAPES)
def test_products_are_right_at_every_edge(rows, depth, columns, transposed):
    a, b, start = drawn(3, rows, depth), drawn(3, depth, columns, seed=1), drawn(3, rows, seed=2)
    found = products(a, b, start, transposed=transposed)
    np.testing.assert_allclose(found, exact(a, b, start), rtol=0, atol=2e-6 * depth)
    positive = products(a, b, start, transposed=transposed, rectified=True)
    np.testing.assert_array_equal(positive, np.maximum(found, 0))


def test_factors_lie_in_memory_in_any_way():
    a, b, start = drawn(2, 40, 24), drawn(2, 40, 48, seed=1), np.zeros((2, 24), np.float32)
    turned = a.transpose(0, 2, 1)
    sliced = b[:, :, 5:40]
    found = products(turned, sliced, start)
    np.testing.assert_allclose(found, exact(turned, sliced, start), rtol=0, atol=1e-4)


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("transposed", [False, True])
def test_threads_and_company_change_no_bit(threads, transposed):
    a, b, start = drawn(4, 20, 30), drawn(4, 30, 50, seed=1), drawn(4, 20, seed=2)
    found = products(a, b, start, transposed=transposed)
    shared = products(a, b, start, transposed=transposed, threads=threads)
    np.testing.assert_array_equal(shared, found)
    alone = products(a[2:3], b[2:3], start[2:3], transposed=transposed)
    np.testing.assert_array_equal(alone[0], found[2])


def test_what_is_no_number_stays_none():
    a, b, start = drawn(1, 8, 4), drawn(1, 4, 16, seed=1), np.zeros((1, 8), np.float32)
    a[0, 3, 2] = np.nan
    found = products(a, b, start, rectified=True)
    assert np.isnan(found[0, 3]).all()
    assert np.isfinite(np.delete(found[0], 3, axis=0)).all()
