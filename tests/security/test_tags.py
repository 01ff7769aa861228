import numpy as np

from qfl.security.keys import KeyPool, Secret
from qfl.security.tags import LinkTags


def test_pads_are_paid_from_the_pool_and_without_them_there_is_no_line():
    pool, rng = KeyPool(("a", "b"), run="r", capacity_bits=1024), np.random.default_rng(0)
    tags = LinkTags(pool, ("a", "b"))
    first = tags.line(rng)
    assert first.tag_bits == 256
    assert first.authentic()
    tags.renew(first)
    assert tags.line(rng) is None
    material = Secret(rng.bytes(40))
    pool.produce({"a": material, "b": material})
    second = tags.line(rng)
    assert second.authentic()
    assert pool.bits_left == 64
    tags.renew(first)
    assert tags.line(rng) is None
