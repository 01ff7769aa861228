"""Blocks of programs, each in a program of its own: loops, registers, columns out of rows."""

import ctypes

import numpy as np
import pytest
from llvmlite import ir

from qfl.models.assembly import (
    LANES,
    NUMBER,
    SIZE,
    WORD,
    compiled,
    each,
    everywhere,
    function,
    least,
    moved,
    number_at,
    register_at,
    store,
    store_turned,
    whole_registers,
)


def run(write, **arguments):
    """Write a program of these words and run it; arrays are handed in by their address."""
    module = ir.Module("test")
    builder, given = function(module, "program", list(arguments))
    write(builder, given)
    builder.ret_void()
    engine = compiled(module)
    words = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in arguments.values()]
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(words))
    kind(engine.get_function_address("program"))(*words)


@pytest.mark.parametrize(("begin", "end", "step"), [(0, 5, 1), (2, 9, 3), (4, 4, 1), (5, 2, 1)])
def test_a_loop_runs_over_the_same_places_as_range(begin, end, step):
    numbers, out = np.arange(10, dtype=np.float32) ** 2, np.zeros(2, np.float32)

    def write(builder, given):
        start = [NUMBER(0.0), NUMBER(0.0)]
        with each(builder, given["begin"], given["end"], step, start) as (index, carried):
            number = number_at(builder, moved(builder, given["numbers"], index, SIZE))
            carried[0] = builder.fadd(carried[0], number)
            carried[1] = builder.fadd(carried[1], NUMBER(1.0))
        store(builder, carried[0], given["out"])
        store(builder, carried[1], builder.add(given["out"], SIZE))

    run(write, numbers=numbers, begin=begin, end=end, out=out)
    places = range(begin, end, step)
    assert out.tolist() == [sum(float(i * i) for i in places), len(places)]


def test_a_register_is_a_piece_of_a_line_and_one_number_fills_all_lanes():
    line = np.arange(3 * LANES, dtype=np.float32)
    out = np.zeros(LANES, np.float32)

    def write(builder, given):
        second = register_at(builder, given["line"], at=1)
        first = everywhere(builder, moved(builder, given["line"], WORD(2), SIZE))
        store(builder, builder.fmul(second, first), given["out"])

    run(write, line=line, out=out)
    assert out.tolist() == (2 * line[LANES : 2 * LANES]).tolist()


@pytest.mark.parametrize("rows", [1, 2, 4, 8])
def test_rows_are_stored_as_columns(rows):
    given_rows = np.random.default_rng(rows).normal(size=(rows, LANES)).astype(np.float32)
    out = np.full((LANES, rows + 3), 7, np.float32)

    def write(builder, given):
        registers = [
            register_at(builder, moved(builder, given["rows"], WORD(row), WORD(4 * LANES)))
            for row in range(rows)
        ]
        store_turned(builder, registers, given["out"], WORD(4 * (rows + 3)))

    run(write, rows=given_rows, out=out)
    assert np.array_equal(out[:, :rows], given_rows.T)
    assert (out[:, rows:] == 7).all()


@pytest.mark.parametrize("count", [0, 1, LANES - 1, LANES, 3 * LANES + 2])
def test_as_many_numbers_fill_registers_as_whole_ones_take(count):
    out = np.zeros(2, np.int64)

    def write(builder, given):
        whole = whole_registers(builder, given["count"])
        store(builder, whole, given["out"])
        store(builder, least(builder, whole, WORD(LANES)), builder.add(given["out"], WORD(8)))

    run(write, count=count, out=out)
    assert out.tolist() == [count // LANES * LANES, min(count // LANES * LANES, LANES)]
