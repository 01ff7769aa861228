"""What does not count in a round, found out before it can do harm: NaN, and labels that nobody has.

Whatever is excluded here is named in the record of its round, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

import numpy as np
import torch

from qfl.core.errors import ModuleMismatchError
from qfl.core.gather import Answer
from qfl.core.tasks import Samples, Task
from qfl.federation.engine import Trained
from qfl.federation.population import Client, TensorSamples
from qfl.models.m3t import State

Reasons = dict[str, str]
"""Client or task -> why it does not count."""


def unsound(trained: Trained) -> str:
    """Return what is wrong with the end of a training, "" if all its numbers are finite."""
    broken = broken_modules(trained.state)
    if not broken and all(map(isfinite, trained.losses.values())):
        return ""
    where = ", ".join(broken) or "its losses"
    return f"its training ended with NaN or infinity in {where}; nothing of it was kept or sent"


def broken_modules(state: State) -> list[str]:
    """Return the ids of the modules that hold NaN or infinity.

    >>> fine, broken = torch.ones(2), torch.tensor([1.0, float("nan")])
    >>> broken_modules({"head:*:a": {"bias": fine}, "head:*:b": {"bias": broken}})
    ['head:*:b']
    """
    tensors = [tensor.reshape(-1) for named in state.values() for tensor in named.values()]
    if isfinite(torch.cat(tensors).sum()):  # one sum for what is nearly always so
        return []
    return [
        module
        for module, named in state.items()
        if not all(torch.isfinite(tensor).all() for tensor in named.values())
    ]


def finite(answers: Sequence[Answer]) -> tuple[list[Answer], Reasons]:
    """Return the answers that hold numbers alone, and why the others are not sent."""
    broken = {answer.client: _broken(answer) for answer in answers}
    reasons = {
        client: f"its update held NaN or infinity in {', '.join(modules)}; it was not aggregated"
        for client, modules in broken.items()
        if modules
    }
    return [answer for answer in answers if answer.client not in reasons], reasons


def _broken(answer: Answer) -> list[str]:
    return [
        module
        for module, tensors in answer.update.modules.items()
        if not all(isfinite(t.sum()) or np.isfinite(t).all() for t in tensors.values())
    ]


def check_applicable(state: State, *, round_index: int) -> State:
    """Return the new global modules if all their numbers are finite.

    Raises:
        ModuleMismatchError: they are not, and the round must not be finished with them.
    """
    if broken := broken_modules(state):
        raise ModuleMismatchError(
            f"round {round_index} aggregated NaN or infinity in {', '.join(broken)}, though every "
            "update was finite; nothing was applied. Lower the server's or the clients' "
            "learning rate"
        )
    return state


def unlabelled(
    holders: Iterable[tuple[Client, Samples | TensorSamples]], tasks: Iterable[Task]
) -> Reasons:
    """Return the tasks that nobody can train, and the clients whose task has no label.

    Args:
        holders: clients, each with what it trains on.
        tasks: of the federation.
    """
    found: Reasons = {}
    trained = set()
    for client, samples in holders:
        for task in client.tasks:
            known = samples.labelled.get(task.name)
            if known is None or known.sum() > 0:
                trained.add(task.name)
            else:
                found[f"{task.name} at {client.name}"] = (
                    "no training sample has the label: there is no training loss, and no gradient"
                )
    return found | {task.name: UNTRAINED for task in tasks if task.name not in trained}


UNTRAINED = "no client has a training sample of it: its metrics are those of a head as it began"
"""Why a task that is scored was not trained."""
