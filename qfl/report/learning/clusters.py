"""Who shared copies of modules with whom: clusters and their sizes, by method, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from qfl.core.events import Membership
from qfl.report.runs.results import Results, Run
from qfl.report.tables import EMPTY, Table, TableCell, TableRow, plain_columns
from qfl.report.words import count, display, listed


def clusters_table(results: Results) -> Table:
    """Return how every method divided its clients; no rows where no module has copies."""
    several = len(results.settings) > 1
    columns = ("method", *(["setting"] if several else []), "divided by", "modules|")
    columns += (
        "sizes at the end",
        "members, first seed",
        "not placed|",
        "moves|",
        "copies down a visit|",
    )
    columns += ("agreement with what is declared|",)
    rows = []
    for setting in results.settings:
        for method in results.methods:
            runs = [run for run in results.of(setting, method) if _last(run) is not None]
            if not runs:
                continue
            cells = [TableCell(display(method), sort=results.methods.index(method))]
            cells += [TableCell(display(setting), sort=setting)] if several else []
            cells += _cells(runs, results)
            rows.append(TableRow(tuple(cells), method, setting))
    note = _NOTE if rows else ""
    caption = "Clusters of clients, by method"
    return Table("clusters", caption, plain_columns(*columns), tuple(rows), note)


_NOTE = (
    "Of every module placed cluster the server keeps a copy for each cluster. Sizes are of the "
    "last round, largest first, with how many seeds had them. Not placed are clients of which the "
    "server knows nothing yet; a move is a client that was placed elsewhere before. Agreement is "
    "the adjusted Rand index with the clusters of the same seed that are declared, where a method "
    "has them: 1 for the same, 0 for chance. Clients are measured with the copies of their own "
    "cluster, the server with the mean of the copies."
)


def agreement(left: Mapping[str, str], right: Mapping[str, str]) -> float | None:
    """Return the adjusted Rand index of two divisions over the clients of both; None with fewer
    than two of them.

    Reference: Hubert and Arabie, "Comparing partitions", 1985.

    >>> agreement({"a": "0", "b": "0", "c": "1"}, {"a": "x", "b": "x", "c": "y"})
    1.0
    """
    from sklearn.metrics import adjusted_rand_score  # loads slowly

    both = sorted(left.keys() & right.keys())
    if len(both) < 2:
        return None
    return float(adjusted_rand_score([left[c] for c in both], [right[c] for c in both]))


def moves(records: Sequence[Membership]) -> int:
    """Return how often a client was placed in another cluster than before.

    >>> first = Membership((), ("0", "1"), {"a": "0"})
    >>> moves([first, Membership((), ("0", "1"), {"a": "1", "b": "1"})])
    1
    """
    return sum(
        after.placed[client] != name
        for before, after in pairwise(records)
        for client, name in before.placed.items()
        if client in after.placed
    )


def _cells(runs: Sequence[Run], results: Results) -> list[TableCell]:
    lasts = {run.seed: last for run in runs if (last := _last(run)) is not None}
    sizes = Counter(_sizes(last) for last in lasts.values())
    text = "; ".join(
        f"{size} ({count(seeds, 'seed')})" if len(sizes) > 1 else size
        for size, seeds in sizes.most_common()
    )
    clients = len(runs[0].row.rounds[0].holdings)
    down = [
        len(copies)
        for run in runs
        for membership in _memberships(run)
        for copies in membership.downloaded.values()
    ]
    [modules] = {last.modules for last in lasts.values()}
    agreed = [a for run in runs if (a := _agreed(run, results)) is not None]
    return [
        TableCell(_way(runs[0].row.cell.clusters), sort=runs[0].row.cell.clusters["by"]),
        TableCell(str(len(modules)), sort=len(modules)),
        TableCell(text, sort=text, seeds={seed: _sizes(last) for seed, last in lasts.items()}),
        _members(lasts),
        _number(fmean(clients - len(last.placed) for last in lasts.values())),
        _number(fmean(moves(_memberships(run)) for run in runs)),
        _number(fmean(down)) if down else EMPTY,
        TableCell(f"{fmean(agreed):.2f}", sort=fmean(agreed)) if agreed else EMPTY,
    ]


def _memberships(run: Run) -> list[Membership]:
    return [record.clusters for record in run.row.rounds if record.clusters is not None]


def _last(run: Run) -> Membership | None:
    return run.row.rounds[-1].clusters


def _sizes(membership: Membership) -> str:
    found = sorted(Counter(membership.placed.values()).values(), reverse=True)
    return " + ".join(map(str, found)) or "undivided"


def _members(lasts: Mapping[int, Membership]) -> TableCell:
    named = {seed: _named(last) for seed, last in lasts.items()}
    first = named[min(named)]
    return TableCell(first, sort=first, seeds=named)


def _named(membership: Membership) -> str:
    """The members of every cluster."""
    found: dict[str, list[str]] = {}
    for client, name in membership.placed.items():
        found.setdefault(name, []).append(client)
    return "; ".join(f"{name}: {listed(clients)}" for name, clients in sorted(found.items()))


def _way(asked: Mapping[str, Any]) -> str:
    """How clients were divided, with the options."""
    options = ", ".join(f"{key} {value}" for key, value in sorted(asked.items()) if key != "by")
    return f"{asked['by']} ({options})" if options else str(asked["by"])


def _agreed(run: Run, results: Results) -> float | None:
    """How far a run's clusters are those that another method of the same seed had declared."""
    own = _last(run)
    if own is None or run.row.cell.clusters["by"] == "declared":
        return None
    for other in results.runs:
        declared = _last(other) if other.row.cell.clusters.get("by") == "declared" else None
        if declared is not None and (other.seed, other.setting) == (run.seed, run.setting):
            return agreement(own.placed, declared.placed)
    return None


def _number(value: float) -> TableCell:
    return TableCell(f"{value:.3g}", sort=value)
