"""Checks of solver options; each raises one clear ConfigError."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from qfl.core.errors import ConfigError, UnknownNameError


def check_count(name: str, value: object, *, least: int = 1) -> None:
    """Raise unless `value` is a whole number >= `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} must be a whole number >= {least}, got {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raise unless `value` is a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
        raise ConfigError(f"{name} must be a positive number, got {value!r}")


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise unless `value` is one of `allowed`."""
    choices = tuple(allowed)
    if value not in choices:
        raise UnknownNameError(name, value, choices)
