"""FedAvg whose mean change is a gradient for an optimiser at the server.

The change of a module, mean minus present value, is the negative of the gradient. Each tensor has
its own moments, and a module that nobody sent keeps its value and its moments.

Reference: Reddi et al. 2021 (arXiv:2003.00295), algorithm 2; momentum: Hsu, Qi, Brown 2019
(arXiv:1909.06335).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step
from qfl.federation.exchange import from_arrays, overlaid
from qfl.federation.world import World
from qfl.models.m3t import State

Moments = tuple[Tensor, Tensor]
Rule = Callable[[Tensor, Moments], tuple[Tensor, Moments]]
"""(mean change, moments before) -> (what to add to the tensor, moments after)."""


class ServerOptimiser:
    """A server that applies `step` to every tensor of the mean change, and remembers.

    Args:
        step: the rule for one tensor.
        initial: where second moments begin.
    """

    def __init__(self, step: Rule, *, initial: float = 0.0) -> None:
        self._step, self._initial = step, initial
        self._moments: dict[tuple[str, str], Moments] = {}

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional client-side term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the global modules after one step of the optimiser."""
        mean = from_arrays(weighted_mean(updates))
        moved = {m: self._moved(m, state[m], tensors) for m, tensors in mean.items()}
        return overlaid(state, moved)

    def _moved(
        self, module: str, present: Mapping[str, Tensor], mean: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        moved = {}
        for name, target in mean.items():
            tensor = present[name]
            zero = torch.zeros_like(tensor), torch.full_like(tensor, self._initial)
            before = self._moments.get((module, name), zero)
            step, after = self._step(target - tensor, before)
            moved[name], self._moments[module, name] = tensor + step, after
        return moved


@dataclass(frozen=True, slots=True)
class FedAvgM:
    """Momentum at the server: v = momentum v + change, x += rate v; momentum 0 is FedAvg.

    Attributes:
        server_rate: step size of the server.
        momentum: part of the last step that goes on, from 0 to below 1.
    """

    server_rate: float = 1.0
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check("fedavgm", server_rate=self.server_rate)
        _check_share("fedavgm", momentum=self.momentum)

    def start(self, world: World) -> ServerOptimiser:
        """Return a server without momentum yet."""
        return ServerOptimiser(self._step)

    def _step(self, change: Tensor, moments: Moments) -> tuple[Tensor, Moments]:
        velocity = self.momentum * moments[0] + change
        return self.server_rate * velocity, (velocity, moments[1])


@dataclass(frozen=True, slots=True)
class FedAdam:
    """Adam at the server, without bias correction as published.

    Attributes:
        server_rate: step size of the server.
        first_decay, second_decay: of the means of changes and of their squares, from 0 to below 1.
        adaptivity: tau of the paper, added to the root of the second moments.
    """

    server_rate: float = 0.01
    first_decay: float = 0.9
    second_decay: float = 0.99
    adaptivity: float = 1e-3

    def __post_init__(self) -> None:
        _check_adaptive("fedadam", self)

    def start(self, world: World) -> ServerOptimiser:
        """Return a server whose second moments are tau^2."""
        return ServerOptimiser(self._step, initial=self.adaptivity**2)

    def _step(self, change: Tensor, moments: Moments) -> tuple[Tensor, Moments]:
        second = self.second_decay * moments[1] + (1 - self.second_decay) * change.square()
        return _adapted(self, change, moments, second)


@dataclass(frozen=True, slots=True)
class FedYogi:
    """Yogi at the server: second moments move by a step of the squared change, up or down.

    Attributes:
        server_rate: step size of the server.
        first_decay, second_decay: of the means of changes and of their squares, from 0 to below 1.
        adaptivity: tau of the paper, added to the root of the second moments.
    """

    server_rate: float = 0.01
    first_decay: float = 0.9
    second_decay: float = 0.99
    adaptivity: float = 1e-3

    def __post_init__(self) -> None:
        _check_adaptive("fedyogi", self)

    def start(self, world: World) -> ServerOptimiser:
        """Return a server whose second moments are tau^2."""
        return ServerOptimiser(self._step, initial=self.adaptivity**2)

    def _step(self, change: Tensor, moments: Moments) -> tuple[Tensor, Moments]:
        squared = change.square()
        direction = torch.sign(moments[1] - squared)
        second = moments[1] - (1 - self.second_decay) * squared * direction
        return _adapted(self, change, moments, second)


def _adapted(
    rule: FedAdam | FedYogi, change: Tensor, moments: Moments, second: Tensor
) -> tuple[Tensor, Moments]:
    """The step that both rules take once the second moment is known."""
    first = rule.first_decay * moments[0] + (1 - rule.first_decay) * change
    return rule.server_rate * first / (second.sqrt() + rule.adaptivity), (first, second)


def _check_adaptive(algorithm: str, rule: FedAdam | FedYogi) -> None:
    _check(algorithm, server_rate=rule.server_rate, adaptivity=rule.adaptivity)
    _check_share(algorithm, first_decay=rule.first_decay, second_decay=rule.second_decay)


def _check(algorithm: str, **positive: float) -> None:
    for name, value in positive.items():
        if not value > 0:
            raise ConfigError(f"{algorithm} needs {name} > 0, got {value}")


def _check_share(algorithm: str, **shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise ConfigError(f"{algorithm} needs 0 <= {name} < 1, got {value}")
