"""Strict modules, deterministic weights, and outputs that depend on every declared input."""

import pytest
import torch

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Task
from qfl.models.m3t import architecture, submodel
from qfl.models.pooled import make_encoder

IMAGE, PROFILE = Modality("image", (8, 8)), Modality("profile", (16,))
DIGIT, SLANT = Task("digit", "classification", 10), Task("slant", "regression", 1)


def full(width=16):
    return architecture((IMAGE, PROFILE), (DIGIT, SLANT), width)


def batch(n=5):
    generator = torch.Generator().manual_seed(3)
    return {
        "image": torch.rand(n, 8, 8, generator=generator),
        "profile": torch.rand(n, 16, generator=generator),
    }


def warmed(model, seed=1):
    """Heads start at zero; give them values so that outputs say something."""
    state = model.initial_state(Streams(seed))
    generator = torch.Generator().manual_seed(4)
    for module, tensors in state.items():
        if module.startswith("head"):
            tensors["weight"].normal_(generator=generator)
    return state


def test_a_client_holds_exactly_the_modules_it_needs():
    model = architecture((IMAGE,), (SLANT,), 16)
    assert model.module_ids == ("encoder:image:*", "fusion:*:*", "head:*:slant")
    assert set(model.initial_state(Streams(0))) == set(model.module_ids)


def test_initial_weights_do_not_depend_on_company():
    alone = architecture((IMAGE,), (SLANT,), 16).initial_state(Streams(7))
    together = full().initial_state(Streams(7))
    for module, tensors in alone.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, together[module][name])


def test_every_input_reaches_every_output():
    model = full()
    state, inputs = warmed(model), batch()
    base = model.predict(state, inputs)
    for modality in inputs:
        moved = model.predict(state, {**inputs, modality: inputs[modality] + 0.5})
        for task in base:
            assert (moved[task] - base[task]).abs().min() > 1e-6


def test_every_module_on_the_path_of_a_task_gets_gradient_and_no_other():
    model = full()
    state = warmed(model)
    flat = {name: t.clone().requires_grad_() for name, t in model.flatten(state).items()}
    output = torch.func.functional_call(model, flat, ({"image": batch()["image"]},))
    output["digit"].square().sum().backward()
    for name, tensor in flat.items():
        on_path = "profile" not in name and "slant" not in name
        assert (tensor.grad is not None and bool(tensor.grad.any())) == on_path, name


@pytest.mark.parametrize("damage", ["strip a prefix", "drop a module", "add one", "reshape"])
def test_loading_is_strict_in_both_directions(damage):
    model = full()
    state = model.initial_state(Streams(0))
    if damage == "strip a prefix":
        state["image:*"] = state.pop("encoder:image:*")
    elif damage == "drop a module":
        del state["head:*:slant"]
    elif damage == "add one":
        state["head:*:parity"] = state["head:*:slant"]
    else:
        state["fusion:*:*"]["out.bias"] = torch.zeros(3)
    with pytest.raises(ModuleMismatchError):
        model.predict(state, batch())


def test_submodel_names_what_the_server_lacks():
    state = architecture((IMAGE,), (DIGIT,), 16).initial_state(Streams(0))
    with pytest.raises(ModuleMismatchError, match="encoder:profile"):
        submodel(state, architecture((PROFILE,), (DIGIT,), 16).module_ids)


def test_flatten_and_unflatten_are_inverse():
    model = full()
    state = warmed(model)
    again = model.unflatten(model.flatten(state))
    assert {m: set(t) for m, t in again.items()} == {m: set(t) for m, t in state.items()}


def test_an_input_without_an_encoder_is_refused():
    with pytest.raises(ConfigError, match=r"\(3, 8, 8\)"):
        make_encoder(Modality("video", (3, 8, 8)), 16)


@pytest.mark.parametrize(
    ("shown", "masked"), [({}, None), ({"video": 1}, None), ({"image": 1}, {"video": 1})]
)
def test_what_the_model_does_not_hold_cannot_be_shown(shown, masked):
    model = full()
    inputs = {name: torch.ones(2, 8, 8) for name in shown}
    available = {name: torch.ones(2) for name in masked} if masked else None
    with pytest.raises(ModuleMismatchError, match="the model holds image, profile"):
        model.predict(model.initial_state(Streams(0)), inputs, available)


def test_a_hidden_modality_leaves_the_mean():
    model = full()
    state, shown = warmed(model), batch(2)
    hidden = model.predict(state, shown, {"profile": torch.tensor([0.0, 1.0])})["digit"]
    alone = model.predict(state, {"image": shown["image"]})["digit"]
    torch.testing.assert_close(hidden[0], alone[0])
    torch.testing.assert_close(hidden[1], model.predict(state, shown)["digit"][1])


def test_a_run_borrows_weights_and_gives_its_own_back_even_after_an_error():
    model, shown = full(), batch()
    flat = model.flatten(warmed(model))
    own = dict(model.named_parameters())
    expected = torch.func.functional_call(model, flat, (shown,))
    outputs = model.run(flat, shown)
    assert all(torch.equal(outputs[task], expected[task]) for task in expected)
    with pytest.raises(ModuleMismatchError):
        model.run(flat, {"sound": shown["image"]})
    assert all(tensor is own[name] for name, tensor in model.named_parameters())
