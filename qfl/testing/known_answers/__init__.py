"""Known answers: numbers from the literature that the installed code must reproduce.

The shipped tables list quantities with their inputs, values, tolerances and sources. A family is
a few lines that put the inputs of a row into the functions that users call.
"""

from qfl.testing.known_answers.families import FAMILIES
from qfl.testing.known_answers.table import (
    SHIPPED,
    KnownAnswer,
    parse_table,
    read_table,
    shipped_table,
)
from qfl.testing.known_answers.verify import Verdict, verify

__all__ = [
    "FAMILIES",
    "SHIPPED",
    "KnownAnswer",
    "Verdict",
    "parse_table",
    "read_table",
    "shipped_table",
    "verify",
]
