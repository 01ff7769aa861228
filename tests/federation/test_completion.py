"""Completion: the exact items of its acceptance list, each with a broken variant that fails it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small import Watched, federation, same

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Task
from qfl.core.update import Update
from qfl.federation import ALGORITHMS
from qfl.federation.completion import Completed, Completion
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.exchange import only, to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples
from qfl.federation.world import World
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled
from qfl.scenarios.digits import Digits

SCENARIO = Digits(
    clients=4,
    views="halves",
    held="everything",
    noise=0.1,
    dirichlet_alpha=10.0,
    missing=0.5,
    public_samples=150,
)
POPULATION = SCENARIO.build(Streams(3))
TRAINING = LocalTraining(epochs=1, batch_size=32, learning_rate=0.1)
QUICK = {"public_epochs": 3, "generated": 40}
FROZEN = "encoder:teacher:*"
OFF = {"contrastive": 0.0, "margin": 0.0, "similarity": "off"}


def played(algorithm, population=POPULATION, **options):
    found = federation(algorithm, population=population, training=TRAINING, **options)
    return found, list(found.play())


def with_hidden(value, population=POPULATION):
    """The population with other numbers wherever a modality is missing."""

    def changed(samples):
        inputs = {name: x.copy() for name, x in samples.inputs.items()}
        for name, mask in samples.available.items():
            inputs[name][~mask] = value
        return replace(samples, inputs=inputs)

    clients = [replace(c, train=changed(c.train), test=changed(c.test)) for c in population.clients]
    return replace(population, clients=tuple(clients))


# 1. Hidden values cannot leak.


@pytest.mark.parametrize(
    "options", [{}, {**OFF, "fill": "zeros"}, {**OFF, "fill": "drop"}, {"fill": "noise"}]
)
def test_hidden_values_cannot_leak(options):
    """NaN in place of every hidden value: the same bits after training, and the same metrics."""
    (left, before), (right, after) = (
        played(Completion(**(QUICK | options)), population)
        for population in (POPULATION, with_hidden(np.nan))
    )
    assert same(left.state, right.state)
    assert [record.metrics for record in before] == [record.metrics for record in after]
    assert [r.client_metrics for r in before] == [r.client_metrics for r in after]


def test_the_hidden_truth_would_leak():
    """The mutation of the test above: the oracle does read what is hidden, so it changes."""
    oracle = Completion(**OFF, fill="truth")
    (left, _), (right, _) = (played(oracle, p) for p in (POPULATION, with_hidden(0.5)))
    assert not same(left.state, right.state)


def test_no_label_is_a_prompt_at_the_test():
    """Other labels of test samples change no prediction; at training they do: the mutation."""
    found, _ = played(Completion(**QUICK), rounds=1)
    learning, test = found.learning, found.test
    shown = TensorSamples({"upper": test.inputs["upper"]}, test.targets)
    turned = replace(shown, targets={n: t.flip(0) for n, t in test.targets.items()})
    left, right = (learning.complete(samples).inputs["lower"] for samples in (shown, turned))
    assert torch.equal(left, right)
    who = replace(found.participants[0], train=TensorSamples.of(POPULATION.clients[0].train))
    flipped = {n: t.flip(0) for n, t in who.train.targets.items()}
    other = replace(who, train=replace(who.train, targets=flipped))
    left, right = (learning.training_samples(each).inputs["lower"] for each in (who, other))
    assert not torch.equal(left, right)


# 2. Frozen parts change 0 bytes and upload 0 bytes.


def bits(tensors):
    return b"".join(tensor.numpy().tobytes() for tensor in tensors)


def test_frozen_parts_change_no_byte():
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    before = bits(found.learning.frozen)
    assert len(before) > 4 * found.model.parameters_of(*found.model.module_ids)
    list(found.play())
    assert bits(found.learning.frozen) == before
    assert not any(tensor.requires_grad for tensor in found.learning.frozen)


def test_a_frozen_part_that_learnt_would_be_seen():
    """The mutation: the teacher's weights move with the local training."""
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    learning, before = found.learning, bits(found.learning.frozen)
    embed = learning.teacher.embed

    def moving(samples):
        for tensor in learning.teacher.tensors:
            tensor.add_(1e-3)
        return embed(samples)

    learning.teacher.embed = moving
    list(found.play())
    assert bits(learning.frozen) != before


def sent(found):
    passed = found.policies.channel.passed
    return [update for header, update in passed if header.sender != "server"]


def test_frozen_parts_upload_no_byte():
    """Bytes up and down are those of FedAvg; what is sent are the modules of the model."""
    (ours, records), (plain, others) = (played(a) for a in (Completion(**QUICK), FedAvg()))
    for mine, theirs in zip(records[1:], others[1:], strict=True):
        assert mine.costs.payload_bytes_up == theirs.costs.payload_bytes_up
        assert mine.costs.payload_bytes_down == theirs.costs.payload_bytes_down
    assert len(sent(ours)) == len(sent(plain)) == 8
    assert all(set(update.modules) == set(ours.model.module_ids) for update in sent(ours))


def test_an_uploaded_frozen_part_would_be_seen():
    """The mutation: clients send the teacher along, and a lenient server drops it silently."""

    class Lenient:
        def start(self, world):
            return self

        def local_objective(self, step):
            return None

        def aggregate(self, state, updates):
            return FedAvg().aggregate(state, [only(update, state) for update in updates])

    class Leaking(Watched):
        def seal(self, update, header):
            if header.sender != "server":
                extra = {FROZEN: {"w": np.zeros(1000, np.float32)}}
                update = Update({**update.modules, **extra}, {**update.samples, FROZEN: 1})
            return super().seal(update, header)

    found, records = played(Lenient(), wrap=Leaking, rounds=1)
    _, plain = played(FedAvg(), rounds=1)
    assert not all(set(u.modules) == set(found.model.module_ids) for u in sent(found))
    assert records[1].costs.payload_bytes_up > plain[1].costs.payload_bytes_up


# 3. CKA: see test_cka.py. Equal similarities reduce to FedAvg.


def updates_of(found, count=3):
    """Updates of unequal clients; every one is the initial model moved elsewhere."""
    updates = []
    for i in range(count):
        rng = np.random.default_rng(i)
        state = {
            m: {
                n: t + 0.1 * torch.from_numpy(rng.normal(size=t.shape).astype(np.float32))
                for n, t in ts.items()
            }
            for m, ts in found.state.items()
        }
        updates.append(to_update(state, samples=10 + 7 * i))
    return updates


@pytest.mark.parametrize("value", [0.3, 1 / 3, 0.9])
def test_equal_similarities_reduce_to_fedavg_bit_for_bit(value, monkeypatch):
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    updates = updates_of(found)

    def equal(features, *, estimator):
        return np.full((len(features), len(features)), value)

    monkeypatch.setattr("qfl.federation.completion.similarities", equal)
    ours = found.learning.aggregate(found.state, updates)
    assert same(ours, FedAvg().aggregate(found.state, updates))
    assert found.learning.tell() == {"least_centrality": 1.0}


def test_unequal_similarities_do_not():
    """The mutation: the same updates with the similarities that they really have."""
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    updates = updates_of(found)
    ours = found.learning.aggregate(found.state, updates)
    assert not same(ours, FedAvg().aggregate(found.state, updates))
    assert 0 < found.learning.tell()["least_centrality"] < 1


def test_clients_weigh_by_samples_times_centrality(monkeypatch):
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    updates = updates_of(found)
    similar = np.array([[1, 0.8, 0.2], [0.8, 1, 0.4], [0.2, 0.4, 1]])
    monkeypatch.setattr("qfl.federation.completion.similarities", lambda f, *, estimator: similar)
    ours = found.learning.aggregate(found.state, updates)
    weights = np.array([10 * 0.5, 17 * 0.6, 24 * 0.3])
    weights /= weights.sum()
    module, name = "encoder:upper:*", "hidden.weight"
    mean = sum(w * u.modules[module][name] for w, u in zip(weights, updates, strict=True))
    np.testing.assert_allclose(ours[module][name].numpy(), mean, atol=1e-6)


def test_an_outsider_counts_nothing_and_its_own_modules_stay(monkeypatch):
    found = federation(Completion(**QUICK), population=POPULATION, training=TRAINING)
    first, second, odd = updates_of(found)
    similar = np.array([[1, 0.8, -0.1], [0.8, 1, 0], [-0.1, 0, 1]])
    monkeypatch.setattr("qfl.federation.completion.similarities", lambda f, *, estimator: similar)
    head = "head:*:slant"
    others = [
        Update(
            {m: t for m, t in u.modules.items() if m != head},
            {m: n for m, n in u.samples.items() if m != head},
        )
        for u in (first, second)
    ]
    ours = found.learning.aggregate(found.state, [*others, odd])
    expected = FedAvg().aggregate(found.state, others)
    assert same(ours, expected)


# 4. Realised shares, and a difficulty that makes the question one.


@pytest.mark.parametrize("total", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("mechanism", ["random", "class", "client"])
def test_realised_missing_shares_equal_the_request(total, mechanism):
    """To half a sample over all clients; tests/data/test_missing.py has the mutation."""
    population = replace(SCENARIO, missing=total, missing_mechanism=mechanism).build(Streams(8))
    for part in ("train", "test"):
        samples = [getattr(client, part) for client in population.clients]
        count = sum(map(len, samples))
        lost = sum(int((~m).sum()) for s in samples for m in s.available.values())
        assert abs(lost - total * count) <= 0.5


def accuracy(scenario, shown, seed=31):
    """Digit accuracy of a model trained on what all clients hold together, these modalities."""
    population = replace(scenario, missing=0.0).build(Streams(seed))
    modalities = tuple(m for m in population.modalities if m.name in shown)
    model = architecture(modalities, population.tasks, Pooled(72))
    parts = [TensorSamples.of(c.train.only(shown, ("digit", "slant"))) for c in population.clients]
    trained = train(
        model,
        model.initial_state(Streams(seed)),
        TensorSamples.joined(parts),
        assignment=Assignment(
            tasks=population.tasks, training=replace(TRAINING, epochs=20, learning_rate=0.2)
        ),
        rng=np.random.default_rng(seed),
    )
    test = TensorSamples.of(population.test.only(shown, ("digit",)))
    with torch.no_grad():
        outputs = model.predict(trained.state, test.inputs)["digit"]
    return float((outputs.argmax(1) == test.targets["digit"]).double().mean())


def test_each_modality_alone_is_five_points_below_the_pair_on_complete_data():
    pair = accuracy(SCENARIO, ("upper", "lower"))
    assert max(accuracy(SCENARIO, (one,)) for one in ("upper", "lower")) <= pair - 0.05
    assert 0.3 <= pair <= 0.97


def test_a_pair_of_which_one_says_it_all_would_be_seen():
    """The mutation: the whole picture beside its profile, which adds nothing to it."""
    scenario = replace(SCENARIO, views="profile")
    pair = accuracy(scenario, ("image", "profile"))
    assert max(accuracy(scenario, (one,)) for one in ("image", "profile")) > pair - 0.05


# Options and refusals.


def test_everything_switched_off_is_fedavg_bit_for_bit():
    (ours, mine), (plain, theirs) = (
        played(algorithm) for algorithm in (Completion(**OFF, fill="mask"), FedAvg())
    )
    assert same(ours.state, plain.state)
    assert [r.metrics for r in mine] == [r.metrics for r in theirs]


@pytest.mark.parametrize(
    "change",
    [
        {"contrastive": 0.0},
        {"margin": 0.0},
        {"similarity": "off"},
        {"similarity": "biased"},
        {"prompts": False},
        {"fill": "noise"},
        {"fill": "zeros"},
        {"fill": "mask"},
        {"fill": "drop"},
        {"fill": "truth"},
    ],
)
def test_every_option_changes_what_is_learnt(change):
    (one, _), (other, _) = (played(Completion(**(QUICK | c)), rounds=1) for c in ({}, change))
    assert not same(one.state, other.state)


def test_clients_together_and_alone_learn_the_same(monkeypatch):
    """The losses run in a stack of clients as they do for one: 2e-6 apart after a round."""
    together, _ = played(Completion(**QUICK, similarity="off"), rounds=1)
    monkeypatch.setattr("qfl.federation.training.cohort.STACK", (1, 1))
    alone, _ = played(Completion(**QUICK, similarity="off"), rounds=1)
    left, right = (one.model.flatten(one.state) for one in (together, alone))
    assert max(float((left[n] - right[n]).abs().max()) for n in left) < 2e-6


def test_a_transformer_has_a_joint_embedding_too():
    found, records = played(Completion(**QUICK), rounds=1, model="tiny")
    assert 0 < records[-1].metrics["least_centrality"] <= 1
    assert found.learning.teacher.embed(found.test).shape == (len(found.test), 32)


def test_a_client_without_complete_samples_cannot_train_on_them_alone():
    population = replace(SCENARIO, missing_mechanism="client").build(Streams(3))
    with pytest.raises(ConfigError, match=r"client-0\d has no complete sample"):
        federation(Completion(**OFF, fill="drop"), population=population)


def test_without_public_samples_it_says_what_to_do():
    bare = replace(POPULATION, public=None)
    with pytest.raises(ConfigError, match=r"set scenario\.public_samples, or fill"):
        federation(Completion(), population=bare)
    found, _ = played(Completion(**OFF, fill="zeros"), bare, rounds=1)
    assert isinstance(found.learning, Completed)


def test_tagging_alone_has_no_joint_embedding():
    tags = Task("slot", "tagging", 3)
    clients = tuple(replace(c, tasks=(tags,)) for c in POPULATION.clients)
    found = federation(Completion(**OFF, fill="mask"), population=POPULATION)
    world = World(
        model=found.model,
        participants=tuple(
            replace(p, client=c) for p, c in zip(found.participants, clients, strict=True)
        ),
        training=TRAINING,
        exchange=found.exchange,
        rounds=1,
        streams=Streams(0),
        initial=found.state,
        public=TensorSamples.of(POPULATION.public),
    )
    with pytest.raises(ConfigError, match="tagging reads single tokens"):
        Completion(**QUICK).start(world)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrastive": -1.0}, "contrastive must be >= 0, got -1.0"),
        ({"generated": 3}, "generated must be >= 4"),
        ({"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Completion(**options)


def test_the_registry_knows_it():
    assert ALGORITHMS.resolve("completion") is Completion
