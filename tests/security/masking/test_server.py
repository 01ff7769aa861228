"""What a server of masked sums refuses, and what it cannot know even so."""

import numpy as np
import pytest

from qfl.core.errors import SecurityError
from qfl.security.masking.client import Reveal
from qfl.security.masking.shamir import join_shares
from tests.security.masking.party import NAMES, masked, shared


def test_the_server_refuses_shares_of_the_other_kind():
    _, clients, server = shared()
    for name in NAMES[:-1]:
        server.collect(name, clients[name].mask(np.ones(2, np.uint16)))
    survivors, dropped = server.close()
    good = clients["a"].reveal(survivors, dropped)
    swapped = Reveal("a", good.vault_keys, good.self_seeds)
    with pytest.raises(SecurityError, match="not asked for"):
        server.unmask([swapped])


def test_a_late_or_double_vector_is_refused():
    _, clients, server = shared()
    late = clients["e"].mask(np.ones(2, np.uint16))
    for name in NAMES[:-1]:
        server.collect(name, clients[name].mask(np.ones(2, np.uint16)))
    with pytest.raises(SecurityError, match="doubled"):
        server.collect("a", late)
    server.close()
    with pytest.raises(SecurityError, match="late"):
        server.collect("e", late)


def test_a_late_vector_stays_masked_after_its_pair_masks_are_known():
    """The reason for self-masks: e's pair seeds are recovered, its vector arrives after all."""
    cohort, clients, server = shared()
    late = clients["e"].mask(np.zeros(2, np.uint16))
    for name in NAMES[:-1]:
        server.collect(name, clients[name].mask(np.ones(2, np.uint16)))
    survivors, dropped = server.close()
    reveals = [clients[name].reveal(survivors, dropped) for name in NAMES[:-1]]
    assert server.unmask(reveals).tolist() == [4, 4]
    assert all("e" not in reveal.self_seeds for reveal in reveals)
    points = {cohort.holders("e").index(r.sender) + 1: r.vault_keys["e"] for r in reveals}
    seeds = server._open_vault("e", join_shares(points, length=32))
    from qfl.security.masking.stream import add_masks

    pair_free = late.copy()
    add_masks(
        pair_free,
        plus=[s for v, s in seeds.items() if v < "e"],
        minus=[s for v, s in seeds.items() if v > "e"],
    )
    assert pair_free.any()


def test_a_sum_is_opened_once():
    _, clients, server = masked()
    survivors, dropped = server.close()
    reveals = [client.reveal(survivors, dropped) for client in clients.values()]
    assert server.unmask(reveals).tolist() == [5, 5]
    with pytest.raises(SecurityError, match="once"):
        server.unmask(reveals)
