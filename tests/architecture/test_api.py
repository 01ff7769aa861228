"""The names that users rely on: where they are, and that `__all__` says what is public."""

import importlib
import inspect

import pytest

PUBLIC = {
    "qfl.problems": {"client_selection", "PROBLEMS"},
    "qfl.solvers": {"solve", "qaoa_expectation", "SOLVERS"},
    "qfl.backends": {"get_backend", "BACKENDS"},
    "qfl.security": {"CHANNELS"},
    "qfl.scenarios": {"SCENARIOS"},
    "qfl.federation": {"ALGORITHMS"},
    "qfl.data": {"DATASETS"},
    "qfl.models": {"MODELS"},
    "qfl.study": {"Study", "run"},
    "qfl.report": {"write"},
    "qfl.testing": {"check_backend", "check_solver"},
}
REGISTRIES = [
    ("qfl.problems", "PROBLEMS"),
    ("qfl.solvers", "SOLVERS"),
    ("qfl.backends", "BACKENDS"),
    ("qfl.security", "CHANNELS"),
    ("qfl.scenarios", "SCENARIOS"),
    ("qfl.federation", "ALGORITHMS"),
    ("qfl.data", "DATASETS"),
    ("qfl.models", "MODELS"),
]


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_there_and_documented(module):
    loaded = importlib.import_module(module)
    for name in PUBLIC[module]:
        value = getattr(loaded, name)
        assert not inspect.isfunction(value) or inspect.getdoc(value)
    declared = set(getattr(loaded, "__all__", PUBLIC[module]))
    assert declared >= PUBLIC[module]
    assert all(getattr(loaded, name) is not None for name in declared)


@pytest.mark.parametrize(("module", "name"), REGISTRIES)
def test_every_row_resolves_to_something_documented(module, name):
    for key, row in getattr(importlib.import_module(module), name).table().items():
        if row.installed:
            target = getattr(importlib.import_module(module), name).resolve(key)
            assert inspect.getdoc(target), key
            assert row.summary.strip(), key
