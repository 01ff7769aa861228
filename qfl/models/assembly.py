"""Blocks that a program for the processor is written with: loops, registers, numbers, addresses.

A program is built in LLVM's language through an `ir.IRBuilder`; addresses are words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8
"""Single-precision numbers in a register of this processor."""
Value = Any
"""A number, a register or an address in the program that is written."""
WORD, NUMBER, _LANE = ir.IntType(64), ir.FloatType(), ir.IntType(32)
SIZE = WORD(4)
"""Bytes of a number."""


def compiled(module: ir.Module) -> llvm.ExecutionEngine:
    """Return the machine code of a module."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), target)
    engine.finalize_object()
    return engine


def function(
    module: ir.Module, name: str, arguments: Sequence[str], kinds: Mapping[str, ir.Type] = {}
) -> tuple[ir.IRBuilder, dict[str, Value]]:
    """Begin a function, of words unless told; return its builder and its arguments by name."""
    kind = ir.FunctionType(ir.VoidType(), [kinds.get(name, WORD) for name in arguments])
    begun = ir.Function(module, kind, name)
    builder = ir.IRBuilder(begun.append_basic_block())
    return builder, dict(zip(arguments, begun.args, strict=True))


@contextmanager
def each(
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
    following = (builder.add(index, WORD(step)), *values)
    for phi, value in zip(phis, following, strict=True):
        phi.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    values[:] = phis[1:]


def moved(builder: ir.IRBuilder, base: Value, count: Value, step: Value) -> Value:
    return builder.add(base, builder.mul(count, step))


def whole_registers(builder: ir.IRBuilder, count: Value) -> Value:
    """Return how many of `count` numbers fill registers."""
    return builder.mul(builder.udiv(count, WORD(LANES)), WORD(LANES))


def least(builder: ir.IRBuilder, left: Value, right: Value) -> Value:
    return builder.select(builder.icmp_signed("<", left, right), left, right)


def number_at(builder: ir.IRBuilder, address: Value) -> Value:
    """Load a number."""
    return builder.load(builder.inttoptr(address, NUMBER.as_pointer()), align=4, typ=NUMBER)


def everywhere(builder: ir.IRBuilder, address: Value) -> Value:
    """Load a number into all lanes of a register."""
    return spread(builder, number_at(builder, address))


def spread(builder: ir.IRBuilder, number: Value) -> Value:
    """Return a register with a number in all lanes."""
    kind = ir.VectorType(NUMBER, LANES)
    one = builder.insert_element(kind(ir.Undefined), number, _LANE(0))
    return _picked(builder, one, one, [0] * LANES)


def register_at(builder: ir.IRBuilder, address: Value, at: int = 0) -> Value:
    """Load the register at this place of a line."""
    kind = ir.VectorType(NUMBER, LANES)
    place = builder.inttoptr(moved(builder, address, WORD(LANES * at), SIZE), kind.as_pointer())
    return builder.load(place, align=4, typ=kind)


def store(builder: ir.IRBuilder, value: Value, address: Value) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=4)


def store_turned(builder: ir.IRBuilder, rows: Sequence[Value], address: Value, step: Value) -> None:
    """Store registers as columns: a line of one number of each for every lane."""
    woven = _woven(builder, rows)
    for lane in range(LANES):
        part = _picked(builder, woven, woven, range(lane * len(rows), (lane + 1) * len(rows)))
        store(builder, part, moved(builder, address, WORD(lane), step))


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
