"""A rule by its name is the rule, and what it needs beside is asked for."""

from functools import partial

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.robust import RULES as NAMES
from qfl.security.robust import (
    aggregate_rows,
    bulyan,
    fltrust,
    geometric_median,
    krum,
    median,
    multi_krum,
    norm_bounded_mean,
    trimmed_mean,
)


def cloud(seed, n=11, d=6):
    return np.random.default_rng(seed).normal(0, 1, (n, d))


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_by_its_name_is_the_rule(name):
    rows = cloud(7)
    found = aggregate_rows(name, rows, corrupted=1, bound=1.5, server_update=np.ones(6))
    rules = {
        "mean": lambda x: x.mean(axis=0),
        "norm_bounded_mean": partial(norm_bounded_mean, bound=1.5),
        "fltrust": partial(fltrust, server_update=np.ones(6)),
        "median": median,
        "geometric_median": geometric_median,
        "trimmed_mean": partial(trimmed_mean, corrupted=1),
        "krum": partial(krum, corrupted=1),
        "multi_krum": partial(multi_krum, corrupted=1),
        "bulyan": partial(bulyan, corrupted=1),
    }
    assert (found == rules[name](rows)).all()


def test_a_name_alone_is_not_always_enough():
    for name, message in (("norm_bounded_mean", "bound"), ("fltrust", "server_update")):
        with pytest.raises(ConfigError, match=message):
            aggregate_rows(name, cloud(0))
    with pytest.raises(UnknownNameError, match="did you mean 'median'"):
        aggregate_rows("medain", cloud(0))
