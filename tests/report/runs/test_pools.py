"""Key bits left: every pool counts once, those between clients too."""

from types import SimpleNamespace

from qfl.core.events import LinkEvent, PairKeys
from qfl.report.runs.pools import pool_levels


def event(client, left):
    return LinkEvent(client, 0, 0, None, 0, left)


def played(*rounds):
    """A run of which only links are known."""
    records = [
        SimpleNamespace(round=number, links=links, pairs=pairs)
        for number, (links, pairs) in enumerate(rounds)
    ]
    return SimpleNamespace(row=SimpleNamespace(rounds=records))


def test_pools_of_links_that_were_not_called_keep_their_level():
    """Key bits left are those of all pools: what was produced and neither used nor burnt."""
    run = played(((), None), ((event("a", 300), event("b", 500)), None), ((event("b", 700),), None))
    first, second = pool_levels(run)
    assert (first.round, first.clients) == (1, {"a": 300, "b": 500})
    assert (second.round, second.clients) == (2, {"a": 300, "b": 700})
    assert (second.total, second.poorest) == (1000, 300)


def test_pools_between_clients_count_and_last():
    """A round without a masked sum leaves them as they were."""
    pairs = PairKeys(links=3, bits_left=4000, poorest_bits=256)
    run = played(((), None), ((event("a", 300),), pairs), ((event("a", 200),), None))
    last = pool_levels(run)[-1]
    assert (last.total, last.poorest) == (4200, 200)
