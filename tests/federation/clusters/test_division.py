"""Who has one cluster at a time: it is offered that one, and copies begin alike."""

import pytest

from qfl.federation.clusters.division import OneEach


class Fixed(OneEach):
    """Clusters that never change."""

    def heard(self, told, directions, round_index):
        return {}


def test_a_client_is_offered_the_cluster_that_it_is_in_now():
    found = Fixed(["a", "b"], {0: "a", 1: "b"})
    assert found.offered(1) == ("b",)
    found.members[1] = "a"
    assert found.offered(1) == ("a",)
    assert found.names == ("a", "b")


def test_all_copies_begin_as_the_modules_do():
    state = {"head:*:digit": {}}
    assert Fixed(["a", "b"], {}).begun("b", state) is state


def test_how_it_hears_must_be_said():
    with pytest.raises(TypeError, match="heard"):
        OneEach([], {})
