"""One client's contribution: tensors per module, how many samples each module saw.

The wire form is safetensors: no pickle, and what is counted as payload is what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.errors import ModuleMismatchError
from qfl.core.wire import from_wire, to_wire

Tensors = Mapping[str, NDArray[Any]]
_SEPARATOR = "|"
_SAMPLES = "#samples"


_BESIDE = "@"


def lies_beside(module: str) -> bool:
    """Return whether an id is of no module, but of what an algorithm lays beside one.

    >>> lies_beside("control@head:*:digit"), lies_beside("head:*:digit")
    (True, False)
    """
    return _BESIDE in module


@dataclass(frozen=True, eq=False)
class Update:
    """Module id -> tensor name -> array, with the samples behind each module.

    Attributes:
        modules: for instance {"encoder:image": {"weight": ...}}.
        samples: module id -> number of training samples that module saw; same keys as modules.

    >>> update = Update({"head:digit": {"bias": np.ones(2, np.float32)}}, {"head:digit": 40})
    >>> Update.from_payload(update.payload).samples
    {'head:digit': 40}
    """

    modules: Mapping[str, Tensors]
    samples: Mapping[str, int]

    def __post_init__(self) -> None:
        if self.modules.keys() != self.samples.keys():
            raise ModuleMismatchError(
                f"an update names modules {sorted(self.modules)} "
                f"but counts samples of {sorted(self.samples)}"
            )

    @cached_property
    def payload(self) -> memoryview:
        """The update as serialised: the bytes that a channel seals, read-only."""
        flat = {
            f"{module}{_SEPARATOR}{name}": tensor
            for module, tensors in self.modules.items()
            for name, tensor in tensors.items()
        }
        for module, count in self.samples.items():
            flat[f"{module}{_SEPARATOR}{_SAMPLES}"] = np.array(count, dtype=np.int64)
        return to_wire(flat)

    @property
    def payload_bytes(self) -> int:
        """Size of the serialised update."""
        return len(self.payload)

    @property
    def schema(self) -> str:
        """sha256 of module ids, tensor names, shapes and dtypes: equal schemas can be added."""
        lines = sorted(
            f"{module}{_SEPARATOR}{name}:{tensor.shape}:{tensor.dtype}"
            for module, tensors in self.modules.items()
            for name, tensor in tensors.items()
        )
        return sha256_hex("\n".join(lines).encode())

    @classmethod
    def from_payload(cls, payload: bytes | memoryview) -> Update:
        """Return the update that `payload` serialises; its tensors are views of these bytes.

        Raises:
            ModuleMismatchError: the bytes are not a serialised update.
        """
        modules: dict[str, dict[str, NDArray[Any]]] = {}
        samples: dict[str, int] = {}
        for key, tensor in sorted(from_wire(payload).items()):
            module, _, name = key.rpartition(_SEPARATOR)
            if name == _SAMPLES and tensor.dtype == np.int64 and not tensor.ndim:
                samples[module] = int(tensor)
                modules.setdefault(module, {})
            else:
                modules.setdefault(module, {})[name] = tensor
        return cls(modules, samples)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs; the payload is made again."""
        return {"modules": self.modules, "samples": self.samples}
