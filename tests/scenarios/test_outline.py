"""What scenarios say before they load anything is what they then build."""

import pytest

from qfl.core.rng import Streams
from qfl.data.synthetic import Synthetic as Loader
from qfl.scenarios.av_digits import AvDigits
from qfl.scenarios.digits import Digits
from qfl.scenarios.outline import Outline
from qfl.scenarios.synthetic import Synthetic

FEW = Synthetic(clients=4, groups=1, patterns=4, samples_per_client=20, test_samples=20)


@pytest.mark.parametrize("scenario", [Digits(clients=5), Digits(held="everything"), FEW])
def test_names_are_those_that_are_built(scenario):
    built, outline = scenario.build(Streams(2)), scenario.outline()
    assert outline.clients == tuple(client.name for client in built.clients)
    assert outline.modalities == tuple(modality.name for modality in built.modalities)
    assert outline.tasks == tuple(task.name for task in built.tasks)
    held = {task.name for client in built.clients for task in client.tasks}
    assert set(scenario.untrained(Streams(2))) == set(outline.tasks) - held


def test_few_clients_may_leave_a_task_out_and_enough_never_do():
    left = {seed: Digits(clients=2).untrained(Streams(seed)) for seed in range(12)}
    assert any(left.values())
    assert not all(left.values())
    assert not any(Digits(clients=9).untrained(Streams(seed)) for seed in range(12))


def test_two_speakers_with_a_task_each_leave_the_third_out_without_any_file():
    one = AvDigits(clients=2, partition="dirichlet", tasks_per_client=1)
    assert one.outline().clients == ("client-00", "client-01")
    assert len(one.untrained(Streams(0))) == 1
    assert AvDigits().untrained(Streams(0)) == ()
    assert AvDigits(tasks=("parity",)).outline().tasks == ("parity",)


def test_names_come_in_order():
    loader = Loader(samples=20)
    assert Outline.of(2, loader.modalities, loader.tasks).clients == ("client-00", "client-01")
