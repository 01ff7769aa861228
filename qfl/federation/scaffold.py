"""SCAFFOLD: FedAvg with control variates against the drift of clients.

The server's control variate travels beside every module, and a client sends it back moved by the
change of its own: twice the payload, and one sum is all the server needs. Where clients have
unequal samples, that control is the weighted mean of theirs, as the model is of theirs.

Reference: Karimireddy et al. 2020 (arXiv:1910.06378), algorithm 1, option II.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step, Trained
from qfl.federation.exchange import from_arrays, overlaid
from qfl.federation.world import Participant, World
from qfl.models.m3t import State, parameter_name

_CONTROL = "control@"
"""What the control variate of a module is called in an envelope."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The options.

    Attributes:
        server_rate: how much of the mean change the server takes; 1 is the mean itself.
    """

    server_rate: float = 1.0

    def __post_init__(self) -> None:
        if not self.server_rate > 0:
            raise ConfigError(f"scaffold needs server_rate > 0, got {self.server_rate}")

    def start(self, world: World) -> Controls:
        """Return the controls of one federation, all zero.

        Raises:
            ConfigError: clients do not train by plain gradient steps, which the rule divides by.
        """
        if world.training.optimiser != "sgd":
            raise ConfigError(
                f"scaffold reads gradients off the steps of sgd, and the optimiser is "
                f'{world.training.optimiser}; set optimiser = "sgd"'
            )
        return Controls(world, self.server_rate)


class Controls:
    """The control variates of a server and its clients.

    Args:
        world: who takes part.
        server_rate: how much of the mean change the server takes.
    """

    def __init__(self, world: World, server_rate: float) -> None:
        self._rate, self._step = server_rate, world.training.learning_rate
        everybody = world.participants
        held = [everybody.model_of(i).module_ids for i in range(len(everybody))]
        sizes = everybody.sizes.tolist()
        self._samples = {
            module: sum(size for size, own in zip(sizes, held, strict=True) if module in own)
            for module in world.exchange.exchanged(world.model.module_ids)
        }
        self._control: State = {
            module: {
                name.removeprefix(parameter_name(module, "")): torch.zeros(world.model.shapes[name])
                for name in world.model.tensors_of(module)
            }
            for module in self._samples
        }
        self._own: dict[int, State] = {}
        self._sent: dict[int, State] = {}

    def pack(self, participant: Participant, offered: State) -> State:
        """Return the modules with their controls beside them."""
        return offered | {
            _CONTROL + module: {name: self._control[module][name] for name in tensors}
            for module, tensors in offered.items()
        }

    def carried(self, participant: Participant, received: State) -> dict[str, Tensor]:
        """Return server's minus client's control, by the names of the parameters."""
        own = self._of(participant)
        return {
            parameter_name(module, name): control - own[module][name]
            for module in _modules(received)
            for name, control in received[_CONTROL + module].items()
        }

    def local_objective(self, step: Step) -> Tensor:
        """Return a linear term whose gradient is server's minus client's control."""
        terms = [(step.parameters[name] * lead).sum() for name, lead in step.carried.items()]
        return torch.stack(terms).sum()

    def answer(self, participant: Participant, received: State, trained: Trained) -> State:
        """Return the trained modules, and the server's controls moved by the client's change."""
        own, length = self._of(participant), trained.steps * self._step
        sent, mine = {}, {}
        for module in _modules(received):
            control, ends = received[_CONTROL + module], trained.state[module]
            mine[module] = {
                name: own[module][name] - control[name] + (start - ends[name]) / length
                for name, start in received[module].items()
            }
            sent[module] = {name: ends[name] for name in control}
            sent[_CONTROL + module] = {
                name: control[name] + mine[module][name] - own[module][name] for name in control
            }
        self._sent[participant.index] = mine
        return sent

    def delivered(self, arrived: Mapping[int, Collection[str]]) -> None:
        """Let clients keep the new controls of the modules that the server has counted; the others
        go back to those that count."""
        for client, modules in arrived.items():
            moved = {m: t for m, t in self._sent[client].items() if m in modules}
            self._own[client] = self._own[client] | moved
        self._sent.clear()

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules; the controls move by the share of samples heard."""
        mean = from_arrays(weighted_mean(updates))
        moved = {
            module: _between(state[module], mean[module], self._rate) for module in _modules(mean)
        }
        for module in moved:
            heard = sum(u.samples[module] for u in updates if module in u.samples)
            self._control[module] |= _between(
                self._control[module], mean[_CONTROL + module], heard / self._samples[module]
            )
        return overlaid(state, moved)

    def _of(self, participant: Participant) -> State:
        """A client's controls; zero at first."""
        if participant.index not in self._own:
            self._own[participant.index] = {
                module: {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
                for module, tensors in self._control.items()
                if module in participant.model.module_ids
            }
        return self._own[participant.index]


def _modules(state: State) -> list[str]:
    """The modules that have a control in `state`."""
    return [module for module in state if _CONTROL + module in state]


def _between(
    start: Mapping[str, Tensor], end: Mapping[str, Tensor], part: float
) -> dict[str, Tensor]:
    """Return what lies this part of the way from start to end; the end itself for 1."""
    if part == 1:
        return dict(end)
    return {name: start[name] + part * (tensor - start[name]) for name, tensor in end.items()}
