"""Names of modules: a key is what it prints, a copy knows its original."""

import pytest

from qfl.core.errors import ConfigError
from qfl.models.keys import ModuleKey, copy_id, original


@pytest.mark.parametrize("key", [ModuleKey("head", task="a"), ModuleKey("expert", "i", layer="2")])
def test_a_key_is_what_it_prints(key):
    assert ModuleKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["head", "head:a", "heads:*:a", "head::a", "head:*:a:b", "a:b:c"])
def test_what_names_no_module_is_refused_with_what_would(text):
    with pytest.raises(ConfigError, match=r"names no module; allowed: kind:modality:task"):
        ModuleKey.parse(text)


def test_a_copy_knows_its_module_and_no_two_are_alike():
    copy = copy_id("head:*:digit", "theo")
    assert (original(copy), original("head:*:digit")) == ("head:*:digit", "head:*:digit")
    assert len({copy, copy_id("head:*:digit", "lucas"), copy_id("head:*:parity", "theo")}) == 3


@pytest.mark.parametrize("cluster", ["", "a~b", "a.b", "a:b", "a|b", "a#b", "a@b"])
def test_a_cluster_has_no_name_that_would_be_read_as_something_else(cluster):
    with pytest.raises(ConfigError, match="cannot name a cluster"):
        copy_id("head:*:digit", cluster)
