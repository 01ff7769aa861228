"""Links as they went: quartiles of sessions that gave a key, aborts by their kind of reason."""

import numpy as np
from simulated_run import CLIENTS, simulate

from qfl.report.protecting.links import aborts, links, poorest_pools
from qfl.report.runs.results import read


def events(results, client):
    return [
        event
        for run in results.runs
        for record in run.row.rounds
        for event in record.links
        if event.client == client
    ]


def test_a_session_that_gave_no_key_has_no_say_in_the_quartiles(run_dir):
    results = read(run_dir)
    found = {link.client: link for link in links(results)}
    assert list(found) == sorted(CLIENTS)
    attacked = found["client-03"]
    seen = events(results, "client-03")
    assert (attacked.sessions, attacked.aborted) == (len(seen), 42)
    kept = [event.qber for event in seen if not event.aborted]
    assert attacked.qber == tuple(np.quantile(kept, [0.25, 0.5, 0.75]))
    assert attacked.qber[2] < 0.05 < min(attacked.aborted_qber)
    assert len(attacked.aborted_qber) == 42


def test_aborts_for_the_same_reason_are_one_and_numbers_that_differ_are_an_ellipsis(run_dir):
    [abort] = aborts(read(run_dir))
    assert (abort.round, abort.client, abort.cells) == (5, "client-03", 42)
    assert abort.reason == "QBER …% exceeds the threshold of 11 %"
    assert len(set(abort.qber)) > 1


def test_the_poorest_link_of_every_round_is_in_the_pools(run_dir):
    results = read(run_dir)
    pools = poorest_pools(results)
    assert pools.rounds.tolist() == list(range(1, 21))
    first = [min(event.key_bits_left for event in run.row.rounds[1].links) for run in results.runs]
    assert pools.median[0] == np.median(first)
    assert (pools.lower <= pools.median).all()
    assert (pools.median <= pools.upper).all()


def test_without_exchanges_there_are_no_links(tmp_path):
    results = read(simulate(tmp_path, seeds=2, rounds=3, exchange=False))
    assert (links(results), aborts(results)) == ((), ())
    assert poorest_pools(results).rounds.size == 0
