"""Channels, privacy and rules: what cannot work is refused with what can, and the rest plays."""

import numpy as np
import pytest

from qfl.core.errors import StudyError
from qfl.security.privacy.mechanisms import Central
from qfl.study import Study, cells, pairing_key
from qfl.study.assemble import assemble, play

PLAIN = {
    "name": "guarded",
    "title": "Guarded",
    "question": "?",
    "hypothesis": "!",
    "seeds": 1,
    "scenario": {"name": "digits", "clients": 8, "dirichlet_alpha": 1.0},
    "federation": {"algorithm": "fedavg", "rounds": 2, "clients_per_round": 8, "epochs": 1},
    "selection": {"problem": "client_selection", "redundancy": 0.0},
    "channel": {"name": "plain"},
    "methods": [{"solver": "random"}],
    "headline": {"metric": "digit.accuracy", "method": "random", "baseline": "random"},
}
MASKED = {"name": "masked"}
PUBLIC = {"problem": "client_selection", "redundancy": 0.0, "loss": 0.0}


def study(**changes):
    return Study(**{**PLAIN, **changes})


def records(**changes):
    [cell] = cells(study(**changes))
    return list(play(cell))


QUIET = {"algorithm": "fedavg", "rounds": 2, "clients_per_round": 8, "epochs": 1}

COMPLETING = {**QUIET, "algorithm": "completion"}
PAIRS = {
    "name": "digits",
    "clients": 8,
    "dirichlet_alpha": 1.0,
    "views": "halves",
    "held": "everything",
    "missing": 0.5,
    "public_samples": 100,
}

REFUSED = [
    (
        {"channel": MASKED, "federation": {**QUIET, "modules": {"head:*": {"codec": "int8"}}}},
        r"federation.modules.head:\*.codec: int8 codes single changes",
    ),
    (
        {"federation": {**QUIET, "algorithm": "scaffold", "modules": {"*": {"weight": "equal"}}}},
        r"federation.modules.\*.weight: equal weighs a module by itself",
    ),
    (
        {
            "federation": {
                **QUIET,
                "algorithm": "fedadam",
                "modules": {"*": {"aggregator": "median"}},
            }
        },
        r"federation.modules.\*.aggregator: median compares single changes in place of a mean",
    ),
    (
        {"federation": {**QUIET, "modules": {"haed:*": {"codec": "int8"}}}},
        r"unknown module kind 'haed' \(did you mean 'head'\?\)",
    ),
    (
        {"privacy": {"mechanism": "central"}, "selection": PUBLIC}
        | {"federation": {**QUIET, "codec": "top_k"}},
        "codec: top_k adds what it dropped before to a change that was clipped",
    ),
    (
        {"privacy": {"mechanism": "central"}, "selection": PUBLIC}
        | {"federation": {**QUIET, "algorithm": "fedlora", "model": "tiny"}},
        "fedlora merges pairs of single clients",
    ),
    (
        {"federation": {**QUIET, "algorithm": "scaffold", "min_holders": 2}},
        "min_holders: 2 clients would move controls",
    ),
    (
        {"federation": {**QUIET, "algorithm": "fedlora", "model": "tiny", "codec": "int8"}},
        "codec: int8 gives back later what it dropped",
    ),
    ({"channel": MASKED, "federation": {**QUIET, "min_holders": 2}}, "channel.smallest"),
    ({"federation": {**QUIET, "min_holders": 9}}, "above clients_per_round"),
    (
        {"federation": {**QUIET, "algorithm": "fedlora", "model": "tiny", "lora_ranks": [1, 2]}}
        | {"adversary": {"attack": "sign_flip"}},
        "attackers imitate the changes of others",
    ),
    (
        {"channel": MASKED, "federation": {**QUIET, "algorithm": "fedlora"}},
        "fedlora multiplies the factors of each client.*take fedavg",
    ),
    (
        {"channel": MASKED, "federation": {**QUIET, "model": "tiny", "exchange": "experts"}},
        "experts weighs every module of a client by itself",
    ),
    (
        {"federation": {**QUIET, "model": "tiny", "lora_ranks": [1, 2]}},
        r"fedavg cannot add factors of ranks \[1, 2\]; take algorithm fedlora",
    ),
    (
        {"channel": MASKED, "selection": {"problem": "client_selection"}},
        "selection.redundancy: compares single changes.*set it to 0",
    ),
    (
        {"channel": MASKED, "defence": {"rule": "krum", "corrupted": 2}},
        "krum compares updates.*take at least 7 cohorts",
    ),
    (
        {"channel": MASKED, "defence": {"rule": "norm_bounded_mean"}},
        "take at least 2 cohorts, whose means it cuts, or privacy without a rule",
    ),
    ({"defence": {"rule": "krum", "corrupted": 3}}, "needs 9 changes, a round has 8"),
    (
        {"channel": MASKED | {"cohorts": 4}},
        "8 clients a round in 4 cohorts leave fewer than 3 for a sum",
    ),
    ({"privacy": {"mechanism": "central"}}, "selection.loss: lets clients' data decide"),
    (
        {"privacy": {"mechanism": "distributed"}, "selection": PUBLIC},
        "one client's share of noise does not hide it.*take channel masked",
    ),
    (
        {
            "privacy": {"mechanism": "central"},
            "selection": PUBLIC,
            "defence": {"rule": "median"},
        },
        "central noise is priced for a mean, median is none",
    ),
    (
        {
            "privacy": {"mechanism": "central", "quantile": 0.5},
            "selection": PUBLIC,
            "channel": MASKED,
        },
        "an adaptive clip counts the clients below it",
    ),
    (
        {
            "privacy": {"mechanism": "distributed"},
            "selection": PUBLIC,
            "channel": MASKED | {"neighbours": 4},
        },
        "channel.neighbours: shares of noise",
    ),
    (
        {"privacy": {"mechanism": "local"}, "selection": PUBLIC, "channel": MASKED},
        "local noise reaches 7",
    ),
    ({"channel": MASKED | {"sealed": {"levl": "L4"}}}, "channel.sealed.levl: unknown key"),
    *(
        ({"federation": PLAIN["federation"] | {"algorithm": name}, **more}, message)
        for name, more, message in (
            ("centralised", {"channel": MASKED}, "centralised collects the samples of each client"),
            ("centralised", {"adversary": {"attack": "sign_flip"}}, "centralised sends samples"),
            (
                "centralised",
                {"privacy": {"mechanism": "central"}, "selection": PUBLIC},
                "sends the samples themselves",
            ),
            (
                "scaffold",
                {"privacy": {"mechanism": "central"}, "selection": PUBLIC},
                "weighs control variates by samples.*take fedavg",
            ),
        )
    ),
    (
        {"channel": MASKED, "scenario": PAIRS, "federation": COMPLETING},
        "federation.similarity: completion compares the model of each client.*take channel sealed",
    ),
    (
        {
            "privacy": {"mechanism": "central"},
            "selection": PUBLIC,
            "scenario": PAIRS,
            "federation": COMPLETING,
        },
        "federation.similarity: central noise is priced for a mean.*or take mechanism local",
    ),
    (
        {"defence": {"rule": "median"}, "scenario": PAIRS, "federation": COMPLETING},
        "median takes the place of the server's mean, and completion",
    ),
    (
        {"federation": COMPLETING},
        "federation.algorithm: completion fits its frozen parts on public samples, and there are",
    ),
    ({"adversary": {"attack": "alye"}}, "unknown attack 'alye'.*'alie'"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_cannot_work_is_refused_with_the_reason_and_the_alternative(changes, message):
    with pytest.raises(StudyError, match=message):
        study(**changes)


def test_without_comparisons_completion_goes_under_masks():
    """Nothing of its client side needs to be seen by the server."""
    free = {"similarity": "off", "public_epochs": 2}
    found = records(channel=MASKED, scenario=PAIRS, federation={**COMPLETING, **free})
    assert len(found[-1].delivered) == 8
    assert "least_centrality" not in found[-1].metrics


def test_what_a_method_brings_is_checked_against_the_rest():
    methods = [
        {"label": "open", "solver": "random", "defence": {"rule": "krum", "corrupted": 2}},
        {
            "label": "hidden",
            "solver": "random",
            "channel": MASKED,
            "defence": {"rule": "krum", "corrupted": 2},
        },
    ]
    headline = {"metric": "digit.accuracy", "method": "hidden", "baseline": "open"}
    with pytest.raises(StudyError, match=r"methods\.hidden\.defence\.rule: krum compares"):
        study(methods=methods, headline=headline)


def test_methods_with_channels_of_their_own_are_paired():
    methods = [{"solver": "random"}, {"label": "masked", "solver": "random", "channel": MASKED}]
    plain, masked = cells(study(methods=methods))
    assert (plain.channel["name"], masked.channel["name"]) == ("plain", "masked")
    assert plain.solver == masked.solver == {"name": "random"}
    assert plain.id != masked.id
    assert pairing_key(plain) == pairing_key(masked)
    assert plain.id == cells(study())[0].id


@pytest.mark.parametrize("algorithm", ["fedavg", "scaffold"])
def test_masked_learning_is_plain_learning_to_the_grid(algorithm):
    """One round: every weight within one step of the grid and float32 of the plain mean."""
    ends, learning = [], PLAIN["federation"] | {"algorithm": algorithm}
    for channel in ({"name": "plain"}, MASKED, MASKED | {"masks": "pads", "threshold": 1.0}):
        [cell] = cells(study(channel=channel, federation=learning))
        federation = assemble(cell)
        list(zip(range(2), federation.play(), strict=False))
        ends.append(federation.state)
    for masked in ends[1:]:
        for module, tensors in ends[0].items():
            for name, tensor in tensors.items():
                assert float((masked[module][name] - tensor).abs().max()) <= 2 / 16_384 + 1e-6


def test_the_record_of_masked_sums():
    for masks, used in (("ml-kem", False), ("pads", True)):
        record = records(channel=MASKED | {"masks": masks, "threshold": 1.0})[-1]
        assert record.level == "L3"
        assert record.delivered == record.selected
        assert {m for event in record.sums for m in event.modules}
        opened = [event for event in record.sums if not event.given_up]
        assert all(event.survivors == event.clients >= 3 for event in opened)
        assert all(event.key_bits > 0 for event in opened)
        sealing = 2 * 8 * 256
        assert (record.costs.key_bits_used > sealing) is used
        again = type(record).from_dict(record.to_dict())
        assert again == record


@pytest.mark.parametrize("mechanism", ["central", "local", "distributed"])
def test_privacy_is_recorded_with_all_that_it_depends_on(mechanism):
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    channel = MASKED if mechanism == "distributed" else {"name": "plain"}
    privacy = {"mechanism": mechanism, "noise_multiplier": 4.0}
    found = [r.privacy for r in records(channel=channel, privacy=privacy, selection=PUBLIC)]
    assert found[0] is None
    assert [event.releases for event in found[1:]] == [1, 2]
    assert 0 < found[1].epsilon < found[2].epsilon <= found[2].epsilon_renyi
    assert (found[2].delta, found[2].clip) == (1e-5, 1.0)
    assert (found[2].missing > 0) is (mechanism == "distributed")
    assert found[2].adjacency.startswith("replace one client")
    assert found[2].conversion.startswith("privacy loss distribution")


def test_a_server_s_noise_covers_what_masks_round(monkeypatch):
    """Without the noise: the mean of eight changes clipped to 1e-3 is not longer than that.

    On the grid that the channel has for changes in general rounding alone would be longer.
    """
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    monkeypatch.setattr(Central, "server_noise", lambda self, *, bound, clients=1: 0.0)
    privacy = {"mechanism": "central", "clip": 1e-3}
    [cell] = cells(study(channel=MASKED, privacy=privacy, selection=PUBLIC))
    federation = assemble(cell)
    rounds = federation.play()
    next(rounds)
    before = vector(federation.state)
    next(rounds)
    assert 0 < np.linalg.norm(vector(federation.state) - before) <= 1e-3 * (1 + 1e-4)


def vector(state):
    """All weights of a model, one after the other."""
    tensors = [state[module][name] for module in sorted(state) for name in sorted(state[module])]
    return np.concatenate([tensor.double().numpy().ravel() for tensor in tensors])


def test_a_budget_ends_the_training_where_the_next_round_would_exceed_it():
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    privacy = {"mechanism": "central", "noise_multiplier": 4.0, "budget": 1.2}
    rounds = records(privacy=privacy, selection=PUBLIC)
    assert [record.round for record in rounds] == [0, 1, 2]
    assert not rounds[1].privacy.stopped
    assert "over the budget of (1.2, 1e-05); nothing more is released" in rounds[2].privacy.stopped
    assert "replace one client's changes by zero" in rounds[2].privacy.stopped
    assert rounds[2].privacy.epsilon == rounds[1].privacy.epsilon <= 1.2
    assert rounds[1].metrics.items() <= rounds[2].metrics.items()  # the last says more of the same
    assert rounds[2].selected == ()


def test_an_adaptive_clip_moves():
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    privacy = {"mechanism": "central", "quantile": 0.5, "clip": 0.01}
    clips = [r.privacy.clip for r in records(privacy=privacy, selection=PUBLIC)[1:]]
    assert clips[0] != clips[1]


def test_attacks_hurt_the_mean_and_rules_resist():
    """A turned and scaled change of 2 of 8 reverses the mean; the median hardly moves."""
    attack = {"attack": "sign_flip", "corrupted": 2, "scale": 9.0}
    honest, hit, guarded = (
        records(**changes)[-1].metrics["slant.r2"]
        for changes in (
            {},
            {"adversary": attack},
            {"adversary": attack, "defence": {"rule": "median"}},
        )
    )
    assert honest > guarded > hit


def test_a_backdoor_is_measured_and_a_rule_without_enough_rows_says_so():
    attack = {"attack": "backdoor", "corrupted": 3, "scale": 2.0}
    last = records(adversary=attack, defence={"rule": "krum", "corrupted": 2})[-1]
    assert 0 <= last.metrics["digit.attack_success"] <= 1
    for module, why in last.left_out.items():
        assert ":" in module
        assert "krum needs 7" in why


@pytest.mark.parametrize("rule", ["mean", "geometric_median", "fltrust", "norm_bounded_mean"])
def test_every_rule_plays(rule):
    assert records(defence={"rule": rule})[-1].metrics["digit.accuracy"] > 0


@pytest.mark.parametrize("attack", ["alie", "ipm", "label_flip"])
def test_every_attack_changes_the_model(attack):
    attacked = records(adversary={"attack": attack, "corrupted": 2})
    assert attacked[-1].metrics != records()[-1].metrics


@pytest.mark.parametrize("level", ["L1", "L4"])
def test_sealing_changes_no_number_that_is_learnt(level):
    """Exact: what comes out of an envelope is what went in."""
    blocks = {"block_pulses": 10**9, "pool_capacity_bits": 8_000_000} if level == "L4" else {}
    sealed = {"name": "sealed", "level": level, "minimum_level": level, **blocks}
    plain, protected = records(), records(channel=sealed)
    assert [r.metrics for r in protected] == [r.metrics for r in plain]
    assert protected[-1].level == level
    used = protected[-1].costs.key_bits_used
    assert (used > 8 * protected[-1].costs.payload_bytes_up) is (level == "L4")


def test_modules_of_their_own_play_and_are_on_the_bill():
    """As a table of the study, in the cell and on the bill."""
    own = {"encoder:*": {"codec": "int8"}, "head:*": {"aggregator": "median"}}
    [cell] = cells(study(federation={**QUIET, "modules": own}))
    assert cell.federation["modules"] == own
    played, plain = list(play(cell)), records()
    assert played[1].costs.payload_bytes_up < plain[1].costs.payload_bytes_up
    assert played[-1].metrics != plain[-1].metrics
