"""The checkpoint that everybody starts from: LoRA and adapters stay fresh, all else has learnt."""

import pytest
from small import same, same_module

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.synthetic import Synthetic
from qfl.federation.training.warm_up import warmed_up
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES

DATA = Synthetic(samples=96).load()
MODEL = architecture(DATA.modalities, DATA.tasks, PROFILES["tiny"])
FRESH = MODEL.initial_state(Streams(1))


def warm(epochs, public=DATA.samples):
    return warmed_up(MODEL, FRESH, public, tasks=DATA.tasks, epochs=epochs, streams=Streams(4))


def test_what_is_to_be_tuned_stays_as_it_began_and_the_rest_moves():
    warmed = warm(1)
    moved = {module for module in FRESH if not same_module(FRESH[module], warmed[module])}
    kinds = {module.split(":")[0] for module in moved}
    assert {"encoder", "head"} <= kinds
    assert not kinds & {"lora", "adapter"}
    assert {"lora", "adapter"} <= {module.split(":")[0] for module in FRESH}


def test_it_repeats_bit_for_bit_and_leaves_the_fresh_weights_alone():
    before = {m: {n: t.clone() for n, t in ts.items()} for m, ts in FRESH.items()}
    assert same(warm(1), warm(1))
    assert same(FRESH, before)


def test_no_passes_change_nothing_and_need_no_samples():
    assert warm(0, public=None) is FRESH


def test_passes_over_nothing_are_refused():
    with pytest.raises(ConfigError, match=r"2 warm_up_epochs need public samples"):
        warm(2, public=None)
