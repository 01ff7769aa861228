import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams


@pytest.mark.parametrize("seed", [None, -1, 0.5, "0"])
def test_a_seed_that_would_not_repeat_is_refused(seed):
    with pytest.raises(ConfigError, match="seed must be a whole number >= 0, got"):
        Streams(seed)
