"""The account of a federation's privacy on federations that differ in one client."""

import numpy as np
import pytest

from qfl.core.changes import change_of
from qfl.core.gather import Answer
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.averaging.private import Privacy
from qfl.security.privacy.mechanisms import Central


def answer(client, start, change):
    received = Update({"m": {"w": start.astype(np.float32)}}, {"m": 1})
    trained = Update({"m": {"w": (start + change).astype(np.float32)}}, {"m": 10})
    return Answer(client, received, trained)


@pytest.mark.parametrize("clip", [1.0, 1e-2, 1e-4])
def test_what_travels_is_within_the_clip_in_spite_of_float32(clip):
    """Weights of size 1 hold changes of size 1e-7 badly; rounding lengthens the change."""
    rng = np.random.default_rng(0)
    start, change = rng.normal(size=100_000), rng.normal(size=100_000)
    given = answer("a", start, change)
    privacy = Privacy(Central(clip=clip), clients=1, dimension=100_000, streams=Streams(0))
    [sent] = privacy.cover([given], round=1)
    length = float(np.linalg.norm(change_of(sent.update, sent.received, ["m"])))
    assert 0.9 * clip < length <= clip


def test_neighbours_differ_by_the_clip_and_by_one_vote():
    """What the price of an adaptive clip assumes, and no more."""
    counts, sums = [], []
    for norms in ([2.0] * 16, [2.0] * 15 + [0.0]):
        mechanism = Central(noise_multiplier=1.0, clip=1.0, quantile=0.5)
        privacy = Privacy(mechanism, clients=16, dimension=4, streams=Streams(0))
        given = [answer(f"c{i}", np.zeros(4), np.array([n, 0, 0, 0])) for i, n in enumerate(norms)]
        sent = privacy.cover(given, round=1)
        counts.append(privacy._below)
        sums.append(sum(change_of(s.update, s.received, ["m"]) for s in sent))
    assert abs(counts[0] - counts[1]) == 1
    assert np.linalg.norm(sums[0] - sums[1]) <= 1.0
