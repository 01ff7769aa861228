"""The one check before every rule: rows, enough of them, and each of them finite."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.robust.rows import checked_rows


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_client_that_is_not_finite_is_named(bad):
    rows = np.ones((4, 3))
    rows[2, 1] = bad
    with pytest.raises(ConfigError, match="update 2 is not finite; leave its client out"):
        checked_rows(rows)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 1)])
def test_what_is_no_matrix_of_enough_rows_is_refused(shape):
    with pytest.raises(ConfigError, match="clients >= 3"):
        checked_rows(np.ones(shape), least=3)


def test_whole_numbers_become_floats_and_nothing_else_changes():
    assert checked_rows([[1, 2], [3, 4]]).dtype == np.float64
    assert checked_rows([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
