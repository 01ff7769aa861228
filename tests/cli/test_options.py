"""`qfl list KIND NAME`: every option of every row, with what its docstring says."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from qfl.cli.listing import KINDS, registry_of
from qfl.cli.options import described, meanings_of, options


@dataclass(frozen=True, slots=True)
class Example:
    """What a row may look like.

    Attributes:
        size: how large,
            on two lines.
        first, second:
            of both.

    Reference: nobody.
    """

    size: int
    first: Literal["a", "b"] = "a"
    second: float | None = None
    hidden: int = field(init=False, default=1)
    parts: tuple[int, ...] = field(default_factory=tuple)


def test_fields_have_type_default_and_their_line_of_the_docstring():
    assert [tuple(each) for each in described(Example, "here")] == [
        ("size", "int", "required", "here", "how large, on two lines."),
        ("first", '"a" | "b"', '"a"', "here", "of both."),
        ("second", "float | None", "null", "here", "of both."),
        ("parts", "tuple[int, ...]", "[]", "here", ""),
    ]
    assert list(described(len, "here")) == []


def test_what_follows_the_attributes_is_not_taken_for_one():
    assert meanings_of(Example).keys() == {"size", "first", "second"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_every_row_is_described(kind):
    registry = registry_of(kind)
    rows = {name: row for name, row in registry.rows.items() if row.installed}
    missing = {
        (name, each.name)
        for name in rows
        for each in options(registry, name, KINDS[kind])
        if not each.meaning
    }
    assert missing == set()


def listed(kind, name):
    return {each.name: each for each in options(registry_of(kind), name, KINDS[kind])}


def test_own_options_come_before_those_that_all_rows_of_a_section_share():
    found = listed("algorithms", "tap")
    names = list(found)
    assert names.index("margin") < names.index("rounds") < names.index("learning_rate")
    assert {each.where for each in found.values()} == {"[federation]"}
    assert found["rounds"][1:3] == ("int", "required")


def test_a_section_says_where_an_option_is_set():
    found = listed("problems", "client_selection")
    assert (found["choose"].where, found["candidates"].where) == ("[decision]", "[selection]")
    assert {each.where for each in listed("backends", "aer:fake_fez").values()} == {
        "backend_options"
    }


def test_tasks_of_the_synthetic_scenario_can_be_found(qfl):
    assert "they are called task_0, task_1, ..." in qfl("list", "scenarios", "synthetic").out


def test_rows_without_options_and_unknown_names_say_so(qfl):
    assert "channel plain has no options" in qfl("list", "channels", "plain").err
    done = qfl("list", "channels", "sealde")
    assert done.code == 2
    assert "did you mean 'sealed'?" in done.err
