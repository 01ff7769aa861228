"""Clients made of shares: disjoint, scaled by training rows alone, and described as they are."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.digits import Digits
from qfl.data.synthetic import Synthetic
from qfl.scenarios.populate import HeldOut, Missing, Share, declaring, populate, realised, shares

BOTH, TASKS = ("image", "profile"), ("digit", "slant")


def rows(*numbers):
    return np.array(numbers, dtype=np.intp)


def world(data, own, held_out, label="digit"):
    return populate(
        data,
        own,
        held_out=HeldOut(held_out),
        label=label,
        interference_radius=0.4,
        streams=Streams(0),
    )


def test_a_share_is_split_into_training_and_test_rows():
    parts = [np.arange(20), np.arange(20, 50)]
    held = [(("image",), TASKS), (BOTH, ("digit",))]
    own = shares(parts, held, test_fraction=0.3, rng=np.random.default_rng(0))
    assert [(len(one.train), len(one.test)) for one in own] == [(14, 6), (21, 9)]
    assert [sorted(one.rows) for one in own] == [list(part) for part in parts]
    assert [(one.modalities, one.tasks) for one in own] == held


def test_clients_declare_the_group_that_all_their_samples_are_from():
    groups = np.array(["north"] * 20 + ["south"] * 30)
    parts = [np.arange(20), np.arange(20, 50)]
    held = [(BOTH, TASKS)] * 2
    own = shares(parts, held, test_fraction=0.3, rng=np.random.default_rng(0))
    found = declaring(declaring(own, "side", groups), "half", groups == "south")
    assert [one.attributes["side"] for one in found] == ["north", "south"]
    assert found[1].attributes == {"side": "south", "half": "True"}
    with pytest.raises(ConfigError, match="client 1 holds samples of 2 groups"):
        declaring(own, "parity", np.arange(50) // 25)


@pytest.mark.parametrize(
    ("train", "test", "held_out"),
    [((0, 1), (1,), (3,)), ((0, 1), (2,), (1,)), ((0, 1, 4), (2,), (3,))],
)
def test_a_sample_that_is_held_twice_is_refused(train, test, held_out):
    own = [Share(BOTH, TASKS, rows(*train), rows(*test)), Share(BOTH, TASKS, rows(4), rows(5))]
    with pytest.raises(ConfigError, match="held twice"):
        world(Digits().load(), own, rows(*held_out))


def test_nothing_but_training_rows_sets_the_scale():
    """Change everything that no client trains on: what clients train on stays the same bits."""
    data = Synthetic(samples=60).load()
    held = (tuple(m.name for m in data.modalities), tuple(t.name for t in data.tasks))
    own = shares(
        [np.arange(20), np.arange(20, 40)],
        [held, held],
        test_fraction=0.2,
        rng=np.random.default_rng(0),
    )
    unseen = np.setdiff1d(np.arange(60), np.concatenate([one.train for one in own]))
    samples = data.samples.take(np.arange(60))
    for values in (*samples.inputs.values(), samples.targets["task_0"]):
        values[unseen] = 1e3
    changed = replace(data, samples=samples)
    kept, moved = (world(d, own, np.arange(40, 60), label="task_1") for d in (data, changed))
    for one, other in zip(kept.clients, moved.clients, strict=True):
        for name, values in one.train.inputs.items():
            np.testing.assert_array_equal(values, other.train.inputs[name])
        np.testing.assert_array_equal(one.train.targets["task_0"], other.train.targets["task_0"])
    pooled = np.concatenate([client.train.inputs["vector_0"] for client in kept.clients])
    np.testing.assert_allclose(pooled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(pooled.std(0), 1, atol=1e-5)


def test_the_server_tests_all_modalities_and_tasks_and_keeps_spare_samples():
    data = Digits().load()
    own = [
        Share(("image",), ("digit",), rows(0, 1), rows(2)),
        Share(("profile",), ("slant",), rows(3, 4), rows(5)),
    ]
    population = world(data, own, rows(6, 7))
    assert tuple(population.test.inputs) == BOTH
    assert tuple(population.test.targets) == TASKS
    assert population.spare.ids.tolist() == [2, 5]
    assert [client.name for client in population.clients] == ["client-00", "client-01"]
    assert [tuple(client.train.inputs) for client in population.clients] == [
        ("image",),
        ("profile",),
    ]


def test_what_is_realised_is_counted():
    data = Digits().load()
    digit = data.samples.targets["digit"]
    zeros, ones = (np.flatnonzero(digit == d)[:4] for d in (0, 1))
    own = [
        Share(("image",), TASKS, zeros[:3], zeros[3:]),
        Share(BOTH, ("slant",), ones[:3], ones[3:]),
    ]
    facts = realised(data, own, label="digit")
    assert facts["label_total_variation"] == pytest.approx(0.5)
    assert facts["classes_per_client"] == 1
    assert facts["size_gini"] == 0
    assert (facts["holders_of_image"], facts["holders_of_profile"]) == (2, 1)
    assert (facts["holders_of_digit"], facts["holders_of_slant"]) == (1, 2)
    assert facts["fewest_holders_of_a_pair"] == 0  # nobody reads digits off profiles
    slant = data.samples.targets["slant"].astype(float)
    assert 0 < facts["slant_wasserstein"] < np.ptp(slant[np.concatenate([zeros, ones])])


def complete_world():
    data = Synthetic(samples=80).load()
    held = (tuple(m.name for m in data.modalities), tuple(t.name for t in data.tasks))
    own = shares(
        [np.arange(30), np.arange(30, 60)],
        [held, held],
        test_fraction=0.2,
        rng=np.random.default_rng(0),
    )
    return data, own


def test_missing_shares_are_realised_among_training_and_among_test_rows():
    data, own = complete_world()
    missing = Missing(share=0.5).applied(data, own, label="task_1", rng=np.random.default_rng(0))
    population = world(missing, own, np.arange(60, 80), label="task_1")
    for part, expected in (("train", 24), ("test", 6)):
        lost = sum(
            int((~mask).sum())
            for client in population.clients
            for mask in getattr(client, part).available.values()
        )
        assert lost == expected
    facts = [population.facts[f"missing_{m.name}"] for m in data.modalities]
    assert sum(facts) == pytest.approx(0.5)
    assert all(mask.all() for mask in population.test.available.values())
    assert Missing().applied(data, own, label="task_1", rng=np.random.default_rng(0)) is data


def test_hidden_values_do_not_set_the_scale():
    """Whatever stands where a modality is missing, what is seen stays the same bits."""
    data, own = complete_world()
    data = Missing(share=0.6).applied(data, own, label="task_1", rng=np.random.default_rng(0))
    samples = data.samples.take(np.arange(80))
    for name, mask in samples.available.items():
        samples.inputs[name][~mask] = np.nan
    kept, moved = (
        world(d, own, np.arange(60, 80), label="task_1")
        for d in (data, replace(data, samples=samples))
    )
    for one, other in zip(kept.clients, moved.clients, strict=True):
        for name, mask in one.train.available.items():
            left, right = one.train.inputs[name][mask], other.train.inputs[name][mask]
            np.testing.assert_array_equal(left, right)


def test_clients_that_do_not_hold_a_modality_cannot_lack_it_in_some_samples():
    data, own = complete_world()
    own[0] = replace(own[0], modalities=("vector_0",))
    with pytest.raises(ConfigError, match="let clients hold all modalities"):
        Missing(share=0.5).applied(data, own, label="task_1", rng=np.random.default_rng(0))


def test_public_samples_are_nobodys():
    data, own = complete_world()
    population = populate(
        data,
        own,
        held_out=HeldOut(np.arange(60, 70), public=np.arange(70, 80)),
        label="task_1",
        interference_radius=0.4,
        streams=Streams(0),
    )
    assert population.public.ids.tolist() == list(range(70, 80))
    assert tuple(population.public.inputs) == tuple(m.name for m in data.modalities)
    with pytest.raises(ConfigError, match="public rows must be disjoint"):
        populate(
            data,
            own,
            held_out=HeldOut(np.arange(60, 70), public=np.arange(20, 30)),
            label="task_1",
            interference_radius=0.4,
            streams=Streams(0),
        )
