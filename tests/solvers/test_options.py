"""Options of solvers: what counts, what is positive, what is on the list, and nothing else."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.solvers.options import check_choice, check_count, check_positive


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_whole_numbers_pass(value):
    check_count("shots", value)


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_what_does_not_count_is_named_with_what_does(value):
    with pytest.raises(ConfigError, match=f"shots must be a whole number >= 1, got {value!r}"):
        check_count("shots", value)


def test_the_least_may_be_another():
    check_count("depth", 0, least=0)
    with pytest.raises(ConfigError, match=">= 2"):
        check_count("depth", 1, least=2)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), True, "1"])
def test_only_positive_finite_numbers_are_positive(value):
    check_positive("step", 0.1)
    with pytest.raises(ConfigError, match="step must be a positive number"):
        check_positive("step", value)


def test_a_choice_names_the_nearest():
    check_choice("start", "ramp", ("ramp", "transfer"))
    with pytest.raises(UnknownNameError, match="did you mean 'ramp'"):
        check_choice("start", "rampp", ("ramp", "transfer"))
