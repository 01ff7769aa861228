"""A cell's id: everything that changes the numbers is in it, and nothing else."""

from dataclasses import fields, replace

import pytest

from qfl.core.cell import SECTIONS, Cell

CELL = Cell(
    scenario={"name": "digits", "clients": 9},
    federation={"algorithm": "fedavg"},
    selection={"problem": "client_selection"},
    solver={"name": "qaoa", "depth": 2},
    channel={"name": "plain"},
    seed=3,
    labels={"method": "qaoa"},
)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_and_the_seed_count(section):
    changed = replace(CELL, **{section: {**getattr(CELL, section), "new": 1}})
    assert changed.id != CELL.id
    assert changed.identity()[section]["new"] == 1
    assert replace(CELL, seed=4).id != CELL.id


def test_every_field_is_a_section_the_seed_or_a_label():
    assert {field.name for field in fields(Cell)} == {*SECTIONS, "seed", "labels"}


def test_titles_and_the_order_of_keys_do_not_count():
    other = replace(CELL, labels={}, solver={"depth": 2, "name": "qaoa"})
    assert other.id == CELL.id
    assert other == CELL


def test_an_empty_section_is_one_that_is_not_there():
    """Sections are added over time; the cells of before keep their ids."""
    assert "privacy" not in CELL.identity()
    assert replace(CELL, privacy={}).id == CELL.id


def test_a_cell_is_what_its_identity_says():
    again = Cell.from_identity(CELL.identity(), labels=CELL.labels)
    assert (again, again.id, again.labels) == (CELL, CELL.id, CELL.labels)
