"""Inputs that make no sense fail their row in one sentence."""

import re

import pytest

from tests.testing.known_answers.computing import TEXT, compute


@pytest.mark.parametrize(
    ("family", "inputs", "reason"),
    [
        ("johnson_spectrum", {"n": 4, "k": 7}, r"cannot choose 7 of 4"),
        ("johnson_spectrum", {"n": 4.5, "k": 1}, "'n' must be a whole number, got 4.5"),
        ("ring_of_disagrees", {"n": 2, "p": 1}, "'n' must be at least 3, got 2"),
        ("complete_xy_evolution", {"n": 60, "k": 30, "beta": 1}, r"C\(60, 30\) .* GiB free"),
        ("ring_dicke_overlap", {"n": 40, "k": 20}, r"C\(40, 20\) .* GiB free"),
        ("sk_nu", {"gamma": [0.1] * 18, "beta": [0.1] * 18}, "depth 17, got depth 18"),
        (
            "lr_chain5",
            dict.fromkeys(("p", "delta_gamma", "delta_beta"), 1)
            | {"n": 2, "weights": [0], "H": "sum w ZZ", "divide_by_max_weight": True},
            "all 0",
        ),
        ("maxcut_p1_general", {"graph": "C6", "n": 7, "gamma": [0], "beta": [0]}, "not n = 7"),
        ("fixed_angle_tree", {"d": 3, "p": 2, "gamma": [0.1], "beta": [0.1]}, "lists of 2 angles"),
        ("fixed_angle_tree", {"d": 3, "gamma": [0.1], "beta": [0.1], "H": "cut"}, "one of '-cut'"),
        ("fixed_angle_graph", {"graph": "bull", "d": 3, "gamma": [0], "beta": [0]}, "degree 3"),
        ("maxcut_p1_general", {"graph": "bll", "gamma": [0], "beta": [0]}, "no graph is called"),
        (
            "maxcut_p1_general",
            {"edges": [[0, 0]], "gamma": [0.1], "beta": [0.1]},
            "two different nodes",
        ),
        (
            "kofn_optimum",
            {"N": 5, "K": 2, "instance": TEXT.replace("cos", "tan")},
            "the instance must read",
        ),
        ("kofn_optimum", {"N": 5, "K": 9, "instance": TEXT}, r"choose must lie in 0\.\.5"),
        ("swap_network", {"n": 1}, "'n' must be at least 2, got 1"),
        ("cvar", {"values": [1], "probs": [1], "alpha": 0}, "alpha"),
        ("tts99", {"p_success": 2, "time_per_run": 1}, "probability must lie in"),
        ("gate_count_noise", dict.fromkeys(("r_rand", "r_ideal"), 1) | {"eps": 2}, "eps must"),
        ("zne_richardson", {"scale": [1, 1], "values": [1, 2]}, "distinct numbers"),
        ("qubo_to_ising", {"linear": [1], "quadratic": [[0, 1, 2]]}, r"two of 0\.\.0"),
        ("qubo_to_ising", {"linear": [0, 0], "quadratic": [[0.5, 1, 1]]}, r"two of 0\.\.1"),
        ("toeplitz", {"n": 2, "m": 1, "x": "12", "seed": "00"}, "consist of 0 and 1"),
    ],
)
def test_invalid_inputs_fail_clearly(family, inputs, reason):
    value, found = compute(family, **inputs)
    assert value is None
    assert re.search(reason, found), found
