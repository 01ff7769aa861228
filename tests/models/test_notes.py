"""What a forward pass leaves behind: who counts, what all heads read, and whose it is."""

import torch

from qfl.models.notes import Notes


def test_samples_of_weight_zero_do_not_count():
    assert Notes().rows is None
    assert Notes(weights=torch.tensor([[0.5, 0.0], [0.0, 0.5]])).rows.tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_what_all_tasks_read_is_their_mean():
    notes = Notes(readouts={"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor([[3.0, 6.0]])})
    assert notes.joint.tolist() == [[2.0, 4.0]]


def test_clients_of_a_stack_come_apart_in_order():
    x = torch.arange(12.0).reshape(6, 2)
    assert Notes().by_client(x) is x
    apart = Notes(clients=3).by_client(x)
    assert apart.shape == (3, 2, 2)
    assert torch.equal(apart.flatten(0, 1), x)


def test_two_passes_do_not_write_into_one_note():
    one, other = Notes(), Notes()
    one.balance.append(torch.tensor(1.0))
    assert other.balance == []
