"""Plain centralised training of one model on all data: the yardstick of loaders and models."""

import math

import numpy as np
import torch
from torch.func import functional_call

from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.data.scaling import standardised
from qfl.models.heads import sample_losses, weighed
from qfl.models.m3t import architecture
from qfl.models.notes import Notes


def tensors(samples: Samples, rows):
    return (
        {name: torch.from_numpy(np.array(x[rows])) for name, x in samples.inputs.items()},
        {name: torch.from_numpy(np.array(y[rows])) for name, y in samples.targets.items()},
    )


def train(data, recipe, rows, *, epochs, seed=0, batch=64, rate=2e-3, decay=0.01, hide=0.0):
    """AdamW with a one-cycle schedule; `hide` is the chance that a sample lacks one modality."""
    data = standardised(data, rows)
    model = architecture(data.modalities, data.tasks, recipe)
    flat = model.flatten(model.initial_state(Streams(seed)))
    flat = {name: tensor.requires_grad_() for name, tensor in flat.items()}
    optimiser = torch.optim.AdamW(list(flat.values()), lr=rate, weight_decay=decay)
    steps = math.ceil(len(rows) / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for own in np.array_split(rng.permutation(rows), steps):
            shown, targets = tensors(data.samples, own)
            gone = rng.integers(len(shown), size=len(own))
            gone[rng.random(len(own)) >= hide] = -1
            available = {
                name: torch.from_numpy((gone != k).astype(np.float32))
                for k, name in enumerate(shown)
            }
            notes = Notes()
            outputs = functional_call(model, flat, (shown, available if hide else None, notes))
            losses = {
                task.name: sample_losses(task, outputs[task.name], targets[task.name]).mean()
                for task in data.tasks
            }
            loss = weighed(losses, notes.log_variances) + 0.01 * sum(notes.balance)
            (loss / len(losses)).backward()
            torch.nn.utils.clip_grad_norm_(flat.values(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
    return data, model, flat


def scores(data, model, flat, rows, modalities=None):
    """Task -> accuracy, or R2 of numbers; tags are judged where there are some, and "mse" of a
    forecast."""
    shown, targets = tensors(data.samples, rows)
    shown = {name: x for name, x in shown.items() if modalities is None or name in modalities}
    with torch.no_grad():
        parts = [
            functional_call(model, flat, ({name: x[k : k + 512] for name, x in shown.items()},))
            for k in range(0, len(rows), 512)
        ]
    found = {}
    for task in data.tasks:
        out, target = torch.cat([part[task.name] for part in parts]), targets[task.name]
        if task.kind in ("classification", "tagging"):
            known = target >= 0
            found[task.name] = float((out.argmax(-1) == target)[known].double().mean())
        else:
            error = (out.reshape(target.shape) - target).square().mean()
            found[task.name] = float(error if task.kind == "forecast" else 1 - error / target.var())
    return found
