"""Rows configure themselves from options and explain what is wrong with them."""

from dataclasses import dataclass

import pytest

from qfl.core.errors import ConfigError, MissingExtraError, UnknownNameError
from qfl.core.registry import Registry, Row


@dataclass(frozen=True)
class Part:
    size: int
    colour: str = "red"


PARTS = Registry(
    "part",
    {
        "wheel": Row(f"{__name__}:Part", "turns"),
        "engine": Row("nowhere:Engine", "needs fuel", extra="fuel", requires=("no_such_module",)),
    },
)


def test_options_become_fields():
    assert PARTS.configure("wheel", {"size": 3}) == Part(3, "red")


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("weel", {}, UnknownNameError, "did you mean 'wheel'"),
        ("wheel", {"size": 1, "color": "blue"}, ConfigError, "did you mean 'colour'"),
        ("wheel", {}, ConfigError, "needs size"),
        ("engine", {}, MissingExtraError, r"qfl\[fuel\]"),
    ],
)
def test_a_wrong_name_or_option_is_explained(name, options, error, message):
    with pytest.raises(error, match=message):
        PARTS.configure(name, options)
