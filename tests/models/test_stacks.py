"""A stack of clients against each client by itself, for every layer of every recipe."""

from dataclasses import replace

import pytest
import torch
from torch.func import functional_call
from worlds import DIGIT, EVERY_MODALITY, EVERY_TASK, GRADE, PARITY, Foreign, inputs, warmed

from qfl.core.tasks import Modality
from qfl.models.m3t import architecture
from qfl.models.notes import Notes
from qfl.models.pooled import Pooled
from qfl.models.stacks import added, affine, for_each, looked_up, normalised, scaled
from qfl.models.transformer import PROFILES

TINY = PROFILES["tiny"]
VECTOR = Modality("view", (7,), "vector")
COLOUR = Modality("photo", (20, 16, 3))
RECIPES = {
    "pooled": (Pooled(8), (Modality("a", (16,)), Modality("b", (4, 5))), (DIGIT, GRADE)),
    "pooled words": (Pooled(8), (Modality("t", (5,), "text", (20,)),), (DIGIT, GRADE)),
    "transformer": (TINY, (*EVERY_MODALITY, VECTOR, COLOUR), EVERY_TASK),
    "two blocks": (replace(TINY, blocks=2, gate="soft"), EVERY_MODALITY[:2], (DIGIT, PARITY)),
    "routed": (replace(TINY, blocks=2, width=64), EVERY_MODALITY[:2], (DIGIT, PARITY)),
    "table": (replace(TINY, blocks=2, gate="table"), EVERY_MODALITY[:3], (DIGIT, PARITY)),
    "quantum": (
        replace(TINY, gate="quantum", head="quantum", adapter="quantum"),
        EVERY_MODALITY[:2],
        (DIGIT,),
    ),
    "classical": (
        replace(TINY, head="classical", adapter="classical"),
        EVERY_MODALITY[:1],
        (DIGIT,),
    ),
    "random": (replace(TINY, head="random", adapter="random"), EVERY_MODALITY[:1], (DIGIT,)),
}
CLIENTS, SAMPLES = 3, 4


def alike(left, right):
    """Equal up to rounding: the stacks sum in another order."""
    torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


def run(model, weights, shown, available, clients=None):
    notes = Notes(clients=clients, by_value=True)
    return functional_call(model, weights, (shown, available, notes)), notes


@pytest.mark.parametrize("name", RECIPES)
def test_a_stack_is_its_clients_one_by_one(name):
    """Outputs, what the forward pass notes down, and the gradient of every tensor."""
    recipe, modalities, tasks = RECIPES[name]
    model = architecture(modalities, tasks, recipe)
    assert model.stackable
    each = [model.flatten(warmed(model, seed)) for seed in range(CLIENTS)]
    shown = [inputs(modalities, SAMPLES, seed) for seed in range(CLIENTS)]
    first = modalities[0].name
    mask = (torch.arange(CLIENTS * SAMPLES) % 3 > 0).float()
    if len(modalities) == 1:
        mask = torch.ones_like(mask)
    weights = {n: torch.stack([one[n] for one in each]).requires_grad_() for n in model.shapes}
    joined = {name: torch.cat([x[name] for x in shown]) for name in shown[0]}
    outputs, notes = run(model, weights, joined, {first: mask}, CLIENTS)
    total = sum(out.square().mean() for out in outputs.values()) + sum(
        map(torch.sum, notes.balance)
    )
    slopes = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    for k in range(CLIENTS):
        own = {n: tensor.clone().requires_grad_() for n, tensor in each[k].items()}
        rows = slice(k * SAMPLES, (k + 1) * SAMPLES)
        alone, seen = run(model, own, shown[k], {first: mask[rows]})
        for task in alone:
            alike(outputs[task][rows], alone[task])
        for modality in seen.latents:
            alike(notes.latents[modality][rows], seen.latents[modality])
        for kind in ("routed", "log_variances"):
            ours, theirs = getattr(notes, kind), getattr(seen, kind)
            assert ours.keys() == theirs.keys()
            for key in ours:
                alike(ours[key][k], theirs[key])
        for ours, theirs in zip(notes.balance, seen.balance, strict=True):
            alike(ours[k], theirs)
        loss = sum(out.square().mean() for out in alone.values()) / CLIENTS + sum(seen.balance)
        expected = torch.autograd.grad(loss, list(own.values()), allow_unused=True)
        for tensor, ours, theirs in zip(own, slopes, expected, strict=True):
            assert (ours is None) == (theirs is None), tensor
            if ours is not None:
                alike(ours[k], theirs)


@pytest.mark.parametrize("clients", [None, CLIENTS])
@pytest.mark.parametrize("name", RECIPES)
def test_no_tensor_is_made_on_another_device(name, clients):
    """Torch refuses to mix its meta device with the processor, as it refuses for CUDA."""
    recipe, modalities, tasks = RECIPES[name]
    model = architecture(modalities, tasks, recipe)
    lead, samples = ((clients,) if clients else ()), SAMPLES * (clients or 1)
    weights = {
        tensor: torch.empty(*lead, *shape, device="meta", requires_grad=True)
        for tensor, shape in model.shapes.items()
    }
    shown = {n: x.to("meta") for n, x in inputs(modalities, samples).items()}
    mask = {modalities[0].name: torch.ones(samples, device="meta")}
    outputs = model.run(weights, shown, mask, Notes(clients=clients))
    total = sum(out.sum() for out in outputs.values())
    slopes = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    assert all(slope is None or slope.is_meta for slope in slopes)


def test_a_layer_of_another_kind_makes_a_model_that_does_not_stack():
    modalities, tasks = (Modality("a", (16,)),), (DIGIT,)
    assert architecture(modalities, tasks, Pooled(8)).stackable
    assert not architecture(modalities, tasks, Foreign(8)).stackable


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("function", [scaled, normalised])
def test_scales_belong_to_clients(function):
    x, scale, shift = drawn(6, 2, 5), drawn(3, 5, seed=1), drawn(3, 5, seed=2)
    whole = function(x, scale, shift)
    for k in range(3):
        alike(whole[2 * k : 2 * k + 2], function(x[2 * k : 2 * k + 2], scale[k], shift[k]))


def test_matrices_sums_and_tables_belong_to_clients():
    x, weight, bias = drawn(6, 2, 5), drawn(3, 4, 5, seed=1), drawn(3, 4, seed=2)
    table, rows = drawn(3, 7, 5, seed=3), torch.arange(12).reshape(6, 2) % 7
    position = drawn(3, 2, 5, seed=4)
    for k in range(3):
        own = slice(2 * k, 2 * k + 2)
        alike(affine(x, weight, bias)[own], affine(x[own], weight[k], bias[k]))
        alike(affine(x, weight)[own], affine(x[own], weight[k]))
        alike(added(x, position, 2)[own], x[own] + position[k])
        alike(looked_up(rows, table)[own], table[k][rows[own]])
        alike(for_each(position, 2, 6)[own], position[k].expand(2, 2, 5))
