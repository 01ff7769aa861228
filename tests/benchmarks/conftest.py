"""Ratios inside one run: shared machines make seconds meaningless, so a table of ratios ends it."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import pytest

collect_ignore = ["peers/flower_simulation.py"]
"""Needs an environment of its own."""

ROWS = pytest.StashKey[list]()


def medians(*functions: Callable[[], object], rounds: int = 7) -> list[float]:
    """Return the median wall time of each call in seconds; they take turns, so load hits all."""
    taken: list[list[float]] = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, times in zip(functions, taken, strict=True):
            started = perf_counter()
            function()
            times.append(perf_counter() - started)
    return [median(times) for times in taken]


class Report:
    """Takes measured ratios; bars are shown, not enforced."""

    medians = staticmethod(medians)

    def __init__(self, rows: list, benchmark) -> None:
        self._rows, self._benchmark = rows, benchmark

    def ratio(self, what: str, value: float, *, at_least=None, at_most=None) -> None:
        bar = f">= {at_least:g}" if at_least is not None else f"<= {at_most:g}"
        met = value >= at_least if at_least is not None else value <= at_most
        self._rows.append((what, f"{value:.3g}", bar, "met" if met else "MISSED"))
        self._benchmark.extra_info[what] = round(value, 4)

    def note(self, what: str, value: str) -> None:
        self._rows.append((what, value, "", ""))
        self._benchmark.extra_info[what] = value


@pytest.fixture
def report(request, benchmark):
    rows = request.config.stash.setdefault(ROWS, [])
    return Report(rows, benchmark)


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if rows:
        terminalreporter.section("ratios in this run")
    for what, value, bar, met in rows:
        terminalreporter.write_line(f"{what:<78} {value:>18}  {bar:<8} {met}")
