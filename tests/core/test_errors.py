"""One tree of errors, the one that is drawn, and messages that name what is near."""

import inspect
import re

import pytest

from qfl.core import errors


def drawn():
    """Child -> parent, read off the drawing in the docstring."""
    parents, path = {}, {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"([ │├└─]*)(\w+Error)\b", line.removeprefix("    ")):
            depth = len(found[1]) // 4
            path[depth] = found[2]
            parents[found[2]] = path.get(depth - 1)
    return parents


def test_the_drawing_is_the_tree():
    classes = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, errors.QflError)
    ]
    assert {one.__name__: one.__base__.__name__ for one in classes} == {
        **drawn(),
        "QflError": "Exception",
    }


@pytest.mark.parametrize("name", [name for name in drawn() if name != "QflError"])
def test_every_error_says_what_it_is_for(name):
    assert inspect.getdoc(getattr(errors, name)).endswith(".")


def test_an_unknown_name_lists_what_is_allowed_and_the_nearest():
    error = errors.UnknownNameError("solver", "qoaa", ["greedy", "qaoa"])
    assert str(error) == "unknown solver 'qoaa' (did you mean 'qaoa'?); allowed: greedy, qaoa"
    assert errors.nearest("zzz", ["greedy"]) == ""


@pytest.mark.parametrize(("issues", "head"), [(1, "1 error"), (3, "3 errors")])
def test_all_that_is_wrong_in_a_study_is_one_message(issues, head):
    error = errors.StudyError("a.toml", [("rounds", f"is {n}") for n in range(issues)])
    assert str(error).splitlines() == [
        f"a.toml: {head}",
        *(f"  rounds: is {n}" for n in range(issues)),
    ]
