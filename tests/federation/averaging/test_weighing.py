"""What a holder's version weighs: samples, those with the modality, routed tokens, or one."""

import numpy as np
import pytest
import torch
from small import found, population

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.averaging.weighing import routed_tokens, weights_of
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture
from qfl.models.policies import ExchangePolicy, ModulePolicy, exchange_policy
from qfl.models.transformer import PROFILES

MODALITIES = (Modality("profile", (16,)), Modality("image", (4, 4)))
MODEL = architecture(MODALITIES, (Task("digit", "classification", 3),), PROFILES["tiny"])
EXPERTS = [module for module in MODEL.module_ids if module.startswith("expert")]


def samples(n=12, *, seen=None):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    masks = {} if seen is None else {"image": np.arange(n) < seen}
    inputs = {"profile": x, "image": x.reshape(n, 4, 4)}
    given = Samples(np.arange(n), inputs, {"digit": rng.integers(0, 3, n)}, masks)
    return TensorSamples.of(given)


def weights(exchange, given, state=None):
    return weights_of(
        MODEL.module_ids,
        model=MODEL,
        state=state or MODEL.initial_state(Streams(1)),
        samples=given,
        exchange=exchange,
    )


def test_every_rule_counts_what_it_says():
    full = weights(exchange_policy("full"), samples(seen=5))
    assert set(full.values()) == {12}
    equal = weights(ExchangePolicy(otherwise=ModulePolicy(weight="equal")), samples())
    assert set(equal.values()) == {1}
    by_modality = weights(exchange_policy("experts"), samples(seen=5))
    assert by_modality["encoder:image:*"] == by_modality["projection:image:*"] == 5
    assert by_modality["encoder:profile:*"] == by_modality["head:*:digit"] == 12


def test_tokens_are_routed_to_as_many_experts_as_the_gate_keeps():
    given, state = samples(), MODEL.initial_state(Streams(1))
    routed = routed_tokens(MODEL, state, given)
    assert sorted(routed) == sorted(EXPERTS)
    prompts = PROFILES["tiny"].prompts  # the last block computes these alone
    assert sum(routed.values()) == 12 * prompts * PROFILES["tiny"].kept
    assert weights(exchange_policy("experts"), given, state) | {
        expert: round(count) for expert, count in routed.items() if count
    } == weights(exchange_policy("experts"), given, state)


def test_an_expert_that_no_token_reached_is_not_sent_and_keeps_its_value():
    """The gate of every client is turned away from one expert."""
    one = found(population(), rounds=1, model="tiny", exchange="experts", learning_rate=1e-4)
    gate = one.state["gate:*:*:*:0"]["weight"]
    shunned = next(m for m in one.state if m.startswith("expert:*:*:2"))
    before = {name: tensor.clone() for name, tensor in one.state[shunned].items()}
    with torch.no_grad():
        gate[2] = 0
        gate[[0, 1, 3]] = 0
        one.state["norm:*:*:*:0"]["experts.bias"] += 1  # a constant direction for the gate
        gate[2] -= 10
    records = list(one.play())
    assert records[1].delivered
    assert all(torch.equal(before[name], t) for name, t in one.state[shunned].items())


def test_a_module_without_any_sample_of_its_modality_is_left_out():
    given = samples(seen=0)
    found = weights(exchange_policy("experts"), given)
    assert "encoder:image:*" not in found
    assert "encoder:profile:*" in found


def test_the_mean_of_an_expert_follows_the_tokens():
    expert = EXPERTS[0]
    sent = [
        Update({expert: {"bias": np.full(2, value, np.float32)}}, {expert: tokens})
        for value, tokens in ((0.0, 30), (1.0, 10))
    ]
    assert weighted_mean(sent)[expert]["bias"].tolist() == pytest.approx([0.25, 0.25])
