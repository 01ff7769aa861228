"""The plan: what cannot be played is refused at once, and ranks go round."""

import pytest

from qfl.core.errors import ConfigError, ProblemError, UnknownNameError
from qfl.federation.plan import Schedule
from qfl.models.pooled import Pooled


def plan(**options):
    return Schedule(**{"rounds": 3, "clients_per_round": 2, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds must be >= 1, got 0"),
        ({"clients_per_round": 0}, "clients_per_round must be >= 1, got 0"),
        ({"model_width": 1}, "model_width must be >= 2, got 1"),
        ({"circuit_layers": 0}, "circuit_layers must be >= 1, got 0"),
        ({"qubits": -1}, "qubits must be >= 1, got -1"),
        ({"eavesdropped_round": 4}, "eavesdropped_round 4 is after the last of 3"),
        ({"validation_fraction": 1.0}, "at least 0 and below 1, got 1.0"),
        ({"lora_ranks": (2,)}, "the pooled model has no lora_ranks"),
        ({"head": "quantum"}, "the pooled model has no head"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_is_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        plan(**options)


@pytest.mark.parametrize("name", ["exchange", "codec", "model"])
def test_names_that_nobody_knows_are_refused_before_anybody_trains(name):
    with pytest.raises(UnknownNameError, match="nonsense"):
        plan(**{name: "nonsense"})


@pytest.mark.parametrize(
    ("exchange", "kinds"),
    [
        ("fedbn", "norm"),
        ("lora", "lora"),
        ("ffa_lora", "lora"),
        ("prompt", "prompt"),
        ("adapter", "adapter or quantum_adapter"),
        ("peft", "lora or adapter or quantum_adapter or prompt"),
        ("experts", "expert"),
    ],
)
def test_a_policy_for_kinds_that_the_model_lacks_is_refused(exchange, kinds):
    message = (
        f"'{exchange}' is for modules of kind {kinds}, and model 'pooled' has none; take model"
    )
    with pytest.raises(ConfigError, match=message):
        plan(exchange=exchange)
    assert plan(exchange=exchange, model="tiny", adapter="quantum").exchange == exchange


def test_ranks_go_round_and_the_server_has_the_largest():
    ranked = plan(model="tiny", lora_ranks=(1, 4, 2))
    assert [ranked.recipe_of(client).rank for client in range(5)] == [1, 4, 2, 1, 4]
    assert ranked.recipe.rank == 4
    assert plan().recipe_of(7) == Pooled(32)


def test_more_clients_than_there_are_cannot_be_chosen():
    plan().check_choice(2, candidates=2)
    with pytest.raises(ProblemError, match=r"cannot choose 2 of 1 clients.*1\.\.1"):
        plan().check_choice(1, candidates=1)


def test_an_exception_stands_beside_the_policy_of_all():
    policy = plan(exchange="fedper", codec="fp16", modules={"encoder:*": {"codec": "int8"}}).policy(
        ["encoder:image:*", "head:*:digit"]
    )
    assert policy["encoder:image:*"].codec == "int8"
    assert policy["head:*:digit"].placement == "local"
    assert policy["fusion:*:*"].codec == "fp16"
