"""Products of the small matrices of many clients, compiled for this processor.

Stacks of clients multiply dozens of matrices of some dozens of rows, for which libraries are not
made. Here a tile of the result stays in registers while the inner axis passes by, and nothing is
packed before: on an AMD processor with AVX-512 over twice as fast as the batches of MKL. The code
is made by LLVM without numba, which takes half a second of every process before it runs anything.

Every sum runs along the inner axis in order, whatever tile or thread it falls to, so the bits of a
client depend on neither.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8
"""Single-precision numbers in a register of this processor."""
_TILES = ((4, 4), (8, 2), (8, 1))
"""Rows and registers of tiles: with eight sums or more under way none waits for its last term."""
_HEIGHT = 8
LEAST_ROWS, LEAST_COLUMNS = _HEIGHT, LANES
"""Of a product: what is left over at an edge is computed again with some of its neighbours."""

Value = Any
"""A number, a register or an address in the program that is written."""
_WORD, _NUMBER, _LANE = ir.IntType(64), ir.FloatType(), ir.IntType(32)
_SIZE = _WORD(4)
"""Bytes of a number."""
_ARGUMENTS = (
    *("clients", "rows", "depth", "columns", "rectified", "a", "a_client", "a_row", "a_column"),
    *("b", "b_client", "b_row", "start", "start_client", "out", "out_client", "out_row", "room"),
)
_OF_A_TILE = ("a", "b", "start", "out", "a_row", "a_column", "b_row", "out_row", "depth")
_OF_PACKING = ("b", "b_row", "depth", "columns", "room")


class Products:
    """out = start + a b of every client, or its transpose from that of b, compiled.

    Args:
        transposed: b and out are given with a line for each column of the product.
    """

    def __init__(self, *, transposed: bool) -> None:
        self._engine = _compiled(_written(transposed))  # owns the code
        self._address = self._engine.get_function_address("products")
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._address)

    def __call__(self, *arguments: int, threads: int = 1) -> None:
        """Run, without the interpreter lock.

        Args:
            arguments: sizes, addresses and steps in bytes, see `_ARGUMENTS`. Lines of b and out are
                unbroken. start has a number for each row of the product. If rectified is not 0,
                what is negative becomes 0. There is room for depth x columns numbers and thread,
                and there are at least `LEAST_ROWS` rows and `LEAST_COLUMNS` columns.
            threads: that share the clients, if there is OpenMP; those that wait are spinning.
        """
        given = (ctypes.c_int64 * len(_ARGUMENTS))(*arguments)
        team = _openmp()
        if threads == 1 or team is None:
            self._alone(given)
        else:
            team.GOMP_parallel(ctypes.c_void_p(self._address), given, threads, 0)


@cache
def _openmp() -> ctypes.CDLL | None:
    """Return GNU OpenMP, whose threads torch has; None where it has others."""
    try:
        return ctypes.CDLL("libgomp.so.1")
    except OSError:
        return None


def _written(transposed: bool) -> ir.Module:
    """Return the program: what one thread does of the products."""
    module = ir.Module("products")
    tiles = {size: _tile(module, *size, transposed) for size in _TILES}
    pack = _packing(module)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_WORD.as_pointer()]), "products")
    builder = ir.IRBuilder(function.append_basic_block())
    given = {}
    for at, name in enumerate(_ARGUMENTS):
        place = builder.gep(function.args[0], [_WORD(at)], source_etype=_WORD)
        given[name] = builder.load(place, typ=_WORD)
    number, count = _place_in_team(module, builder)
    begin, end = (
        builder.udiv(builder.mul(given["clients"], place), count)
        for place in (number, builder.add(number, _WORD(1)))
    )
    floor = builder.select(
        builder.icmp_signed("==", given["rectified"], _WORD(0)), _NUMBER(-math.inf), _NUMBER(0.0)
    )
    numbers = builder.mul(given["depth"], given["columns"])
    room = _moved(builder, given["room"], builder.mul(number, numbers), _SIZE)
    with _each(builder, begin, end) as (client, _):
        own = given | {"room": room, "floor": floor}
        for name in ("a", "b", "start", "out"):
            own[name] = _moved(builder, given[name], client, given[f"{name}_client"])
        if transposed:
            builder.call(pack, [own[name] for name in _OF_PACKING])
            own["b"], own["b_row"] = room, builder.mul(given["columns"], _SIZE)
        done = _WORD(0)
        for size, tile in tiles.items():
            width = size[1] * LANES
            whole = builder.mul(builder.udiv(given["columns"], _WORD(width)), _WORD(width))
            end_of_size = given["columns"] if size == _TILES[-1] else whole
            _cover(builder, tile, size, own, done, end_of_size, transposed)
            done = end_of_size
    builder.ret_void()
    return module


def _place_in_team(module: ir.Module, builder: ir.IRBuilder) -> tuple[Value, Value]:
    """Return the number of the running thread among those that share the work, and their count."""
    team, found = _openmp(), []
    if team is None:
        return _WORD(0), _WORD(1)
    for name in ("omp_get_thread_num", "omp_get_num_threads"):
        address = ctypes.cast(getattr(team, name), ctypes.c_void_p).value
        llvm.add_symbol(name, address)
        function = ir.Function(module, ir.FunctionType(_LANE, []), name)
        found.append(builder.sext(builder.call(function, []), _WORD))
    return found[0], found[1]


def _cover(
    builder: ir.IRBuilder,
    tile: ir.Function,
    size: tuple[int, int],
    given: dict[str, Value],
    begin: Value,
    end: Value,
    transposed: bool,
) -> None:
    """Cover the columns from `begin` to `end` with tiles; at edges they overlap."""
    height, width = size[0], size[1] * LANES
    last_row = builder.sub(given["rows"], _WORD(height))
    last_column = builder.sub(given["columns"], _WORD(width))
    with _each(builder, begin, end, width) as (first_column, _):
        column = _least(builder, first_column, last_column)
        with _each(builder, _WORD(0), given["rows"], height) as (first_row, _):
            row = _least(builder, first_row, last_row)
            down, across = (column, row) if transposed else (row, column)
            line = _moved(builder, given["out"], down, given["out_row"])
            here = {
                "a": _moved(builder, given["a"], row, given["a_row"]),
                "b": _moved(builder, given["b"], column, _SIZE),
                "start": _moved(builder, given["start"], row, _SIZE),
                "out": _moved(builder, line, across, _SIZE),
            }
            words = [(given | here)[name] for name in _OF_A_TILE]
            builder.call(tile, [*words, given["floor"]])


def _tile(module: ir.Module, rows: int, registers: int, transposed: bool) -> ir.Function:
    """Write the function of one tile."""
    kinds = [_WORD] * len(_OF_A_TILE) + [_NUMBER]
    builder, given = _function(module, f"tile{rows}x{registers}", (*_OF_A_TILE, "floor"), kinds)
    start = [
        _everywhere(builder, _moved(builder, given["start"], _WORD(row), _SIZE))
        for row in range(rows)
        for _ in range(registers)
    ]
    with _each(builder, _WORD(0), given["depth"], carried=start) as (step, sums):
        place = _moved(builder, given["a"], step, given["a_column"])
        line = _moved(builder, given["b"], step, given["b_row"])
        factors = [_register(builder, line, at) for at in range(registers)]
        for row in range(rows):
            number = _everywhere(builder, _moved(builder, place, _WORD(row), given["a_row"]))
            for at, factor in enumerate(factors, row * registers):
                product = builder.fmul(number, factor, flags=("contract",))
                sums[at] = builder.fadd(product, sums[at], flags=("contract",))
    floor = _spread(builder, given["floor"])
    below = [builder.fcmp_ordered("<", value, floor) for value in sums]
    sums = [builder.select(b, floor, value) for b, value in zip(below, sums, strict=True)]
    for at in range(registers):
        across, lines = _WORD(at * LANES), sums[at::registers]
        if transposed:
            place = _moved(builder, given["out"], across, given["out_row"])
            _store_turned(builder, lines, place, given["out_row"])
            continue
        for row, line in enumerate(lines):
            place = _moved(builder, given["out"], _WORD(row), given["out_row"])
            _store(builder, line, _moved(builder, place, across, _SIZE))
    builder.ret_void()
    return builder.function


def _packing(module: ir.Module) -> ir.Function:
    """Write the function that lays the transpose of b into `room`: tiles, then what is left."""
    builder, given = _function(module, "pack", _OF_PACKING)
    depth, columns = given["depth"], given["columns"]
    line = builder.mul(columns, _SIZE)
    whole = builder.mul(builder.udiv(depth, _WORD(LANES)), _WORD(LANES))
    with _each(builder, _WORD(0), columns, _HEIGHT) as (first, _):
        column = _least(builder, first, builder.sub(columns, _WORD(_HEIGHT)))
        source = _moved(builder, given["b"], column, given["b_row"])
        target = _moved(builder, given["room"], column, _SIZE)
        with _each(builder, _WORD(0), whole, LANES) as (step, _):
            place = _moved(builder, source, step, _SIZE)
            rows = [
                _register(builder, _moved(builder, place, _WORD(row), given["b_row"]))
                for row in range(_HEIGHT)
            ]
            _store_turned(builder, rows, _moved(builder, target, step, line), line)
        with _each(builder, whole, depth) as (step, _):
            place = _moved(builder, source, step, _SIZE)
            out = _moved(builder, target, step, line)
            for row in range(_HEIGHT):
                number = _number(builder, _moved(builder, place, _WORD(row), given["b_row"]))
                _store(builder, number, _moved(builder, out, _WORD(row), _SIZE))
    builder.ret_void()
    return builder.function


def _compiled(module: ir.Module) -> llvm.ExecutionEngine:
    """Return the machine code of a module."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), target)
    engine.finalize_object()
    return engine


def _function(
    module: ir.Module, name: str, arguments: Sequence[str], kinds: Sequence[ir.Type] = ()
) -> tuple[ir.IRBuilder, dict[str, Value]]:
    """Begin a function, of words unless told; return its builder and its arguments by name."""
    kind = ir.FunctionType(ir.VoidType(), kinds or [_WORD] * len(arguments))
    function = ir.Function(module, kind, name)
    builder = ir.IRBuilder(function.append_basic_block())
    return builder, dict(zip(arguments, function.args, strict=True))


@contextmanager
def _each(
    builder: ir.IRBuilder, begin: Value, end: Value, step: int = 1, carried: Sequence[Value] = ()
) -> Iterator[tuple[Value, list[Value]]]:
    """Write a loop; yield its index, and the carried values for its body to replace."""
    before = builder.block
    head, body, after = (builder.append_basic_block() for _ in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    phis = [builder.phi(value.type) for value in (begin, *carried)]
    for phi, value in zip(phis, (begin, *carried), strict=True):
        phi.add_incoming(value, before)
    index, *values = phis
    builder.cbranch(builder.icmp_signed("<", index, end), body, after)
    builder.position_at_end(body)
    yield index, values
    following = (builder.add(index, _WORD(step)), *values)
    for phi, value in zip(phis, following, strict=True):
        phi.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    values[:] = phis[1:]


def _moved(builder: ir.IRBuilder, base: Value, count: Value, step: Value) -> Value:
    return builder.add(base, builder.mul(count, step))


def _least(builder: ir.IRBuilder, left: Value, right: Value) -> Value:
    return builder.select(builder.icmp_signed("<", left, right), left, right)


def _number(builder: ir.IRBuilder, address: Value) -> Value:
    """Load a number."""
    return builder.load(builder.inttoptr(address, _NUMBER.as_pointer()), align=4, typ=_NUMBER)


def _everywhere(builder: ir.IRBuilder, address: Value) -> Value:
    """Load a number into all lanes of a register."""
    return _spread(builder, _number(builder, address))


def _spread(builder: ir.IRBuilder, number: Value) -> Value:
    """Return a register with a number in all lanes."""
    kind = ir.VectorType(_NUMBER, LANES)
    one = builder.insert_element(kind(ir.Undefined), number, _LANE(0))
    return _picked(builder, one, one, [0] * LANES)


def _register(builder: ir.IRBuilder, address: Value, at: int = 0) -> Value:
    """Load the register at this place of a line."""
    kind = ir.VectorType(_NUMBER, LANES)
    place = builder.inttoptr(_moved(builder, address, _WORD(LANES * at), _SIZE), kind.as_pointer())
    return builder.load(place, align=4, typ=kind)


def _store(builder: ir.IRBuilder, value: Value, address: Value) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=4)


def _store_turned(
    builder: ir.IRBuilder, rows: Sequence[Value], address: Value, step: Value
) -> None:
    """Store registers as columns: a line of one number of each for every lane."""
    woven = _woven(builder, rows)
    for lane in range(LANES):
        part = _picked(builder, woven, woven, range(lane * len(rows), (lane + 1) * len(rows)))
        _store(builder, part, _moved(builder, address, _WORD(lane), step))


def _picked(builder: ir.IRBuilder, left: Value, right: Value, lanes: Sequence[int]) -> Value:
    """Return some lanes of two registers laid side by side."""
    kind = ir.VectorType(_LANE, len(lanes))
    return builder.shuffle_vector(left, right, ir.Constant(kind, [_LANE(lane) for lane in lanes]))


def _woven(builder: ir.IRBuilder, rows: Sequence[Value]) -> Value:
    """Return the first lane of every row, then the second one, and so on."""
    if len(rows) == 1:
        return rows[0]
    left, right = _woven(builder, rows[::2]), _woven(builder, rows[1::2])
    count = left.type.count
    pairs = zip(range(count), range(count, 2 * count), strict=True)
    return _picked(builder, left, right, [lane for pair in pairs for lane in pair])
