from qfl.backends.practice import SWITCHES, practised


def test_what_is_off_is_not_said():
    assert practised({"line": False, "dynamical_decoupling": "", "level": 3}) == ()


def test_every_switch_against_errors_has_a_word():
    options = {"line": True, "fractional_gates": True, "twirling": True}
    found = practised({**options, "dynamical_decoupling": "XX"})
    assert found == ("decoupling:XX", "swap_network", "fractional_gates", "twirling")
    assert {*options, "dynamical_decoupling"} <= set(SWITCHES)
