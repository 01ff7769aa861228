"""Hardware practice that a device or its snapshot can switch on: names, and what records say.

Each is an option of an adapter, alone, so that a study can show what it buys. No framework here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from qfl.core.errors import ConfigError

Decoupling = Literal["", "XX", "XpXm", "XY4"]
"""Pulses on idle qubits."""

SWITCHES = (
    "level",
    "noise_aware",
    "packed",
    "line",
    "fractional_gates",
    "idle_errors",
    "drift_hz",
    "dynamical_decoupling",
    "twirling",
)
"""Options that are practice, not place: a method with more of one is compared with less of it."""

_SAID = {"line": "swap_network", "fractional_gates": "fractional_gates", "twirling": "twirling"}


def check_decoupling(sequence: str) -> None:
    """Raise ConfigError unless `sequence` is one of `Decoupling`."""
    if sequence not in get_args(Decoupling):
        raise ConfigError(
            f"unknown dynamical_decoupling {sequence!r}; allowed: {get_args(Decoupling)}"
        )


def practised(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is switched on against errors, in the words of a record.

    >>> practised({"twirling": True, "dynamical_decoupling": "XY4", "line": False})
    ('decoupling:XY4', 'twirling')
    """
    pulses = options.get("dynamical_decoupling", "")
    found = [f"decoupling:{pulses}"] if pulses else []
    return (*found, *(word for key, word in _SAID.items() if options.get(key)))
