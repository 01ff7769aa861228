"""How tensors begin: what is added to a path begins at nothing, norms as the identity."""

import numpy as np
import pytest

from qfl.models.starts import start_of


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("lora", "query_up.weight"),
        ("adapter", "up.weight"),
        ("quantum_adapter", "up.weight"),
        ("head", "weight"),
        ("head", "linear.weight"),
        ("quantum_head", "out.weight"),
        ("trunk", "query.bias"),
        ("norm", "attention.bias"),
    ],
)
def test_what_is_added_begins_at_nothing(kind, name):
    start = start_of(kind, name, (8, 8))
    assert (start.spread, start.constant) == (0.0, 0.0)


@pytest.mark.parametrize(("kind", "name"), [("norm", "weight"), ("quantum_head", "core.scales")])
def test_scales_begin_at_one(kind, name):
    assert start_of(kind, name, (8,)).constant == 1.0


def test_only_one_of_two_lora_factors_begins_at_nothing():
    """Else neither would ever get a gradient."""
    assert start_of("lora", "query_down.weight", (4, 64)).spread > 0


@pytest.mark.parametrize("fan_in", [3, 48, 300])
def test_other_matrices_begin_with_a_third_over_their_fan_in(fan_in):
    assert start_of("trunk", "query.weight", (64, fan_in)).spread ** 2 == pytest.approx(
        1 / (3 * fan_in)
    )
    assert np.isfinite(start_of("encoder", "table", (9, fan_in)).spread)
