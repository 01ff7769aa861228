"""What a sample lacks reaches nobody: not the scale, not a batch, not the server.

A federation is trained on the same world with other numbers, NaN among them, where nobody may look.
"""

from dataclasses import replace

import numpy as np
import pytest
import small

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.synthetic import Synthetic as Loader
from qfl.scenarios.av_digits import AvDigits
from qfl.scenarios.populate import HeldOut, Missing, populate, shares


def world(mechanism="random", *, hidden=None, masked=True):
    """Six clients that lack something in seven of ten samples; `hidden` stands there."""
    data = Loader(samples=300, seed=1).load()
    own = shares(
        np.array_split(np.arange(240), 6),
        [(small.MODALITIES, small.TASKS)] * 6,
        test_fraction=0.25,
        rng=np.random.default_rng(0),
    )
    missing = Missing((0.2, 0.3, 0.2), mechanism)
    data = missing.applied(data, own, label="task_1", rng=np.random.default_rng(0))
    if hidden is not None:
        inputs = {name: values.copy() for name, values in data.samples.inputs.items()}
        for name, there in data.samples.available.items():
            inputs[name][~there] = hidden
        data = replace(data, samples=replace(data.samples, inputs=inputs))
    if not masked:
        data = replace(data, samples=replace(data.samples, available={}))
    return populate(
        data,
        own,
        held_out=HeldOut(np.arange(240, 300)),
        label="task_1",
        interference_radius=0.4,
        streams=Streams(5),
    )


def outcome(population):
    federation = small.found(population, choose=4, rounds=2, learning_rate=0.05)
    records = [small.numbers(record) for record in federation.play()]
    return records, federation.state


@pytest.mark.parametrize("mechanism", ["random", "class", "client"])
def test_hidden_values_leave_a_federation_bit_identical(mechanism):
    records, state = outcome(world(mechanism))
    for value in (7e4, np.nan):
        other, moved = outcome(world(mechanism, hidden=value))
        assert other == records
        assert small.same(moved, state)


def test_a_world_that_forgets_its_masks_trains_otherwise():
    """The mutation of the test above: the same numbers, shown."""
    records, state = outcome(world(hidden=7e4))
    other, moved = outcome(world(hidden=7e4, masked=False))
    assert other != records
    assert not small.same(moved, state)
    with pytest.raises(ConfigError, match="NaN"):
        world(hidden=np.nan, masked=False)


def test_each_modality_may_have_a_share_of_its_own(made_up_av):
    options = {"train_samples": 300, "local_test_fraction": 0.2, "min_samples": 5}
    facts = AvDigits(**options, missing=(0.25, 0.5)).build(Streams(0)).facts
    assert facts["missing_audio"] == pytest.approx(0.25)
    assert facts["missing_image"] == pytest.approx(0.5)
