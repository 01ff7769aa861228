"""Where the keys of a service come from: pools beside its certificates, and sessions."""

import pytest

from qfl.core.errors import ConfigError
from qfl.security.kme.source import pools_in, sae_ids


def test_pools_of_a_folder_go_on(certificates):
    assert sae_ids(certificates) == ["alice", "bob", "carol"]
    pools = pools_in(certificates, capacity_bits=4096)
    assert set(pools) == {("alice", "bob"), ("alice", "carol"), ("bob", "carol")}
    with pytest.raises(ConfigError, match="qfl kme init"):
        sae_ids(certificates / "pools")
