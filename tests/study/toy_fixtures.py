"""Studies over the toy world of `toys.py`: the same code paths, none of the heavy imports."""

from dataclasses import replace

import pytest
import toys

from qfl.study import options
from qfl.study.model import Study


@pytest.fixture
def toy_world(monkeypatch):
    """Point every section of a study at the toy registries."""
    targets = {
        "scenario": ("SCENARIOS", ()),
        "federation": ("ALGORITHMS", ("toys:Schedule", "toys:Training")),
        "selection": ("PROBLEMS", ("toys:Weights",)),
        "channel": ("CHANNELS", ()),
        "decision": ("PROBLEMS", ()),
        "methods": ("SOLVERS", ()),
    }
    for name, (table, shared) in targets.items():
        section = replace(options.SECTIONS[name], registry=f"toys:{table}", shared=shared)
        monkeypatch.setitem(options.SECTIONS, name, section)
    monkeypatch.setattr(options, "BACKENDS", "toys:BACKENDS")
    monkeypatch.setattr(options, "TARGETS", "toys:TARGETS")
    return toys


@pytest.fixture
def settings():
    """A raw study: two methods, two seeds, three rounds."""
    return {
        "name": "toy",
        "title": "A toy",
        "question": "Does it run?",
        "hypothesis": "It does.",
        "seeds": 2,
        "scenario": {"name": "world"},
        "federation": {"algorithm": "average", "rounds": 3, "clients_per_round": 4},
        "selection": {"problem": "choose"},
        "channel": {"name": "open"},
        "methods": [
            {"label": "random", "solver": "guess"},
            {"label": "qaoa", "solver": "circuit", "shots": 24},
        ],
        "headline": {
            "metric": "digit.accuracy",
            "target": 0.3,
            "method": "qaoa",
            "baseline": "random",
        },
        "profiles": {"smoke": {"seeds": 1, "federation": {"rounds": 2}}},
    }


@pytest.fixture
def study(toy_world, settings):
    """The study that `settings` describes."""
    return Study(**settings)
