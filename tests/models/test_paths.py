"""The path of a task, as declared, is what its outputs depend on, and nothing else."""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from qfl.core.errors import ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.heads import sample_losses
from qfl.models.m3t import Architecture, architecture
from qfl.models.notes import Notes
from qfl.models.pooled import Pooled
from qfl.models.transformer import PROFILES, Transformer

SENSES = (Modality("profile", (16,)), Modality("image", (8, 8)), Modality("tilt", (16,)))
TASKS = (
    Task("digit", "classification", 3),
    Task("parity", "classification", 2),
    Task("slant", "regression", 1),
)
WORDS = (Modality("words", (6,), "text", (20,)), Modality("image", (8, 8)))
TABLE = Transformer(width=32, blocks=2, gate="table")
MODELS = {
    "pooled": architecture(SENSES, TASKS, Pooled(8)),
    "table, one block": architecture(SENSES, TASKS, Transformer(width=32, blocks=1, gate="table")),
    "table, two blocks": architecture(SENSES, TASKS, TABLE),
    "soft": architecture(SENSES, TASKS, Transformer(width=32, blocks=1, gate="soft")),
    "text": architecture(
        WORDS, (Task("intent", "classification", 4), Task("slots", "tagging", 3)), TABLE
    ),
}


def weights(model):
    """Numbers everywhere: heads, adapters and LoRA begin at zero, which stops gradients."""
    rng, state = np.random.default_rng(0), model.initial_state(Streams(0))
    return {
        name: tensor + 0.2 * torch.from_numpy(rng.normal(size=tensor.shape).astype(np.float32))
        for name, tensor in model.flatten(state).items()
    }


def inputs(model, shown, n=6, seed=0):
    rng = np.random.default_rng(seed)
    senses = {m.name: m for m in (*SENSES, *WORDS)}
    return {
        name: torch.from_numpy(rng.integers(1, 20, (n, 6)))
        if senses[name].kind == "text"
        else torch.from_numpy(rng.normal(size=(n, *senses[name].shape)).astype(np.float32))
        for name in shown
    }


def reached(model, task, shown):
    """The modules that get gradient from the loss of one task."""
    flat = {name: tensor.requires_grad_() for name, tensor in weights(model).items()}
    notes = Notes()
    outputs = functional_call(model, flat, (inputs(model, shown), None, notes))[task.name]
    rng = np.random.default_rng(1)
    shape = outputs.shape[:-1]
    targets = rng.integers(0, task.outputs, shape) if task.kind != "regression" else rng.random(6)
    loss = sample_losses(task, outputs, torch.from_numpy(targets)).mean()
    if task.name in notes.log_variances:
        loss = loss * torch.exp(-notes.log_variances[task.name][0])
    gradients = torch.autograd.grad(loss, list(flat.values()), allow_unused=True)
    found = set()
    for name, gradient in zip(flat, gradients, strict=True):
        if gradient is not None and float(gradient.abs().max()) > 0:
            found.add(name.split(".")[1])
    return found


def wrong(model):
    """(task, modalities shown, modules) where declaration and gradient disagree."""
    found = []
    subsets = [model.modalities, *((name,) for name in model.modalities)]
    if any(task.kind == "tagging" for task in model._tasks):
        subsets = [shown for shown in subsets if "words" in shown]
    for task in model._tasks:
        for shown in subsets:
            odd = set(model.path(task.name, shown)) ^ reached(model, task, shown)
            if odd:
                found.append((task.name, shown, sorted(odd)))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_exactly_the_modules_on_the_path_get_gradient(name):
    assert wrong(MODELS[name]) == []


@pytest.mark.parametrize("name", MODELS)
def test_outputs_depend_on_every_modality_that_is_shown(name):
    model = MODELS[name]
    shown, other = (inputs(model, model.modalities, seed=seed) for seed in (0, 1))
    with torch.no_grad():
        before = functional_call(model, weights(model), (shown,))
        for modality in model.modalities:
            changed = {**shown, modality: other[modality]}
            after = functional_call(model, weights(model), (changed,))
            for task in model.tasks:
                assert float((after[task] - before[task]).abs().max()) > 1e-6


def test_mutation_a_path_that_forgets_a_module_or_claims_another_is_noticed(monkeypatch):
    honest = Transformer.path
    model = MODELS["table, two blocks"]
    for lie in (
        lambda self, ids, task, shown: honest(self, ids, task, shown)[1:],
        lambda self, ids, task, shown: tuple(ids),
    ):
        monkeypatch.setattr(Transformer, "path", lie)
        assert wrong(model)


def test_mutation_a_head_that_ignores_what_it_reads_is_noticed(monkeypatch):
    """As in the released code of TAP: nothing upstream learns from such a task."""
    model = Architecture(SENSES, TASKS, TABLE)
    head = model.modules_by_id["head:*:digit"]
    forward = head.forward
    monkeypatch.setattr(head, "forward", lambda x: forward(torch.ones_like(x)))
    [(task, _, odd), *_] = wrong(model)
    assert task == "digit"
    assert "encoder:image:*" in odd


def test_a_table_sends_by_identity_and_shares_the_rest():
    model = MODELS["table, two blocks"]
    digit, parity = (set(model.path(task)) for task in ("digit", "parity"))
    assert digit - parity == {
        "prompt:*:digit",
        "head:*:digit",
        "expert:*:digit:*:0",
        "expert:*:digit:*:1",
    }
    assert "expert:image:*:*:0" in digit & parity
    assert "encoder:image:*" not in model.path("digit", ("tilt",))


def test_profiles_hold_no_module_that_is_on_no_path():
    for name, profile in PROFILES.items():
        model = architecture(SENSES, TASKS, profile)
        everything = {module for task in model.tasks for module in model.path(task)}
        assert everything == set(model.module_ids), name


def test_unknown_tasks_and_modalities_have_no_path():
    model = MODELS["pooled"]
    for task, shown in (("digits", None), ("digit", ("smell",)), ("digit", ())):
        with pytest.raises(ModuleMismatchError, match="no path from"):
            model.path(task, shown)
