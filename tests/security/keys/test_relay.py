import numpy as np
import pytest

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.keys.relay import relay_cost, relay_rate
from tests.security.keys.relays import LINE, MESH, network


@pytest.mark.golden
@pytest.mark.parametrize(
    ("rates", "consumed", "rate"), [([5000, 800], 512, 800), ([1200, 400, 900], 768, 400)]
)
def test_rate_and_cost(rates, consumed, rate):
    """End to end: the slowest link; every hop pays for the whole key."""
    assert relay_cost(len(rates), key_bits=256) == consumed
    assert relay_rate(rates) == rate


def test_a_key_arrives_and_every_hop_pays():
    relay, pools = network(LINE)
    done = relay.deliver("a", "b", rng=np.random.default_rng(1))
    assert done.key == done.copy
    assert done.paths == (("a", "r", "s", "b"),)
    assert done.consumed_bits == 768 == sum(p.ledger.account.consumed for p in pools.values())


def test_neighbours_need_no_relay():
    relay, _ = network([*LINE, ("b", "a")])
    done = relay.deliver("a", "b", rng=np.random.default_rng(4))
    assert done.trusted == (frozenset(),)
    assert not done.exposed_to({"r", "s"})
    both = relay.deliver("a", "b", rng=np.random.default_rng(4), path_count=2)
    assert both.paths == (("a", "b"), ("a", "r", "s", "b"))


def test_all_links_pay_or_none():
    relay, pools = network(LINE)
    pools["s", "b"].enc_keys("s", size=1000)
    before = {edge: pool.ledger.head for edge, pool in pools.items()}
    with pytest.raises(KeyExhaustedError, match="'s' and 'b'"):
        relay.deliver("a", "b", rng=np.random.default_rng(5))
    assert before == {edge: pool.ledger.head for edge, pool in pools.items()}


def test_keys_do_not_show():
    relay, _ = network(LINE)
    done = relay.deliver("a", "b", rng=np.random.default_rng(6))
    assert done.key.reveal().hex() not in repr(done)
    assert "views" not in repr(done)


def test_impossible_deliveries():
    relay, _ = network(MESH)
    rng = np.random.default_rng(0)
    for source, target, count, message in (
        ("a", "nobody", 1, "no node 'nobody'"),
        ("a", "a", 1, "from 'a' to 'a'"),
        ("a", "x", 1, "there are 0"),
        ("a", "x", 2, "there are 0"),
        ("a", "b", 3, "there are 2"),
    ):
        with pytest.raises(ConfigError, match=message):
            relay.deliver(source, target, rng=rng, path_count=count)
    with pytest.raises(ConfigError, match="each once"):
        network([("a", "b"), ("b", "a")])
    for call in (lambda: relay_rate([]), lambda: relay_cost(0)):
        with pytest.raises(ConfigError):
            call()
