"""Places: who ran the same circuit elsewhere, and what a place wraps or models."""

from qfl.report.deciding.places import Place, ideal_pairs, model_pairs, places, raw_pairs

SNAPSHOT = ("aer:fake_manila", {})


def test_methods_are_paired_by_the_circuit_that_they_share(device_results):
    noisy = ["manila", "plain", "idle", "pulsed"]
    noisy += ["readout", "selected", "extrapolated", "model", "guess"]
    assert ideal_pairs(device_results) == tuple((name, "ideal") for name in noisy)
    assert raw_pairs(device_results) == (
        ("manila", "plain"),
        ("idle", "manila"),
        ("pulsed", "idle"),
        ("readout", "manila"),
        ("selected", "manila"),
        ("extrapolated", "manila"),
    )
    assert model_pairs(device_results) == (("model", "manila"),)
    assert places(device_results)["manila"].is_at("aer:fake_manila", {})


def test_a_place_says_what_it_wraps_and_what_it_models():
    wrapper = {"backend": "aer:fake_manila", "backend_options": {"level": 0}}
    wrapping = Place("mitigation:readout", wrapper, {}, ideal=False)
    assert wrapping.wraps == ("aer:fake_manila", {"level": 0})
    assert wrapping.models is None
    model = Place("noise:depolarising", {"snapshot": "fake_manila"}, {}, ideal=False)
    assert (model.wraps, model.models) == (None, SNAPSHOT)
    guess = Place("noise:depolarising", {"two_qubit_error": 0.01}, {}, ideal=False)
    assert guess.is_model
    assert guess.models is None


def test_one_switch_turned_up_is_a_pair_and_two_are_none():
    def at(**options):
        return Place("aer:fake_manila", {"level": 1, "idle_errors": False, **options}, {}, False)

    assert at(idle_errors=True).turns_up(at())
    assert not at().turns_up(at(idle_errors=True))
    assert not at().turns_up(at())
    assert not at(idle_errors=True, level=2).turns_up(at())
