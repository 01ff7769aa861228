"""Eight floats as one value in compiled loops. Imports numba.

Loops over eight neighbours leave it to the compiler whether vectors come of them, at a cost of
seconds on first use; a `Vector` says it. It knows `+`, `-` and `*`, with vectors and with floats,
which stand for eight equal ones; of two precisions the result has the higher. Whatever registers
the processor has are used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import (
    intrinsic,
    lower_builtin,
    models,
    register_model,
    type_callable,
)

WIDTH = 8
_builtin: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic


class Vector(types.Type):  # type: ignore[misc]  # numba has no types
    """The type of a vector of floats `dtype`."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        super().__init__(f"Vector({dtype})")


@register_model(Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Vector) -> None:
        each = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(each, WIDTH))


@_builtin
def load(typing: Any, array: Any, at: Any) -> Any:
    """Return the vector of array (floats,) that begins at `at`."""
    vector = Vector(array.dtype)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _place(context, builder, signature.args[0], *values)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return vector(array, types.intp), lower


@_builtin
def store(typing: Any, array: Any, at: Any, vector: Any) -> Any:
    """Write a vector to array (floats,) from `at` on, rounded to its precision."""

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _place(context, builder, signature.args[0], *values[:2])
        value = _cast(context, builder, values[2], vector, Vector(array.dtype))
        builder.store(value, place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), lower


@_builtin
def spread(typing: Any, value: Any) -> Any:
    """Return the vector of eight equal floats."""
    vector = Vector(value)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _cast(context, builder, values[0], value, vector)

    return vector(value), lower


def _chosen(*indices: int) -> Callable[..., Any]:
    """Return a function of two vectors that picks from the sixteen floats of both."""

    @_builtin
    def choose(typing: Any, low: Any, high: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), indices)
            return builder.shuffle_vector(*values, mask)

        return low(low, high), lower

    return choose


evens, odds = _chosen(*range(0, 16, 2)), _chosen(*range(1, 16, 2))
"""Of (real, imaginary) by turns, the real and the imaginary parts."""
front, back = _chosen(0, 8, 1, 9, 2, 10, 3, 11), _chosen(4, 12, 5, 13, 6, 14, 7, 15)
"""Of real and imaginary parts, the two halves of (real, imaginary) by turns."""
twos, fours = _chosen(2, 3, 0, 1, 6, 7, 4, 5), _chosen(4, 5, 6, 7, 0, 1, 2, 3)
"""Of one vector, given twice, neighbouring pairs exchanged, and neighbouring fours."""


def _define(function: Callable[..., Any], instruction: str) -> None:
    """Teach the compiler an operator with a vector on either side."""

    def typing(context: Any) -> Callable[..., Any]:
        def typer(one: Any, two: Any) -> Any:
            kinds = [kind.dtype if isinstance(kind, Vector) else kind for kind in (one, two)]
            vectors = isinstance(one, Vector) or isinstance(two, Vector)
            if vectors and all(isinstance(kind, types.Float) for kind in kinds):
                return Vector(max(kinds))
            return None

        return typer

    type_callable(function)(typing)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        both = zip(values, signature.args, strict=True)
        sides = [_cast(context, builder, *side, signature.return_type) for side in both]
        return getattr(builder, instruction)(*sides)

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(function, *kinds)(lower)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return a pointer to the vector of an array that begins at `at`."""
    data = context.make_array(kind)(context, builder, array).data
    vector = context.get_value_type(Vector(kind.dtype))
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


def _cast(context: Any, builder: Any, value: Any, kind: Any, to: Vector) -> Any:
    """Return a float or a vector as a vector of another precision."""
    target = context.get_value_type(to)
    if isinstance(kind, Vector):
        if kind.dtype == to.dtype:
            return value
        change = builder.fpext if kind.dtype < to.dtype else builder.fptrunc
        return change(value, target)
    first = ir.Constant(ir.IntType(32), 0)
    each = context.cast(builder, value, kind, to.dtype)
    one = builder.insert_element(ir.Constant(target, ir.Undefined), each, first)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, one, zeros)
