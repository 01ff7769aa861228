"""Compiled products against sums in double precision."""

import numpy as np
import pytest

kernels = pytest.importorskip("qfl.models.kernels", reason="llvmlite is not installed")

SHAPES = [(4, 1, 16), (5, 5, 17), (9, 16, 31), (33, 7, 70), (64, 40, 64), (13, 300, 130)]


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def product(a, b, start, *, turned=False, rectified=False, mask=None):
    """The words of the link start + a b of numpy arrays, and its result inside a larger array."""
    clients, rows, depth = a.shape
    columns = b.shape[2]
    lines, across = (columns, rows) if turned else (rows, columns)
    around = np.full((clients, lines + 2, across), 7, np.float32)
    out = around[:, 1:-1]
    given = b.transpose(0, 2, 1).copy() if turned else b
    ones = np.ones(columns, np.float32)
    masked = (ones.ctypes.data, 0, 0) if mask is None else (mask.ctypes.data, *mask.strides[:2])
    link = (
        *(kernels.TURNED if turned else kernels.PLAIN, rows, depth, columns, rectified),
        *(a.ctypes.data, *a.strides, given.ctypes.data, *given.strides[:2]),
        *(start.ctypes.data, start.strides[0], out.ctypes.data, *out.strides[:2], *masked),
    )
    return link, around, (given, ones)


def products(a, b, start, *, threads=1, turned=False, **options):
    """start + a b; what lies around the result and the room must stay as it was."""
    link, around, _kept = product(a, b, start, turned=turned, **options)
    size = b[0].size
    room = np.full(threads * size + 8, 7, np.float32)
    kernels.run(len(a), link, room=room.ctypes.data, room_of_a_thread=4 * size, threads=threads)
    assert (around[:, [0, -1]] == 7).all()
    assert (room[threads * size :] == 7).all()
    out = around[:, 1:-1]
    return out.transpose(0, 2, 1) if turned else out


def exact(a, b, start):
    return a.astype(float) @ b.astype(float) + start[..., None]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("rows", "depth", "columns"), SHAPES)
def test_products_are_right_at_every_edge(rows, depth, columns, turned):
    a, b, start = drawn(3, rows, depth), drawn(3, depth, columns, seed=1), drawn(3, rows, seed=2)
    found = products(a, b, start, turned=turned)
    np.testing.assert_allclose(found, exact(a, b, start), rtol=0, atol=2e-6 * depth)
    positive = products(a, b, start, turned=turned, rectified=True)
    np.testing.assert_array_equal(positive, np.maximum(found, 0))


def test_factors_lie_in_memory_in_any_way():
    a, b, start = drawn(2, 40, 24), drawn(2, 40, 48, seed=1), np.zeros((2, 24), np.float32)
    turned = a.transpose(0, 2, 1)
    sliced = b[:, :, 5:40]
    found = products(turned, sliced, start)
    np.testing.assert_allclose(found, exact(turned, sliced, start), rtol=0, atol=1e-4)


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("turned", [False, True])
def test_threads_and_company_change_no_bit(threads, turned):
    a, b, start = drawn(4, 20, 30), drawn(4, 30, 50, seed=1), drawn(4, 20, seed=2)
    found = products(a, b, start, turned=turned)
    shared = products(a, b, start, turned=turned, threads=threads)
    np.testing.assert_array_equal(shared, found)
    alone = products(a[2:3], b[2:3], start[2:3], turned=turned)
    np.testing.assert_array_equal(alone[0], found[2])


def test_what_is_no_number_stays_none():
    a, b, start = drawn(1, 8, 4), drawn(1, 4, 16, seed=1), np.zeros((1, 8), np.float32)
    a[0, 3, 2] = np.nan
    found = products(a, b, start, rectified=True)
    assert np.isnan(found[0, 3]).all()
    assert np.isfinite(np.delete(found[0], 3, axis=0)).all()


def test_what_meets_no_positive_number_of_a_mask_is_nothing():
    a, b, start = drawn(3, 20, 30), drawn(3, 30, 50, seed=1), drawn(3, 20, seed=2)
    mask = drawn(3, 20, 50, seed=3)
    mask[0, 4, 5] = 0
    found = products(a, b, start, mask=mask)
    np.testing.assert_array_equal(found, np.where(mask > 0, products(a, b, start), 0))


@pytest.mark.parametrize("columns", [1, 16, 37])
def test_sums_of_lines(columns):
    a = drawn(3, 9, columns)
    around = np.full((3, columns + 2), 7, np.float32)
    out = around[:, 1:-1]
    link = (
        *(kernels.SUMS, 9, 0, columns, 0, a.ctypes.data, *a.strides, 0, 0, 0, 0, 0),
        *(out.ctypes.data, out.strides[0], 0, 0, 0, 0),
    )
    kernels.run(3, link, room=0, room_of_a_thread=0)
    np.testing.assert_allclose(out, a.astype(float).sum(1), rtol=0, atol=1e-5)
    assert (around[:, [0, -1]] == 7).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_link_finds_what_the_one_before_it_wrote(threads):
    a, b, c = drawn(5, 20, 30), drawn(5, 30, 50, seed=1), drawn(5, 50, 17, seed=2)
    zeros = np.zeros((5, 20), np.float32)
    first, around, kept = product(a, b, zeros)
    second, found, more = product(around[:, 1:-1], c, zeros)
    kernels.run(5, first + second, room=0, room_of_a_thread=0, threads=threads)
    np.testing.assert_allclose(found[:, 1:-1], a.astype(float) @ b @ c, rtol=0, atol=1e-3)
    del kept, more
