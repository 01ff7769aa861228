"""What a study must know of a backend: every row has its line, and what it promises is kept."""

import pytest

from circuits.qaoa import MIXERS
from qfl.backends import BACKENDS, get_backend
from qfl.backends.traits import TRAITS, mixers, qubits


def test_every_row_of_the_table_has_its_traits_and_no_other_has():
    assert {each.row for each in TRAITS} == set(BACKENDS.table())
    assert len({each.name for each in TRAITS}) == len(TRAITS)


@pytest.mark.parametrize("name", ["subspace", "statevector", "levels"])
def test_mixers_are_those_that_the_backend_itself_declares(name):
    assert set(mixers(name)) == set(get_backend(name).capabilities.mixers) <= set(MIXERS)


def test_a_target_has_the_traits_of_its_row():
    assert mixers("pennylane:lightning.qubit") == mixers("pennylane")
    assert mixers("nobody") == ()


def test_how_many_qubits_is_found_out_where_memory_decides():
    by_name = {each.name: each for each in TRAITS}
    assert qubits(by_name["recorded:FOLDER"]) == "as recorded"
    assert any(character.isdigit() for character in qubits(by_name["statevector"]))
