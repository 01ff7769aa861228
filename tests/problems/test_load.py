"""Published instances load, name their source, and have the optimum they state."""

import pytest

from qfl.core.errors import UnknownNameError
from qfl.problems.load import instances, load
from qfl.solvers.exact import spectrum


@pytest.mark.golden
@pytest.mark.parametrize("name", instances())
def test_every_instance_has_a_source_and_its_stated_optimum(name):
    entry, problem = instances()[name], load(name)
    assert entry["source"]
    if problem.constraint.feasible_count(problem.n) <= 100_000:
        assert spectrum(problem).optimum == pytest.approx(entry["optimum"], abs=1e-9)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'petersen'"):
        load("peterson")
