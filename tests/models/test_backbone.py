"""A tiny ViLT from a configuration, offline: sizes, frozen trunk, strict loading, saved weights."""

import warnings

import pytest
import torch
from torch.func import functional_call
from worlds import warmed

pytest.importorskip("peft", reason="needs the extra 'backbone'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers", reason="needs the extra 'backbone'")

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.core.tasks import Modality, Task
from qfl.models.backbone import Backbone, pretrained_state
from qfl.models.m3t import architecture
from qfl.models.policies import exchange_policy

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

TEXT, PICTURE = Modality("text", (8,), "text", (64,)), Modality("image", (32, 32, 3), "image")
TASKS = (Task("a", "classification", 3), Task("b", "regression", 1))
CONFIG = (
    ("hidden_size", 32),
    ("num_hidden_layers", 2),
    ("num_attention_heads", 4),
    ("intermediate_size", 64),
    ("image_size", 32),
    ("patch_size", 8),
    ("vocab_size", 64),
    ("max_position_embeddings", 16),
)
VILT = Backbone("ViltModel", CONFIG)


def shown(seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 64, (2, 8), generator=generator).float()
    ids[:, 6:] = 0
    return {"text": ids, "image": torch.rand(2, 32, 32, 3, generator=generator)}


def built():
    model = architecture((TEXT, PICTURE), TASKS, VILT)
    return model, warmed(model)


def test_lora_has_two_factors_of_rank_4_per_target():
    model, _ = built()
    assert model.module_ids == ("trunk:*:*", "lora:*:*", "head:*:a", "head:*:b")
    assert model.parameters_of("lora:*:*") == 2 * 2 * 2 * 4 * 32
    assert exchange_policy("peft").exchanged(model.module_ids) == model.module_ids[1:]


def test_both_inputs_and_every_factor_reach_the_outputs():
    model, state = built()
    flat = {name: t.requires_grad_() for name, t in model.flatten(state).items()}
    outputs = functional_call(model, flat, (shown(),))
    sum(out.square().sum() for out in outputs.values()).backward()
    unused = {n for n, t in flat.items() if t.grad is None or not t.grad.any()}
    assert not any("lora" in name or "head" in name for name in unused - {_variance()})
    base = model.predict(state, shown())
    for name in ("text", "image"):
        moved = model.predict(state, {**shown(), name: shown(1)[name]})
        assert (moved["a"] - base["a"]).abs().max() > 1e-4


def _variance():
    return "modules_by_id.head:*:b.log_variance"


def test_the_same_weights_give_the_same_numbers():
    model, state = built()
    torch.testing.assert_close(model.predict(state, shown()), model.predict(state, shown()))


def test_loading_is_strict():
    model, state = built()
    state["lora:*:*"].popitem()
    with pytest.raises(ModuleMismatchError):
        model.predict(state, shown())


def test_saved_weights_become_the_trunk_and_others_are_refused(tmp_path):
    config = transformers.ViltConfig(**dict(CONFIG))
    saved = transformers.ViltModel(config).eval()
    saved.save_pretrained(tmp_path)
    model, state = built()
    loaded = pretrained_state(model, state, tmp_path)
    kept = {key: value for key, value in loaded.items() if key != "trunk:*:*"}
    assert all(kept[key] is state[key] for key in kept)
    plain = architecture((TEXT, PICTURE), TASKS[:1], VILT)
    fresh = {key: dict(loaded[key]) for key in plain.module_ids}
    fresh["lora:*:*"] = {n: torch.zeros_like(t) for n, t in fresh["lora:*:*"].items()}
    fresh["head:*:a"] = {"weight": torch.eye(3, 32), "bias": torch.zeros(3)}
    x = shown()
    expected = saved(
        input_ids=x["text"].long(),
        attention_mask=(x["text"] > 0).long(),
        pixel_values=x["image"].permute(0, 3, 1, 2),
    ).last_hidden_state[:, 0, :3]
    torch.testing.assert_close(plain.predict(fresh, x)["a"], expected, rtol=1e-3, atol=1e-4)
    other = transformers.BertModel(transformers.BertConfig(hidden_size=32, num_attention_heads=4))
    other.save_pretrained(tmp_path / "bert")
    with pytest.raises(ModuleMismatchError, match="too many"):
        pretrained_state(model, state, tmp_path / "bert")


@pytest.mark.parametrize(
    ("recipe", "modality", "message"),
    [
        (VILT, Modality("m", (6, 200), "imu"), "reads texts and pictures"),
        (Backbone("NoSuchModel"), TEXT, "has no model"),
    ],
)
def test_what_a_backbone_cannot_do_is_refused(recipe, modality, message):
    with pytest.raises(ConfigError, match=message):
        architecture((modality,), TASKS, recipe)
