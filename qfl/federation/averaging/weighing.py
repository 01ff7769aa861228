"""What a client's version of a module weighs in the mean over its holders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from qfl.core.gather import Answer
from qfl.federation.exchange import without
from qfl.federation.population import TensorSamples
from qfl.models.keys import ANY, ModuleKey
from qfl.models.m3t import Architecture, State
from qfl.models.notes import Notes
from qfl.models.policies import ExchangePolicy


def weights_of(
    modules: Iterable[str],
    *,
    model: Architecture,
    state: State,
    samples: TensorSamples,
    exchange: ExchangePolicy,
) -> dict[str, int]:
    """Return module id -> weight, for each of `modules` with something behind it.

    By the `weight` of its policy that is the number of training samples; of those that have the
    modality; of tokens routed to the expert, counted with the trained model on all of them; or 1.
    A module without any is left out: it was not trained and is not sent.

    Args:
        modules: ids of those that would be sent.
        model: the client's architecture.
        state: its modules after training.
        samples: what it trained on.
        exchange: the policies.
    """
    wanted = list(modules)
    routed = {}
    if any(exchange[module].weight == "routed_tokens" for module in wanted):
        routed = routed_tokens(model, state, samples)
    counts = {}
    for module in wanted:
        match exchange[module].weight:
            case "equal":
                counts[module] = 1
            case "routed_tokens":
                counts[module] = round(routed.get(module, len(samples)))
            case "modality_samples":
                counts[module] = _having(module, samples)
            case _:
                counts[module] = len(samples)
    return {module: count for module, count in counts.items() if count}


def held_by_enough(answers: Sequence[Answer], least: int) -> tuple[list[Answer], dict[str, str]]:
    """Return the answers without modules that too few of them hold, and why these stay behind.

    An answer that is empty then is still sent: it says that the client is there.
    """
    holders = Counter(module for answer in answers for module in answer.update.modules)
    few = {module: count for module, count in holders.items() if count < least}
    if not few:
        return list(answers), {}
    kept = [replace(answer, update=without(answer.update, few)) for answer in answers]
    reasons = {
        m: f"{count} of the clients hold it, min_holders is {least}" for m, count in few.items()
    }
    return kept, reasons


def routed_tokens(model: Architecture, state: State, samples: TensorSamples) -> dict[str, float]:
    """Return expert id -> tokens of `samples` that its gate sends to it."""
    notes = Notes()
    with torch.no_grad():
        model.run(model.flatten(state), samples.inputs, samples.available, notes)
    return {module: float(count) for module, count in notes.routed.items()}


def _having(module: str, samples: TensorSamples) -> int:
    """Return how many samples have the modality of the module; all if it is nobody's own."""
    modality = ModuleKey.parse(module).modality
    if modality == ANY or modality not in samples.available:
        return len(samples)
    return int(samples.available[modality].sum())
