"""Between torch and the wire: states become updates and updates become states."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ModuleMismatchError
from qfl.core.update import Update
from qfl.federation.population import to_tensor
from qfl.models.keys import original
from qfl.models.m3t import State
from qfl.models.policies import ExchangePolicy


def to_update(state: State, samples: int | Mapping[str, int]) -> Update:
    """Return the modules of `state` as an update in which every module saw `samples`, or those
    modules that `samples` counts."""
    counts = dict.fromkeys(state, samples) if isinstance(samples, int) else samples
    arrays = {
        module: {name: tensor.numpy() for name, tensor in tensors.items()}
        for module, tensors in state.items()
        if module in counts
    }
    return Update(arrays, {module: counts[module] for module in arrays})


def travelling(state: State, exchange: ExchangePolicy) -> State:
    """Return `state` without the tensors that keep their initial values: these are never sent."""
    return {
        module: {name: t for name, t in tensors.items() if exchange[module].moves(name)}
        for module, tensors in state.items()
    }


def overlaid(state: State, changes: State) -> State:
    """Return `state` with the tensors of `changes` in their places; modules may be incomplete."""
    return {**state, **{m: {**state.get(m, {}), **tensors} for m, tensors in changes.items()}}


def single(array: NDArray[np.float64]) -> Tensor:
    """Return an array as a float32 tensor."""
    return to_tensor(array.astype(np.float32))


def from_arrays(modules: Mapping[str, Mapping[str, NDArray[Any]]]) -> State:
    """Return arrays as a state."""
    return {
        module: {name: to_tensor(array) for name, array in tensors.items()}
        for module, tensors in modules.items()
    }


def only(update: Update, modules: Collection[str]) -> Update:
    """Return the update without what is not in `modules`."""
    kept = {module: tensors for module, tensors in update.modules.items() if module in modules}
    return Update(kept, {module: update.samples[module] for module in kept})


def of_modules(update: Update, modules: Collection[str]) -> Update:
    """Return the update without what is neither one of `modules` nor a copy of one."""
    return only(update, {module for module in update.modules if original(module) in modules})


def without(update: Update, modules: Collection[str]) -> Update:
    """Return the update without these modules."""
    return only(update, update.modules.keys() - set(modules))


def check_schema(sent: Update, received: Update, *, at: str) -> None:
    """Refuse what came out of an envelope if its tensors are not those that were put in, by name,
    shape and type; their values are for the channel to guard.

    Args:
        sent, received: at the two ends.
        at: who received it.

    Raises:
        ModuleMismatchError: a module or tensor is missing, unknown or of another shape or type.
    """
    if sent.schema == received.schema:
        return
    sides = [
        {
            f"{module} {name}: {tensor.dtype} {tensor.shape}"
            for module, tensors in update.modules.items()
            for name, tensor in tensors.items()
        }
        for update in (sent, received)
    ]
    raise ModuleMismatchError(
        f"{at} did not receive what was sent: missing {sorted(sides[0] - sides[1]) or 'none'}, "
        f"unknown {sorted(sides[1] - sides[0]) or 'none'}"
    )
