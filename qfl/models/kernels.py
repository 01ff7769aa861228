"""Products of the small matrices of many clients, compiled for this processor.

Stacks of clients multiply dozens of matrices of some dozens of rows, for which libraries are not
made. Here a tile of the result stays in registers while the inner axis passes by, nothing is packed
before, and a client's products follow each other while its numbers are in the cache: on an AMD
processor with AVX-512 over twice as fast as the batches of MKL. The code is made by LLVM without
numba, which takes half a second of every process before it runs anything.

Every sum runs along the inner axis in order, whatever tile or thread it falls to, so the bits of a
client depend on neither.
"""

from __future__ import annotations

import ctypes
import math
import os
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache

import llvmlite.binding as llvm
from llvmlite import ir

from qfl.models.assembly import (
    LANES,
    NUMBER,
    SIZE,
    WORD,
    Value,
    compiled,
    each,
    everywhere,
    function,
    least,
    moved,
    number_at,
    register_at,
    spread,
    store,
    store_turned,
    whole_registers,
)

_PROCESS = os.getpid()
_HEIGHT, _WIDTHS = 4, (4, 2, 1)
"""Rows of a tile, and its registers in a row."""
_PACKED = 8
"""Lines that are packed together."""
LEAST_ROWS, LEAST_COLUMNS = _HEIGHT, LANES
"""Of a product: what is left over at an edge is computed again with some of its neighbours."""

PLAIN, TURNED, SUMS = range(3)
"""Kinds of links: out = start + a b; out^T = start + a b, from b^T; out = the sum of a's lines."""
LINK = (
    *("kind", "rows", "depth", "columns", "rectified", "a", "a_client", "a_row", "a_column"),
    *("b", "b_client", "b_row", "start", "start_client", "out", "out_client", "out_row"),
    *("mask", "mask_client", "mask_row"),
)
"""Words of a link: sizes, addresses and steps in bytes.

Lines of b, out and mask are unbroken, and those of a whose sum is wanted. start has a number for
each row of the product. What is negative becomes 0 if rectified is not 0, and in `PLAIN` so does
what meets a number of mask that is not positive. A product has at least `LEAST_ROWS` rows and
`LEAST_COLUMNS` columns.
"""
_CHAIN = ("clients", "links", "room", "room_of_a_thread")
_OF_A_CLIENT = ("a", "b", "start", "out", "mask")
_OF_A_TILE = (*_OF_A_CLIENT, "a_row", "a_column", "b_row", "out_row", "mask_row", "depth", "floor")
_OF_A_PRODUCT = (*_OF_A_TILE[:-1], "rows", "columns", "rectified")
_OF_PACKING = ("b", "b_row", "depth", "columns", "room")
_OF_SUMS = ("a", "a_row", "rows", "columns", "out")


def run(
    clients: int, links: Sequence[int], *, room: int, room_of_a_thread: int, threads: int = 1
) -> None:
    """Compute links for client after client, without the interpreter lock.

    Args:
        clients: how many.
        links: the words of `LINK`, link after link.
        room: the address of `room_of_a_thread` bytes for each thread.
        room_of_a_thread: bytes of depth x columns numbers of the largest product that is `TURNED`.
        threads: that share the clients, if there is OpenMP; those that wait are spinning. A forked
            process works alone: it has no threads of its parent's, and would wait for them.
    """
    words = array("q", (clients, len(links) // len(LINK), room, room_of_a_thread, *links))
    given, program = words.buffer_info()[0], _program()
    team = _openmp() if threads > 1 and os.getpid() == _PROCESS else None
    if team is None:
        program.alone(given)
    else:
        team.GOMP_parallel(program.address, ctypes.c_void_p(given), threads, 0)


class _Program:
    """The machine code of `run`."""

    def __init__(self) -> None:
        self._engine = compiled(_written())  # owns the code
        self.address = ctypes.c_void_p(self._engine.get_function_address("chain"))
        self.alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.address.value or 0)


@cache
def _program() -> _Program:
    return _Program()


@cache
def _openmp() -> ctypes.CDLL | None:
    """Return GNU OpenMP, whose threads torch has; None where it has others."""
    try:
        return ctypes.CDLL("libgomp.so.1")
    except OSError:
        return None


def _written() -> ir.Module:
    """Return the program: what one thread does of a chain."""
    module = ir.Module("chain")
    pack, sums = _packing(module), _sums(module)
    plain, turned = (_product(module, turned=turned) for turned in (False, True))
    builder, given = function(module, "chain", ("words",))
    chain = _words(builder, given["words"], WORD(0), _CHAIN)
    number, count = _place_in_team(module, builder)
    begin, end = (
        builder.udiv(builder.mul(chain["clients"], place), count)
        for place in (number, builder.add(number, WORD(1)))
    )
    room = moved(builder, chain["room"], number, chain["room_of_a_thread"])
    with (
        each(builder, begin, end) as (client, _),
        each(builder, WORD(0), chain["links"]) as (link, _),
    ):
        first = moved(builder, WORD(len(_CHAIN)), link, WORD(len(LINK)))
        own = _words(builder, given["words"], first, LINK) | {"room": room}
        for name in _OF_A_CLIENT:
            own[name] = moved(builder, own[name], client, own[f"{name}_client"])
        packed = own | {"b": room, "b_row": builder.mul(own["columns"], SIZE)}
        with _if_kind(builder, own, PLAIN):
            builder.call(plain, [own[name] for name in _OF_A_PRODUCT])
        with _if_kind(builder, own, TURNED):
            builder.call(pack, [own[name] for name in _OF_PACKING])
            builder.call(turned, [packed[name] for name in _OF_A_PRODUCT])
        with _if_kind(builder, own, SUMS):
            builder.call(sums, [own[name] for name in _OF_SUMS])
    builder.ret_void()
    return module


def _words(
    builder: ir.IRBuilder, words: Value, first: Value, names: Sequence[str]
) -> dict[str, Value]:
    """Load the words that begin at place `first`, by name."""
    found = {}
    for at, name in enumerate(names):
        place = moved(builder, words, builder.add(first, WORD(at)), WORD(8))
        found[name] = builder.load(builder.inttoptr(place, WORD.as_pointer()), typ=WORD)
    return found


def _if_kind(
    builder: ir.IRBuilder, link: dict[str, Value], kind: int
) -> AbstractContextManager[Value]:
    return builder.if_then(builder.icmp_signed("==", link["kind"], WORD(kind)))


def _place_in_team(module: ir.Module, builder: ir.IRBuilder) -> tuple[Value, Value]:
    """Return the number of the running thread among those that share the work, and their count."""
    team, found = _openmp(), []
    if team is None:
        return WORD(0), WORD(1)
    for name in ("omp_get_thread_num", "omp_get_num_threads"):
        address = ctypes.cast(getattr(team, name), ctypes.c_void_p).value
        llvm.add_symbol(name, address)
        declared = ir.Function(module, ir.FunctionType(ir.IntType(32), []), name)
        found.append(builder.sext(builder.call(declared, []), WORD))
    return found[0], found[1]


def _product(module: ir.Module, *, turned: bool) -> ir.Function:
    """Write the function of one product: tiles everywhere, which overlap at edges."""
    tiles = {registers: _tile(module, registers, turned) for registers in _WIDTHS}
    name = "turned" if turned else "plain"
    builder, given = function(module, name, _OF_A_PRODUCT)
    given["floor"] = builder.select(
        builder.icmp_signed("==", given["rectified"], WORD(0)), NUMBER(-math.inf), NUMBER(0.0)
    )
    done = WORD(0)
    for registers, tile in tiles.items():
        width = WORD(registers * LANES)
        whole = builder.mul(builder.udiv(given["columns"], width), width)
        end = given["columns"] if registers == _WIDTHS[-1] else whole
        last_row = builder.sub(given["rows"], WORD(_HEIGHT))
        last_column = builder.sub(given["columns"], width)
        with (
            each(builder, done, end, registers * LANES) as (first_column, _),
            each(builder, WORD(0), given["rows"], _HEIGHT) as (first_row, _),
        ):
            column = least(builder, first_column, last_column)
            row = least(builder, first_row, last_row)
            down, across = (column, row) if turned else (row, column)
            line = moved(builder, given["out"], down, given["out_row"])
            masked = moved(builder, given["mask"], down, given["mask_row"])
            here = given | {
                "a": moved(builder, given["a"], row, given["a_row"]),
                "b": moved(builder, given["b"], column, SIZE),
                "start": moved(builder, given["start"], row, SIZE),
                "out": moved(builder, line, across, SIZE),
                "mask": moved(builder, masked, across, SIZE),
            }
            builder.call(tile, [here[name] for name in _OF_A_TILE])
        done = end
    builder.ret_void()
    return builder.function


def _tile(module: ir.Module, registers: int, turned: bool) -> ir.Function:
    """Write the function of one tile."""
    name = f"tile{registers}{'turned' if turned else ''}"
    builder, given = function(module, name, _OF_A_TILE, {"floor": NUMBER})
    start = [
        everywhere(builder, moved(builder, given["start"], WORD(row), SIZE))
        for row in range(_HEIGHT)
        for _ in range(registers)
    ]
    with each(builder, WORD(0), given["depth"], carried=start) as (step, sums):
        place = moved(builder, given["a"], step, given["a_column"])
        line = moved(builder, given["b"], step, given["b_row"])
        factors = [register_at(builder, line, at) for at in range(registers)]
        for row in range(_HEIGHT):
            number = everywhere(builder, moved(builder, place, WORD(row), given["a_row"]))
            for at, factor in enumerate(factors, row * registers):
                product = builder.fmul(number, factor, flags=("contract",))
                sums[at] = builder.fadd(product, sums[at], flags=("contract",))
    floor = spread(builder, given["floor"])
    below = [builder.fcmp_ordered("<", value, floor) for value in sums]
    sums = [builder.select(b, floor, value) for b, value in zip(below, sums, strict=True)]
    if turned:
        for at in range(registers):
            place = moved(builder, given["out"], WORD(at * LANES), given["out_row"])
            store_turned(builder, sums[at::registers], place, given["out_row"])
    else:
        _store_masked(builder, sums, given)
    builder.ret_void()
    return builder.function


def _store_masked(builder: ir.IRBuilder, sums: Sequence[Value], given: dict[str, Value]) -> None:
    """Store the registers of a tile, 0 for what meets a number of its mask that is not positive."""
    registers = len(sums) // _HEIGHT
    zero = spread(builder, NUMBER(0.0))
    for at, value in enumerate(sums):
        row, column = WORD(at // registers), WORD(at % registers * LANES)
        out, mask = (
            moved(builder, moved(builder, given[name], row, given[f"{name}_row"]), column, SIZE)
            for name in ("out", "mask")
        )
        hidden = builder.fcmp_ordered("<=", register_at(builder, mask), zero)
        store(builder, builder.select(hidden, zero, value), out)


def _packing(module: ir.Module) -> ir.Function:
    """Write the function that lays the transpose of b into `room`: tiles, then what is left."""
    builder, given = function(module, "pack", _OF_PACKING)
    depth, columns = given["depth"], given["columns"]
    line = builder.mul(columns, SIZE)
    whole = whole_registers(builder, depth)
    with each(builder, WORD(0), columns, _PACKED) as (first, _):
        column = least(builder, first, builder.sub(columns, WORD(_PACKED)))
        source = moved(builder, given["b"], column, given["b_row"])
        target = moved(builder, given["room"], column, SIZE)
        with each(builder, WORD(0), whole, LANES) as (step, _):
            place = moved(builder, source, step, SIZE)
            rows = [
                register_at(builder, moved(builder, place, WORD(row), given["b_row"]))
                for row in range(_PACKED)
            ]
            store_turned(builder, rows, moved(builder, target, step, line), line)
        with each(builder, whole, depth) as (step, _):
            place = moved(builder, source, step, SIZE)
            out = moved(builder, target, step, line)
            for row in range(_PACKED):
                number = number_at(builder, moved(builder, place, WORD(row), given["b_row"]))
                store(builder, number, moved(builder, out, WORD(row), SIZE))
    builder.ret_void()
    return builder.function


def _sums(module: ir.Module) -> ir.Function:
    """Write the function that adds the lines of a, register after register, then what is left."""
    builder, given = function(module, "sums", _OF_SUMS)
    whole = whole_registers(builder, given["columns"])
    zeros = (spread(builder, NUMBER(0.0)), NUMBER(0.0))
    parts = ((WORD(0), whole, LANES, register_at), (whole, given["columns"], 1, number_at))
    for zero, (begin, end, step, load) in zip(zeros, parts, strict=True):
        with each(builder, begin, end, step) as (column, _):
            top = moved(builder, given["a"], column, SIZE)
            with each(builder, WORD(0), given["rows"], carried=[zero]) as (row, sums):
                value = load(builder, moved(builder, top, row, given["a_row"]))
                sums[0] = builder.fadd(sums[0], value)
            store(builder, sums[0], moved(builder, given["out"], column, SIZE))
    builder.ret_void()
    return builder.function
