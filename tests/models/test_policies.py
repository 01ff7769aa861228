"""Presets exchange exactly what they say; what is frozen is neither trained nor sent."""

import math

import pytest
from worlds import AUDIO, DIGIT, IMAGE, PARITY, SPEAKER

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.models.keys import ModuleKey
from qfl.models.m3t import architecture
from qfl.models.policies import (
    EXCHANGE_POLICIES,
    FROZEN,
    ExchangePolicy,
    ModulePolicy,
    exchange_policy,
)
from qfl.models.transformer import PROFILES

SMALL = architecture((IMAGE, AUDIO), (DIGIT, PARITY, SPEAKER), PROFILES["small"])

EXCHANGED = {
    "full": 237_810,
    "peft": 2_048 + 4_256 + 768 + 1_170,
    "lora": 2_048 + 1_170,
    "ffa_lora": 2_048 // 2 + 1_170,
    "adapter": 4_256 + 1_170,
    "prompt": 768 + 1_170,
    "head": 1_170,
    "experts": 237_810,
    "fedper": 237_810 - 1_170,
    "fedbn": 237_810 - 5 * 128,
}


@pytest.mark.golden
@pytest.mark.parametrize("name", EXCHANGED)
def test_presets_exchange_exactly_these_many_numbers(name):
    policy = exchange_policy(name)
    sent = {
        (module, tensor): math.prod(shape)
        for name, shape in SMALL.shapes.items()
        for module, tensor in [SMALL.module_of(name)]
        if policy[module].exchanged and policy[module].moves(tensor)
    }
    assert sum(sent.values()) == EXCHANGED[name]
    assert set(policy.exchanged(SMALL.module_ids)) <= set(policy.trained(SMALL.module_ids))


def test_every_preset_is_tested():
    assert set(EXCHANGED) == set(EXCHANGE_POLICIES)


def test_local_modules_are_trained_and_stay():
    policy = exchange_policy("fedper")
    assert policy["head:*:digit"].trained
    assert not policy["head:*:digit"].exchanged
    assert exchange_policy("adapter")["quantum_adapter:*:*:*:0"].exchanged


def test_an_id_is_stronger_than_its_kind():
    policy = ExchangePolicy({"head": FROZEN}, {"head:*:digit": ModulePolicy("local")})
    assert [policy[f"head:*:{task}"].placement for task in ("digit", "parity")] == [
        "local",
        "frozen",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ModulePolicy(placement="nowhere"),
        lambda: ModulePolicy(codec="fp64"),
        lambda: ModulePolicy(weight="votes"),
        lambda: ExchangePolicy({"heads": FROZEN}),
        lambda: exchange_policy("lore"),
        lambda: ModuleKey.parse("head:digit"),
        lambda: exchange_policy("full")["heads:*:digit"],
    ],
)
def test_names_that_mean_nothing_are_refused(wrong):
    with pytest.raises((UnknownNameError, ConfigError), match=r"allowed|must be"):
        wrong()
