"""Everything that an object can reach: what a system still knows after it was told to forget."""

import gc
import types

import numpy as np

_NOT_DATA = (type, types.ModuleType, types.BuiltinFunctionType, types.CodeType)


def reachable(start):
    """The strings, and the whole numbers in arrays named `ids`, that `start` holds on to.

    Closures and bound methods are followed, modules and their globals are not.
    """
    names, ids = set(), set()
    seen, waiting = set(), [start]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_DATA):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            names.add(one)
        elif isinstance(one, np.ndarray):
            if one.dtype == np.int64 and one.ndim == 1 and not one.flags.writeable:
                ids |= set(one.tolist())
        elif isinstance(one, types.FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
            waiting += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
        else:
            waiting += gc.get_referents(one)
    return names, ids
