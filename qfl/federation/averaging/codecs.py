"""How changes travel: whole, in half precision, in eight bits, or their largest entries alone.

What a codec drops stays with the client and is added to its next change (error feedback; Seide et
al., Interspeech 2014; Karimireddy et al., arXiv:1901.09847). Bytes are those of what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ModuleMismatchError
from qfl.core.gather import Answer, Gathered
from qfl.core.update import Tensors, Update
from qfl.models.keys import KINDS
from qfl.models.policies import ExchangePolicy

Change = NDArray[np.float32]
Parts = dict[str, NDArray[Any]]
"""What is sent of one change: part -> array."""

KEPT = 0.1
"""Share of the entries of a tensor that top_k sends."""
_STEPS = 127
_MARK = "~"


def encode(change: Change, codec: str) -> Parts:
    """Return what is sent of a change under fp16, int8 or top_k.

    int8 rounds to 255 steps between the largest changes of either sign; top_k sends the tenth of
    the entries with the largest absolute values, at least one.

    >>> encode(np.array([1.0, -4.0], np.float32), "int8")["int8"].tolist()
    [32, -127]

    Raises:
        ModuleMismatchError: NaN or infinity, also after rounding to half precision.
    """
    with np.errstate(over="ignore"):
        half = change.astype(np.float16)
    if not np.isfinite(half if codec == "fp16" else change).all():
        raise ModuleMismatchError(
            f"a change up to {np.abs(change).max():g} cannot be sent as {codec}; take codec fp32"
        )
    if codec == "fp16":
        return {"fp16": half}
    flat = change.ravel()
    if codec == "int8":
        scale = np.float32(np.abs(flat).max(initial=0.0) / _STEPS)
        steps = np.rint(change / scale) if scale else np.zeros_like(change)
        return {"int8": steps.astype(np.int8), "scale": scale.reshape(1)}
    count = ceil(KEPT * flat.size)
    places = np.sort(np.argpartition(-np.abs(flat), count - 1)[:count])
    return {"index": places.astype(np.int32), "value": flat[places]}


def decode(parts: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> Change:
    """Return the change that `encode` sent the parts of."""
    if "fp16" in parts:
        return parts["fp16"].astype(np.float32)
    if "int8" in parts:
        return parts["int8"].astype(np.float32) * parts["scale"]
    change = np.zeros(np.prod(shape, dtype=int), np.float32)
    change[parts["index"]] = parts["value"]
    return change.reshape(shape)


@dataclass(slots=True, eq=False)
class Coder:
    """Encodes answers on their way up and decodes them at the server.

    Attributes:
        exchange: names the codec of every module; fp32 sends it as it is.
        left: client -> module -> tensor name -> what was not sent so far.
    """

    exchange: ExchangePolicy
    left: dict[str, dict[str, dict[str, Change]]] = field(default_factory=dict)

    @property
    def lossy(self) -> bool:
        """Whether any module is sent otherwise than as it is."""
        return any(policy.codec != "fp32" for policy in self.exchange.policies)

    def encoded(self, answer: Answer) -> Answer:
        """Return the answer as it is sent."""
        left = self.left.setdefault(answer.client, {})

        def sent(module: str, tensors: Tensors) -> Tensors:
            codec = self._codec(module)
            if codec == "fp32":
                return tensors
            found: Parts = {}
            for name, tensor in tensors.items():
                change = tensor - answer.received.modules[module][name]
                change += left.get(module, {}).get(name, np.float32(0))
                try:
                    parts = encode(change, codec)
                except ModuleMismatchError as error:
                    raise ModuleMismatchError(f"{answer.client}, {module}: {error}") from None
                left.setdefault(module, {})[name] = change - decode(parts, change.shape)
                found |= {f"{name}{_MARK}{part}": array for part, array in parts.items()}
            return found

        return replace(answer, update=_mapped(answer.update, sent))

    def decoded(self, gathered: Gathered, answers: Sequence[Answer]) -> Gathered:
        """Return what arrived with whole tensors again.

        Args:
            gathered: of single updates.
            answers: as they were before they were encoded, for what their clients had received.
        """
        received = {answer.client: answer.received for answer in answers}
        arrivals = {
            client: replace(arrival, opened=self._opened(arrival.opened, received[client]))
            for client, arrival in gathered.arrivals.items()
        }
        opened = [arrival.opened for arrival in arrivals.values() if arrival.opened is not None]
        return replace(gathered, arrivals=arrivals, updates=tuple(opened))

    def _codec(self, module: str) -> str:
        """The codec of a module; what algorithms lay beside modules is sent whole."""
        beside = module.partition(":")[0] not in KINDS
        return "fp32" if beside else self.exchange[module].codec

    def _opened(self, update: Update | None, received: Update) -> Update | None:
        if update is None:
            return None

        def whole(module: str, tensors: Tensors) -> Tensors:
            if self._codec(module) == "fp32":
                return tensors
            by_name: dict[str, Parts] = {}
            for key, array in tensors.items():
                name, _, part = key.rpartition(_MARK)
                by_name.setdefault(name, {})[part] = array
            before = received.modules[module]
            return {n: before[n] + decode(p, before[n].shape) for n, p in by_name.items()}

        return _mapped(update, whole)


def _mapped(update: Update, change: Callable[[str, Tensors], Tensors]) -> Update:
    modules = {module: change(module, tensors) for module, tensors in update.modules.items()}
    return Update(modules, update.samples)
