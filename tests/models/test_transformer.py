"""Exact sizes, strict modules, gradients on declared paths, and what does not depend on what."""

from dataclasses import replace

import pytest
import torch
from torch.func import functional_call, grad, vmap
from worlds import (
    AUDIO,
    DIGIT,
    EVERY_MODALITY,
    EVERY_TASK,
    GRADE,
    IMAGE,
    NEXT,
    PARITY,
    SERIES,
    SPEAKER,
    aims,
    built,
    inputs,
    warmed,
)

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.core.rng import Streams
from qfl.core.tasks import Task
from qfl.models import transformer
from qfl.models.experts import Expert
from qfl.models.heads import sample_losses, weighed
from qfl.models.keys import ModuleKey
from qfl.models.layers import Bottleneck, LowRank
from qfl.models.layout import Layout
from qfl.models.m3t import architecture
from qfl.models.notes import Notes
from qfl.models.pooled import Pooled
from qfl.models.transformer import PROFILES, Transformer

TINY = PROFILES["tiny"]
DIGITS = ((IMAGE, AUDIO), (DIGIT, PARITY, SPEAKER))
GATES = [TINY, *(replace(TINY, gate=gate) for gate in ("soft", "table", "quantum"))]
SLOT_FILLS = [replace(TINY, head=fill, adapter=fill) for fill in ("quantum", "classical", "random")]

# total, image encoder, audio encoder, one block, one expert, all LoRA, all adapters, prompts, heads
SIZES = {
    "tiny": (70_146, 14_560, 31_648, 22_832, 4_192, 512, 1_072, 384, 594),
    "small": (237_810, 24_320, 38_080, 86_608, 16_576, 2_048, 4_256, 768, 1_170),
    "base": (1_110_274, 43_840, 50_944, 337_040, 65_920, 6_144, 12_720, 1_536, 2_322),
    "large": (3_138_962, 63_360, 63_808, 751_312, 148_032, 12_288, 25_408, 2_304, 3_474),
}


def count(model, **fields):
    """Numbers in all modules whose key has these fields."""
    keys = {name: ModuleKey.parse(name) for name in model.module_ids}
    return model.parameters_of(
        *(n for n, key in keys.items() if all(getattr(key, f) == v for f, v in fields.items()))
    )


@pytest.mark.golden
@pytest.mark.parametrize("profile", SIZES)
def test_profiles_have_exactly_the_published_sizes(profile):
    model = architecture(*DIGITS, PROFILES[profile])
    found = (
        model.weight_bytes // 4,
        count(model, kind="encoder", modality="image"),
        count(model, kind="encoder", modality="audio"),
        count(model, layer="0"),
        count(model, kind="expert", domain="0", layer="0"),
        *(count(model, kind=kind) for kind in ("lora", "adapter", "prompt", "head")),
    )
    assert found == SIZES[profile]


def losses(model, flat, batch, targets, tasks=EVERY_TASK, balance=0.0):
    notes = Notes()
    outputs = functional_call(model, flat, (batch, None, notes))
    means = {t.name: sample_losses(t, outputs[t.name], targets[t.name]).mean() for t in tasks}
    return weighed(means, notes.log_variances) + balance * sum(notes.balance)


@pytest.mark.parametrize(
    "recipe", GATES + SLOT_FILLS, ids=lambda recipe: f"{recipe.gate} {recipe.head}"
)
def test_every_tensor_on_a_path_gets_gradient(recipe):
    model, state = built(recipe)
    flat = {name: t.requires_grad_() for name, t in model.flatten(state).items()}
    losses(model, flat, inputs(n=8), aims(8)).backward()
    unused = {name for name, t in flat.items() if t.grad is None or not t.grad.any()}
    assert unused == set()


@pytest.mark.parametrize(
    "recipe",
    [*GATES, *SLOT_FILLS, Pooled()],
    ids=lambda recipe: f"{type(recipe).__name__} {getattr(recipe, 'gate', '')}",
)
def test_a_recipe_tells_the_kinds_of_its_modules(recipe):
    model = architecture(*DIGITS, recipe)
    assert recipe.kinds == {ModuleKey.parse(module).kind for module in model.module_ids}


def test_no_gradient_leaves_the_path_of_a_task():
    """The mutation of the test above: a module off the path would be noticed."""
    model, state = built(TINY, EVERY_MODALITY, (DIGIT, GRADE, NEXT))
    flat = {name: t.requires_grad_() for name, t in model.flatten(state).items()}
    losses(model, flat, inputs((IMAGE,), n=8), aims(8), (DIGIT,)).backward()
    touched = {n for n, t in flat.items() if t.grad is not None and bool(t.grad.any())}
    other = [m.name for m in EVERY_MODALITY if m is not IMAGE] + ["grade", "next"]
    assert not any(f":{name}:" in n or f":{name}." in n for n in touched for name in other)
    assert any("encoder:image" in name for name in touched)


@pytest.mark.parametrize("recipe", GATES, ids=lambda recipe: f"{recipe.gate} {recipe.head}")
def test_every_input_reaches_every_output(recipe):
    model, state = built(recipe)
    shown = inputs()
    base = model.predict(state, shown)
    for modality in EVERY_MODALITY:
        other = inputs(seed=9)[modality.name]
        moved = model.predict(state, {**shown, modality.name: other})
        for task in EVERY_TASK:
            assert (moved[task.name] - base[task.name]).abs().max() > 1e-6, (modality, task)


def test_an_untrained_head_is_indifferent():
    model = architecture(*DIGITS, TINY)
    outputs = model.predict(model.initial_state(Streams(0)), inputs((IMAGE, AUDIO)))
    assert all(not out.any() for out in outputs.values())


def test_an_adapter_and_a_lora_pair_begin_as_the_identity():
    model = architecture((IMAGE,), (DIGIT,), TINY)
    state = model.initial_state(Streams(0))
    state["head:*:digit"]["weight"] += 1.0
    base = model.predict(state, inputs((IMAGE,)))["digit"]
    for module, tensors in state.items():
        if module.startswith(("adapter", "lora")):
            for name, tensor in tensors.items():
                if "down" in name:
                    tensors[name] = tensor + 3.0
    assert torch.equal(model.predict(state, inputs((IMAGE,)))["digit"], base)
    state["adapter:*:*:*:0"]["up.weight"] = state["adapter:*:*:*:0"]["up.weight"] + 0.01
    assert not torch.equal(model.predict(state, inputs((IMAGE,)))["digit"], base)


@pytest.mark.parametrize("recipe", GATES, ids=lambda recipe: f"{recipe.gate} {recipe.head}")
def test_a_task_does_not_depend_on_the_company_of_others(recipe):
    together, state = built(recipe, (IMAGE, AUDIO), (DIGIT, GRADE))
    alone = architecture((IMAGE, AUDIO), (GRADE,), recipe)
    own = {module: state[module] for module in alone.module_ids}
    shown = inputs((IMAGE, AUDIO))
    expected = together.predict(state, shown)["grade"]
    torch.testing.assert_close(alone.predict(own, shown)["grade"], expected)


def test_a_missing_modality_is_hidden_exactly():
    model, state = built(TINY, (IMAGE, AUDIO), (DIGIT,))
    shown = inputs((IMAGE, AUDIO))
    hidden = {"audio": torch.tensor([0.0, 1.0, 0.0])}
    found = model.predict(state, shown, hidden)["digit"]
    without = model.predict(state, {"image": shown["image"]})["digit"]
    complete = model.predict(state, shown)["digit"]
    torch.testing.assert_close(found[[0, 2]], without[[0, 2]])
    torch.testing.assert_close(found[1], complete[1])
    assert (found[0] - complete[0]).abs().max() > 1e-4


def test_a_forecast_follows_the_level_and_spread_of_its_series():
    task = Task("next", "forecast", 24)
    model, state = built(TINY, (SERIES,), (task,))
    x = inputs((SERIES,))["load"]
    base = model.predict(state, {"load": x})["next"]
    moved = model.predict(state, {"load": 50 * x + 7})["next"]
    torch.testing.assert_close(moved, 50 * base + 7, rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize(
    "recipe", GATES + SLOT_FILLS[:1], ids=lambda recipe: f"{recipe.gate} {recipe.head}"
)
def test_clients_in_one_batch_get_the_gradients_they_get_alone(recipe):
    """vmap over a leading client axis, every modality and every kind of task."""
    model = architecture(EVERY_MODALITY, EVERY_TASK, recipe)
    flats = [model.flatten(warmed(model, seed)) for seed in (1, 2)]
    batches = [inputs(seed=seed) for seed in (5, 6)]
    stacked = {name: torch.stack([flat[name] for flat in flats]) for name in flats[0]}
    shown = {name: torch.stack([batch[name] for batch in batches]) for name in batches[0]}

    def gradients(flat, batch):
        return grad(lambda weights: losses(model, weights, batch, aims(), balance=0.01))(flat)

    both = vmap(gradients)(stacked, shown)
    for i, (flat, batch) in enumerate(zip(flats, batches, strict=True)):
        for name, one in gradients(flat, batch).items():
            torch.testing.assert_close(both[name][i], one, rtol=2e-3, atol=2e-5)


def test_routed_tokens_are_counted_per_expert():
    model, state = built(TINY, (IMAGE,), (DIGIT,))
    notes = Notes()
    functional_call(model, model.flatten(state), (inputs((IMAGE,)), None, notes))
    routed = {name: int(tokens) for name, tokens in notes.routed.items()}
    assert set(routed) == {f"expert:*:*:{e}:0" for e in range(4)}
    assert sum(routed.values()) == 3 * 4 * 2  # samples x prompts of the last block x two experts


def test_a_table_sends_modalities_and_tasks_to_their_own_experts():
    model, state = built(replace(TINY, gate="table", blocks=2), (IMAGE, AUDIO), (DIGIT,))
    notes = Notes()
    functional_call(model, model.flatten(state), (inputs((IMAGE, AUDIO)), None, notes))
    assert {name: int(tokens) for name, tokens in notes.routed.items()} == {
        "expert:image:*:*:0": 48,
        "expert:audio:*:*:0": 24,
        "expert:*:digit:*:0": 12,
        "expert:*:digit:*:1": 12,
    }


@pytest.mark.parametrize("damage", ["drop", "add", "rename", "reshape"])
def test_loading_is_strict_for_every_family_of_modules(damage):
    model, whole = built(replace(TINY, head="quantum", adapter="quantum", gate="quantum"))
    kinds = {ModuleKey.parse(name).kind: name for name in model.module_ids}
    for module in kinds.values():
        state = {name: dict(tensors) for name, tensors in whole.items()}
        if damage == "drop":
            del state[module]
        elif damage == "add":
            state[module.replace(":*", ":other", 1)] = state[module]
        elif damage == "rename":
            name, tensor = state[module].popitem()
            state[module][f"model.{name}"] = tensor
        else:
            name, tensor = state[module].popitem()
            state[module][name] = tensor[None]
        with pytest.raises(ModuleMismatchError):
            model.predict(state, inputs())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 30}, "multiple of 4 heads"),
        ({"kept": 5}, "1 to 4 experts"),
        ({"gate": "quantum", "experts": 3}, "2, 4, 8"),
        ({"gate": "top-k"}, "did you mean 'top_k'"),
        ({"head": "vqc"}, "allowed: classical, plain, quantum, random"),
        ({"prompts": 0}, "prompts must be >= 1"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        architecture((IMAGE,), (DIGIT,), Transformer(**options))


@pytest.mark.parametrize("part", [Bottleneck, Expert, LowRank])
def test_a_module_that_is_left_out_would_be_noticed(part, monkeypatch):
    """The mutation of the gradient test: each of these parts, made to contribute nothing."""
    if part is Expert:
        monkeypatch.setattr(transformer, "mix", lambda experts, x, gates: torch.zeros_like(x))
    elif part is LowRank:
        monkeypatch.setattr(LowRank, "value", lambda self: torch.zeros(()))
    else:
        monkeypatch.setattr(Bottleneck, "forward", lambda self, x: torch.zeros_like(x))
    with pytest.raises(AssertionError):
        test_every_tensor_on_a_path_gets_gradient(TINY)


def test_a_head_that_ignores_its_input_would_be_noticed(monkeypatch):
    monkeypatch.setattr(Layout, "readout", lambda self, task: slice(0, 0))
    with pytest.raises(AssertionError):
        test_every_input_reaches_every_output(TINY)
