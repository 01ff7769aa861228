"""Between torch and the wire: states become updates and updates become states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from qfl.core.update import Update
from qfl.federation.population import to_tensor
from qfl.models.m3t import State


def to_update(state: State, samples: int) -> Update:
    """Return the modules of `state` as an update in which every module saw `samples`."""
    arrays = {
        module: {name: tensor.numpy() for name, tensor in tensors.items()}
        for module, tensors in state.items()
    }
    return Update(arrays, dict.fromkeys(state, samples))


def from_arrays(modules: Mapping[str, Mapping[str, NDArray[Any]]]) -> State:
    """Return arrays as a state."""
    return {
        module: {name: to_tensor(array) for name, array in tensors.items()}
        for module, tensors in modules.items()
    }
