"""Places in a sequence: data one after another, prompts behind them, and who sees whom."""

import pytest
import torch

from qfl.models.layout import Layout

LAYOUT = Layout((("image", 3), ("audio", 2)), ("digit", "parity"), 2)


def test_places_are_disjoint_and_cover_the_sequence():
    places = list(range(LAYOUT.steps + 4))
    slices = [LAYOUT.data(name) for name in ("image", "audio")]
    slices += [LAYOUT.readout(task) for task in ("digit", "parity")]
    assert [place for each in slices for place in places[each]] == places
    assert LAYOUT.steps == 5
    with pytest.raises(KeyError):
        LAYOUT.data("text")


def test_everybody_sees_the_data_that_are_there_itself_and_prompts_those_of_their_task():
    present = torch.tensor([[True, True, False, True, False]])
    seen = LAYOUT.visible(present)[0]
    for place in range(9):
        for other in range(9):
            if other < 5:
                expected = bool(present[0, other]) or other == place
            elif place < 5:
                expected = False
            else:
                expected = (place - 5) // 2 == (other - 5) // 2
            assert bool(seen[place, other]) == expected, (place, other)


def test_every_place_belongs_to_its_owner_alone():
    groups = ("modality:audio", "task:digit", "task:nobody")
    table = LAYOUT.table(groups, torch.zeros(1, dtype=torch.float64))
    assert table.dtype == torch.float64
    assert table.sum(0).tolist() == [2.0, 2.0, 0.0]
    assert table[3:5, 0].tolist() == [1.0, 1.0]
    assert table[5:7, 1].tolist() == [1.0, 1.0]
