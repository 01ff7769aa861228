"""TAP: what must hold exactly, each with the mutation that breaks it."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from small import DIGITS, Watched, copied, cut, federation, same, same_module

from qfl.core.errors import ConfigError, ModuleMismatchError, UnknownNameError
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.engine import LocalTraining
from qfl.federation.exchange import to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.local import Local
from qfl.federation.population import held_apart
from qfl.federation.scaffold import Scaffold
from qfl.federation.tap import Personal, Tap, losses
from qfl.federation.training.lessons import Pupil
from qfl.models.keys import ModuleKey
from qfl.models.m3t import Architecture
from qfl.scenarios.digits import Digits
from qfl.scenarios.synthetic import Synthetic

SMALL = cut(DIGITS, clients=5, rows=40)
TRAINING = LocalTraining(epochs=2, learning_rate=0.05)
PLAN = {
    "population": SMALL,
    "model": "tiny",
    "gate": "table",
    "validation_fraction": 0.25,
    "training": TRAINING,
}
FOREVER = math.inf


def tap(**options):
    return Tap(**({"tuning_steps": 4} | options))


def played(algorithm, **options):
    one = federation(algorithm, **(PLAN | options))
    return one, list(one.play())


# 1. Downloads


class Downloads:
    """TAP that compares every download with what the server held when it was sent."""

    def __init__(self):
        self.kinds, self.compared = set(), 0

    def watch(self, one):
        learning, after = one.learning, one.learning.after_training

        def compare(pupil):
            for module, tensors in pupil.model.items():
                assert same_module(tensors, one.state[module])
                self.kinds.add(ModuleKey.parse(module).kind)
                self.compared += len(tensors)
            assert set(pupil.model) == set(pupil.participant.model.module_ids)
            return (yield from after(pupil))

        learning.after_training = compare


def test_1_every_download_equals_the_servers_tensors_bit_for_bit():
    one = federation(tap(), **PLAN)
    seen = Downloads()
    seen.watch(one)
    records = list(one.play())
    held = sum(len(who.model.shapes) for who in one.participants)
    assert seen.compared == 2 * held
    assert seen.kinds >= {"encoder", "projection", "prompt", "trunk", "lora", "adapter", "norm"}
    assert seen.kinds >= {"expert", "head"}
    assert records[-1].metrics["replacements"] > 0


@pytest.mark.parametrize("kind", ["encoder", "expert", "lora", "head"])
def test_1_mutation_a_stripped_prefix_raises(kind):
    """As in the released code, where 174 of 174 tensors were dropped without a word."""

    class Strips(Watched):
        def open(self, envelope):
            update = super().open(envelope)
            modules = {m.removeprefix(f"{kind}:"): ts for m, ts in update.modules.items()}
            counts = {m.removeprefix(f"{kind}:"): n for m, n in update.samples.items()}
            return Update(modules, counts)

    with pytest.raises(ModuleMismatchError, match=f"missing .*{kind}:.*unknown"):
        played(tap(), wrap=Strips)


# 2. is in tests/models/test_paths.py


def test_2_replacement_takes_the_declared_path():
    _, records = played(tap(margin=-FOREVER))
    one = federation(tap(), **PLAN)
    models = {who.client.name: who.model for who in one.participants}
    for record in records[1:]:
        for each in record.comparisons:
            assert each.replaced in ((), models[each.client].path(each.task))


# 3. Margins


def test_3_an_endless_margin_is_local_training_bit_for_bit():
    endless, _ = played(tap(margin=FOREVER, tuning_steps=0), rounds=3)
    alone, _ = played(Local(), rounds=3)
    assert endless.courier.own.keys() == alone.courier.own.keys()
    for index, state in alone.courier.own.items():
        assert same(state, endless.courier.own[index])


def test_3_mutation_any_replacement_ends_that():
    once, records = played(tap(margin=FOREVER, margins={"digit": 0.0}, tuning_steps=0), rounds=3)
    alone, _ = played(Local(), rounds=3)
    took = {each.client for r in records[1:] for each in r.comparisons if each.replaced}
    assert took
    for who in once.participants:
        kept = same(alone.courier.own[who.index], once.courier.own[who.index])
        assert kept == (who.client.name not in took)


def first_lesson(margins, *, path=None, monkeypatch=None):
    """Both tasks at one client: its model, its trained copy, and what its first lesson starts
    from, with these margins."""
    if path is not None:
        monkeypatch.setattr(Architecture, "path", path)
    one = federation(tap(margin=FOREVER, margins=margins), **PLAN)
    who = next(p for p in one.participants if len(p.client.tasks) == 2)
    own = who.model.initial_state(Streams(11))
    common = {m: {n: t + 0.01 for n, t in ts.items()} for m, ts in own.items()}
    trained = dataclasses.make_dataclass("Trained", ["state", "losses"])(common, {})
    pupil = Pupil(participant=who, round=1, model=own, trained=trained)
    course = one.learning.after_training(pupil)
    return who.model, own, common, next(course).state


def test_3_a_margin_of_minus_infinity_copies_the_union_of_paths():
    model, _, common, start = first_lesson({"digit": -FOREVER, "slant": -FOREVER})
    union = {m for task in ("digit", "slant") for m in model.path(task)}
    assert union == set(model.module_ids)
    assert same(start, common)


def test_3_mutation_a_path_that_forgets_a_module_is_noticed(monkeypatch):
    honest = Architecture.path
    _, _, common, start = first_lesson(
        {"digit": -FOREVER, "slant": -FOREVER},
        path=lambda self, task: honest(self, task)[1:],
        monkeypatch=monkeypatch,
    )
    assert not same(start, common)


def test_3_modules_are_taken_exactly_when_the_recorded_losses_say_so():
    for margin in (-0.02, 0.0, 0.05):
        _, records = played(tap(margin=margin, margins={"slant": margin / 2}), rounds=4)
        found = [each for record in records for each in record.comparisons]
        assert follows(found, {"digit": margin, "slant": margin / 2})
        assert len({bool(each.replaced) for each in found}) == 2, "both happen"


def follows(comparisons, margins):
    return all(
        bool(each.replaced) == (each.common_loss + margins[each.task] < each.personal_loss)
        for each in comparisons
    )


def test_3_mutation_a_turned_inequality_is_noticed(monkeypatch):
    honest = Personal._comparison

    def turned(self, who, task, ours, mine):
        return dataclasses.replace(
            honest(self, who, task, mine, ours), common_loss=ours, personal_loss=mine
        )

    monkeypatch.setattr(Personal, "_comparison", turned)
    _, records = played(tap(margin=0.0), rounds=2)
    found = [each for record in records for each in record.comparisons]
    assert not follows(found, {"digit": 0.0, "slant": 0.0})


# 4. What is exclusive to another task


def moved(left, right):
    return {m for m in left if not same_module(left[m], right[m])}


def test_4_replacing_one_task_leaves_modules_of_another_alone():
    model, own, _, start = first_lesson({"digit": -FOREVER})
    digit, slant = (set(model.path(task)) for task in ("digit", "slant"))
    assert slant - digit
    assert moved(own, start) == digit
    assert not moved(own, start) & (slant - digit)
    assert moved(own, start) & slant, "shared modules change for both"


def test_4_the_record_says_which_modules_were_taken():
    _, records = played(tap(margin=-FOREVER), rounds=1)
    by_task = {each.task: set(each.replaced) for each in records[1].comparisons}
    assert by_task["digit"] & by_task["slant"]
    assert "head:*:digit" in by_task["digit"] - by_task["slant"]


def test_4_mutation_a_path_that_takes_everything_is_noticed(monkeypatch):
    model, own, _, start = first_lesson(
        {"digit": -FOREVER}, path=lambda self, task: self.module_ids, monkeypatch=monkeypatch
    )
    monkeypatch.undo()
    assert moved(own, start) & (set(model.path("slant")) - set(model.path("digit")))


# 5. Splits


def leaks(population):
    """Clients whose training samples are seen in a test or in validation."""
    everyone_tests = set(population.test.ids)
    found = []
    for client in population.clients:
        parts = [set(client.train.ids), set(client.test.ids)]
        parts += [set(client.validation.ids)] if client.validation is not None else []
        sizes = sum(map(len, parts))
        if len(set().union(*parts)) < sizes or everyone_tests & set().union(*parts):
            found.append(client.name)
    return found


@pytest.mark.parametrize("scenario", [Digits(clients=9), Synthetic()], ids=["digits", "made up"])
def test_5_no_sample_is_in_two_splits_of_a_client_for_any_seed(scenario):
    for seed in range(5):
        streams = Streams(seed)
        population = held_apart(scenario.build(streams), 0.25, streams)
        assert leaks(population) == []
        whole = scenario.build(streams)
        for before, after in zip(whole.clients, population.clients, strict=True):
            assert set(before.train.ids) == set(after.train.ids) | set(after.validation.ids)
            assert len(after.validation) == round(0.25 * len(before.train))


def test_5_mutation_rows_cut_from_two_shuffles_are_noticed():
    """As in the released code, where the test slice was cut from another shuffle."""
    population = held_apart(DIGITS, 0.25, Streams(0))
    again = held_apart(DIGITS, 0.25, Streams(1))
    mixed = tuple(
        dataclasses.replace(one, validation=other.validation)
        for one, other in zip(population.clients, again.clients, strict=True)
    )
    assert leaks(dataclasses.replace(population, clients=mixed))


def test_5_held_apart_samples_are_not_trained_on():
    one = federation(tap(), **PLAN)
    for who in one.participants:
        assert len(who.train) + len(who.validation) == len(SMALL.clients[who.index].train)


# 6. Bytes


def billed(algorithm):
    """Whether every envelope holds exactly the modules of its client, and the records say so."""
    one = federation(algorithm, **PLAN)
    sealed = []
    seal = one.policies.channel.seal

    def note(update, header):
        envelope = seal(update, header)
        sealed.append((header, update, envelope.wire_bytes))
        return envelope

    one.policies.channel.seal = note
    records = list(one.play())
    sizes = {
        who.client.name: to_update({m: one.state[m] for m in who.model.module_ids}, 1).payload_bytes
        for who in one.participants
    }
    for header, update, wire in sealed:
        client = header.receiver if header.sender == "server" else header.sender
        if update.payload_bytes != sizes[client] or not 0 <= wire - update.payload_bytes < 600:
            return False
    down = sum(wire for header, _, wire in sealed if header.sender == "server")
    up = sum(wire for header, _, wire in sealed if header.sender != "server")
    costs = [record.costs for record in records]
    return (
        sum(c.payload_bytes_down for c in costs) == down
        and sum(c.payload_bytes_up for c in costs) == up
    )


def test_6_bytes_are_those_of_the_modules_that_a_client_holds():
    assert billed(tap())
    assert billed(FedAvg())


def test_6_mutation_anything_beside_the_modules_is_noticed():
    assert not billed(Scaffold())


# The rules


def test_held_out_losses_are_those_of_both_models_in_this_round():
    one = federation(tap(tuning_steps=0), **PLAN)
    learning, checked = one.learning, []
    after = learning.after_training

    def compare(pupil):
        who, own = pupil.participant, pupil.mine(learning._world)
        expected = [losses(who, s, who.validation) for s in (pupil.trained.state, copied(own))]
        personal = yield from after(pupil)
        for each in personal.comparisons:
            assert each.common_loss == expected[0][each.task]
            assert each.personal_loss == expected[1][each.task]
            checked.append(each)
        return personal

    learning.after_training = compare
    list(one.play())
    assert len(checked) == 2 * sum(len(who.client.tasks) for who in one.participants)


def test_the_stale_rule_compares_training_losses_and_first_takes_everything():
    _, records = played(tap(rule="training"), validation_fraction=0.0, rounds=3)
    first, second, _ = (record.comparisons for record in records[1:])
    assert all(each.personal_loss is None and each.replaced for each in first)
    assert all(each.personal_loss is not None for each in second)


def test_the_stale_rule_remembers_the_loss_of_the_last_own_training():
    plan = PLAN | {"validation_fraction": 0.0}
    records = list(federation(tap(rule="training"), **plan).play())
    again = federation(tap(rule="training"), **plan)
    list(again.train(1, 1))
    kept = {p.client.name: dict(again.learning._last[p.index]) for p in again.participants}
    for each in records[2].comparisons:
        assert each.personal_loss == kept[each.client][each.task]


def test_without_stage_one_nothing_is_replaced_and_without_stage_two_nothing_is_downloaded():
    one, records = played(tap(replace=False, margin=-FOREVER))
    assert not any(each.replaced for record in records for each in record.comparisons)
    assert records[-1].metrics["replacements"] == 0
    rest, others = played(tap(tuning_steps=0))
    assert others[-1].costs.training_operations < records[-1].costs.training_operations
    assert one.courier.own.keys() == rest.courier.own.keys()


def test_distillation_moves_the_personal_models_and_no_weight_trains_without_a_teacher():
    ends = {weight: played(tap(distillation=weight)) for weight in (0.0, 1e-9, 1.0)}
    own = {weight: one.courier.own for weight, (one, _) in ends.items()}
    assert not any(same(own[0.0][i], own[1.0][i]) for i in own[0.0])
    for index, state in own[0.0].items():
        for module, tensors in state.items():
            for name, tensor in tensors.items():
                assert torch.allclose(tensor, own[1e-9][index][module][name], atol=1e-4)
    costs = {weight: records[-1].costs.training_operations for weight, (_, records) in ends.items()}
    assert costs[0.0] < costs[1.0] == costs[1e-9]


def test_a_client_that_was_never_called_compares_when_it_takes_the_model_home():
    _, records = played(tap(margin=-FOREVER), rounds=1, clients_per_round=2)
    counts = {}
    for each in records[1].comparisons:
        counts[each.client] = counts.get(each.client, 0) + 1
    tasks = {client.name: len(client.tasks) for client in SMALL.clients}
    assert counts == tasks


def test_the_common_model_is_that_of_fedavg():
    personal, _ = played(tap())
    plain, _ = played(FedAvg())
    assert same(personal.state, plain.state)


def test_records_survive_json_and_repeat_bit_for_bit():
    (_, first), (_, second) = (played(tap(rule="training"), rounds=2) for _ in range(2))
    assert [RoundRecord.from_dict(r.to_dict()) for r in first] == first
    assert [r.comparisons for r in first] == [r.comparisons for r in second]
    assert [r.metrics for r in first] == [r.metrics for r in second]
    assert np.isfinite([e.common_loss for r in first for e in r.comparisons]).all()


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(UnknownNameError, match="held_out"):
        tap(rule="held-out")
    with pytest.raises(ConfigError, match="tuning_steps >= 0, got -1"):
        tap(tuning_steps=-1)
    with pytest.raises(ConfigError, match="temperature > 0"):
        tap(temperature=0.0)
    with pytest.raises(ConfigError, match="margin is a number"):
        tap(margins={"digit": math.nan})
    with pytest.raises(UnknownNameError, match="did you mean 'digit'"):
        played(tap(margins={"digits": 0.1}))
    with pytest.raises(ConfigError, match=r"set validation_fraction > 0, or rule"):
        played(tap(), validation_fraction=0.0)
