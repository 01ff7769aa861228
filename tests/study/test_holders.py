"""A task that nobody holds is named by `qfl validate`, once, with the seeds it concerns."""

import pytest

from qfl.core.rng import Streams
from qfl.scenarios.digits import Digits
from qfl.study import Study
from qfl.study.grid import cells
from qfl.study.holders import untrained


def study(clients, seeds):
    return Study(
        name="holders",
        title="Holders",
        question="Who has what?",
        hypothesis="Few have all.",
        seeds=seeds,
        scenario={"name": "digits", "clients": clients},
        federation={"algorithm": "fedavg", "rounds": 1, "clients_per_round": 2},
        selection={"problem": "client_selection"},
        channel={"name": "plain"},
        methods=[{"solver": "random"}, {"solver": "greedy"}],
        headline={"metric": "digit.accuracy", "method": "greedy", "baseline": "random"},
    )


@pytest.fixture(scope="module")
def seeds():
    """Those that leave a task out, of two clients."""
    return [seed for seed in range(8) if Digits(clients=2).untrained(Streams(seed))]


def test_every_such_task_is_named_with_its_seeds(seeds):
    notes = untrained(cells(study(2, list(range(8)))))
    assert notes
    for note in notes:
        assert note.startswith("note: no client holds ")
        assert note.endswith("Take more clients, or more tasks per client")
    named = {seed for seed in seeds if any(f" {seed}" in note for note in notes)}
    assert named == set(seeds)


def test_enough_clients_need_no_note():
    assert untrained(cells(study(9, 3))) == []
