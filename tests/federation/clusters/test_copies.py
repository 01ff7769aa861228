"""Copies of modules for clusters of clients: what they are, who gets which, what they cost."""

import json

import numpy as np
import pytest
import torch
from small import DIGITS, copied, federation, numbers, planted, same, same_module

from qfl.core.errors import ConfigError
from qfl.core.record import RoundRecord
from qfl.federation.clusters.by_direction import ByDirection
from qfl.federation.clusters.by_loss import ByLoss
from qfl.federation.clusters.copies import Copies
from qfl.federation.clusters.declared import Declared
from qfl.federation.ditto import Ditto
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedopt import FedAdam
from qfl.federation.scaffold import Scaffold
from qfl.models.keys import copy_id, original
from qfl.security.channel import Plain
from qfl.security.masked import Masked

HEAD = "head:*:y"
CLUSTERED = {"head:*": {"placement": "cluster"}}


def founded(division=None, *, algorithm=None, placement="cluster", population=None, **options):
    return federation(
        algorithm,
        population=population or planted(),
        training=LocalTraining(epochs=3),
        modules={"head:*": {"placement": placement}},
        division=division,
        **{"rounds": 3, **options},
    )


def learnt(records):
    """What records say of the learning alone."""
    return [(r.metrics, r.client_metrics, r.selected, r.delivered, r.excluded) for r in records]


def sent_to(one, client, round_index):
    return next(
        update
        for header, update in one.policies.channel.passed
        if (header.receiver, header.round) == (client, round_index)
    )


@pytest.mark.parametrize("algorithm", [FedAvg(), FedAdam(), Ditto()])
@pytest.mark.parametrize("division", [Declared("all"), ByLoss(count=1), ByDirection(count=1)])
def test_one_cluster_is_global_bit_for_bit(algorithm, division):
    """Exact."""
    shared = founded(placement="global", algorithm=algorithm)
    single = founded(division, algorithm=algorithm)
    assert learnt(list(shared.play())) == learnt(list(single.play()))
    assert same(shared.state, {original(m): tensors for m, tensors in single.state.items()})
    assert same(shared.state, single.copies.common(single.state))


def test_two_clusters_are_not_global():
    """Mutation of the above: the equality is that of one cluster alone."""
    shared, parted = founded(placement="global"), founded(Declared("half"))
    assert learnt(list(shared.play())) != learnt(list(parted.play()))


def test_clusters_of_one_client_each_are_local():
    """Exact: each client's model, and what all of them share, are those of heads kept at home."""
    kept, alone = founded(placement="local"), founded(Declared("self"))
    kept_records, records = list(kept.play()), list(alone.play())
    assert [r.client_metrics for r in kept_records] == [r.client_metrics for r in records]
    for module in kept.state.keys() - {HEAD}:
        assert same_module(kept.state[module], alone.state[module])
    for client in range(6):
        own = alone.copies.of(alone.state, client)[HEAD]
        assert same_module(kept.courier.kept[client][HEAD], own)


def test_clusters_of_one_client_each_are_local_whatever_they_share():
    """Exact: with all modules at home nothing travels, and clients train all the same."""
    records = []
    for placement, division in (("local", None), ("cluster", Declared("self"))):
        one = federation(
            population=planted(),
            training=LocalTraining(epochs=3),
            modules={"*": {"placement": placement}},
            division=division,
        )
        records.append(list(one.play()))
    kept, alone = records
    assert [r.client_metrics for r in kept] == [r.client_metrics for r in alone]
    assert kept[1].client_metrics != kept[0].client_metrics
    assert kept[1].costs.payload_bytes_up == kept[1].costs.payload_bytes_down == 0
    assert kept[1].costs.training_operations == alone[1].costs.training_operations > 0
    assert kept[1].delivered == ()


def test_clusters_of_two_clients_are_not_local():
    """Mutation of the above."""
    kept = list(founded(placement="local").play())
    paired = list(founded(Declared("group"), population=planted(clients=4)).play())
    assert kept[-1].client_metrics != paired[-1].client_metrics


@pytest.mark.parametrize("division", [Declared("group"), ByLoss(), ByDirection(after=2)])
def test_every_tensor_that_comes_down_is_the_servers_copy(division):
    """Exact, Z: of each copy by its name; a client of one cluster never meets another's."""
    one = founded(division, rounds=4)
    next(records := one.play())
    for round_index in (1, 2, 3, 4):
        before = copied(one.state)
        places = {p.client.name: one.copies.of(before, p.index) for p in one.participants}
        record = next(records)
        for client, model in places.items():
            update = sent_to(one, client, round_index)
            copies = {m for m in update.modules if original(m) == HEAD}
            assert copies == {copy_id(HEAD, c) for c in record.clusters.downloaded[client]}
            for module, tensors in update.modules.items():
                for name, tensor in tensors.items():
                    assert np.array_equal(tensor, before[module][name].numpy())
            if not isinstance(division, ByLoss):
                [own] = copies
                assert same_module(before[own], model[HEAD])


def test_a_copy_is_the_mean_of_its_cluster_alone():
    """Exact; the mutation is a client of the other cluster among them."""
    one = founded(Declared("group"), rounds=1)
    list(one.play())
    sent = {h.sender: u for h, u in one.policies.channel.passed if h.receiver == "server"}

    def mean(clients, module, name="weight"):
        rows = [sent[c].modules[module][name].astype(np.float64) for c in clients]
        return np.average(rows, axis=0, weights=[sent[c].samples[module] for c in clients])

    even, odd = (tuple(f"client-0{i}" for i in range(at, 6, 2)) for at in (0, 1))
    for cluster, clients in (("a", even), ("b", odd)):
        copy = one.state[copy_id(HEAD, cluster)]["weight"].numpy()
        assert np.allclose(copy, mean(clients, copy_id(HEAD, cluster)), atol=1e-7)
    fusion = one.state["fusion:*:*"]["norm.bias"].numpy()
    assert np.allclose(fusion, mean((*even, *odd), "fusion:*:*", "norm.bias"), atol=1e-7)
    assert copy_id(HEAD, "b") not in sent["client-00"].modules
    both = np.average([one.state[copy_id(HEAD, c)]["weight"].numpy() for c in "ab"], axis=0)
    assert not np.allclose(both, one.state[copy_id(HEAD, "a")]["weight"].numpy(), atol=1e-3)


def test_what_copies_have_in_common_is_their_mean_by_samples():
    one = founded(Declared("group"), rounds=1)
    list(one.play())
    samples = [sum(len(p.train) for p in one.participants[at::2]) for at in (0, 1)]
    copies = [one.state[copy_id(HEAD, c)]["weight"].double() for c in "ab"]
    wanted = (copies[0] * samples[0] + copies[1] * samples[1]) / sum(samples)
    found = one.copies.common(one.state)
    assert torch.allclose(found[HEAD]["weight"].double(), wanted, atol=1e-7)
    assert list(found) == list(one.model.module_ids)
    unknown = one.model_for(99)[1]
    assert same(unknown, found)
    assert same_module(one.model_for(1)[1][HEAD], one.state[copy_id(HEAD, "b")])


def test_every_copy_that_travels_is_paid():
    """Exact: three copies of a head come down where one does, and one goes up."""
    numbers_of_head = 8 + 1
    bills = {
        count: list(founded(ByLoss(count=count), rounds=1).play())[1].costs for count in (1, 3)
    }
    more = bills[3].payload_bytes_down - bills[1].payload_bytes_down
    assert more >= 6 * 2 * 4 * numbers_of_head
    assert more < 6 * 2 * (4 * numbers_of_head + 600)
    assert bills[3].payload_bytes_up == bills[1].payload_bytes_up
    assert bills[3].training_operations > bills[1].training_operations
    declared = list(founded(Declared("group"), rounds=1).play())[1].costs
    assert declared.payload_bytes_down == bills[1].payload_bytes_down


def test_records_say_who_is_where_and_come_back():
    records = list(founded(ByDirection(after=1), rounds=3, clients_per_round=4).play())
    assert set(records[0].clusters.members.values()) == {"undivided"}
    assert records[0].clusters.modules == (HEAD,)
    assert records[1].clusters.downloaded.keys() == set(records[1].selected)
    assert set(records[-1].clusters.members.values()) <= {"undivided", "0", "1"}
    again = [RoundRecord.from_dict(json.loads(json.dumps(r.to_dict()))) for r in records]
    assert again == records
    assert list(founded(placement="global").play())[-1].clusters is None


@pytest.mark.parametrize("division", [Declared("group"), ByLoss(), ByDirection(after=1)])
def test_a_federation_with_clusters_repeats_bit_for_bit_on_any_number_of_workers(division):
    """Exact, Z7: so a cell that was killed and is played again ends alike."""
    population = planted(clients=24)
    runs = [
        [numbers(r) for r in founded(division, population=population, workers=workers).play()]
        for workers in (1, 2)
    ]
    assert runs[0] == runs[1]


def test_a_masked_sum_is_made_in_every_cluster_and_given_up_where_it_is_too_small():
    """Exact up to the grid: three clients of one cluster hide, two of the other cannot."""
    population = planted(clients=5)
    masked = founded(Declared("group"), population=population, channel=Masked(), rounds=1)
    plain = founded(Declared("group"), population=population, rounds=1)
    before = copied(masked.state)
    [_, record], _ = list(masked.play()), list(plain.play())
    by_copy = {event.modules: event for event in record.sums}
    assert by_copy[copy_id(HEAD, "a"),].survivors == 3
    few = by_copy[copy_id(HEAD, "b"),]
    assert "2 of the round's clients hold it, a masked sum needs 3" in few.given_up
    assert same_module(masked.state[copy_id(HEAD, "b")], before[copy_id(HEAD, "b")])
    for module in plain.state.keys() - {copy_id(HEAD, "b")}:
        for name, tensor in plain.state[module].items():
            assert torch.allclose(masked.state[module][name], tensor, atol=2 / 16_384)


def test_clients_choose_by_loss_under_masks():
    record = list(founded(ByLoss(), channel=Masked(), rounds=2).play())[-1]
    assert set(record.clusters.members.values()) <= {"0", "1"}
    assert record.clusters.members.keys() == set(record.selected)


def test_clients_that_hold_different_modules_are_in_clusters_by_what_they_hold():
    """Heads of tasks that a cluster does not hold have a copy that nobody ever trains."""
    one = federation(population=DIGITS, modules=CLUSTERED, division=Declared("modalities"))
    before, records = copied(one.state), list(one.play())
    members = records[-1].clusters.members
    for p in one.participants:
        held = "+".join(m.name for m in p.client.modalities)
        assert members[p.client.name] == held
    holders = {(members[p.client.name], t.name) for p in one.participants for t in p.client.tasks}
    for cluster in records[-1].clusters.clusters:
        for task in one.model.tasks:
            copy = copy_id(f"head:*:{task}", cluster)
            assert same_module(one.state[copy], before[copy]) == ((cluster, task) not in holders)


@pytest.mark.parametrize(
    ("division", "options", "message"),
    [
        (None, {}, "nothing says who is in which"),
        (Declared("all"), {"placement": "global"}, "no module that they share"),
        (Declared("all"), {"algorithm": Scaffold()}, "packs what travels itself"),
    ],
)
def test_what_cannot_be_is_refused(division, options, message):
    with pytest.raises(ConfigError, match=message):
        founded(division, **options)


def test_without_clusters_the_book_changes_nothing():
    one = federation(population=DIGITS, channel=Plain())
    book: Copies = one.copies
    assert book.opened(one.state) is one.state
    assert book.common(one.state) is one.state
    assert book.of(one.state, 0) is one.state
    assert book.membership({}) is None
    assert book.versions(one.participants[0], one.state) == {"": one.state}
