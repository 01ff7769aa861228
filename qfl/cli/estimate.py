"""`qfl estimate STUDY`: what a study will ask of quantum machines, before it asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.output import say, table


@app.command()
def estimate(
    study: Annotated[str, typer.Argument(help="A study file or name, or a run folder.")],
    profile: Annotated[str | None, typer.Option(help="A profile of the study: smoke.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one key.")
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option(help="Exit with 4 above this: 60s-qpu, or 12.5USD.")
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="A price file of your own.")] = None,
) -> None:
    """Print circuits, shots, gates, depth, QPU seconds and price; nothing is sent."""
    from qfl.backends.estimate import Limit, PriceList
    from qfl.cli.run import parse_settings
    from qfl.cli.studies import find_study
    from qfl.study.forecast import forecast
    from qfl.study.grid import cells

    listed = PriceList.load(prices)
    limit = Limit.parse(max_cost, listed.currency) if max_cost else None
    asked = find_study(study, profile, parse_settings(settings or ()))
    found = list(forecast(cells(asked), listed))
    rows = [
        (
            method,
            each.machine,
            each.jobs,
            each.circuits,
            each.shots,
            each.qubits,
            each.two_qubit_gates,
            each.depth,
            f"{each.qpu_seconds:.3g}",
            f"{each.price:.2f}",
        )
        for method, each in found
    ]
    sizes = ("qubits", "two-qubit gates", "depth", "QPU seconds", listed.currency)
    table(("method", "machine", "jobs", "circuits", "shots", *sizes), rows)
    say(f"prices of {listed.date}; exact backends and snapshots are free")
    if limit is not None and limit.exceeded([each for _, each in found]):
        say(f"above --max-cost {max_cost}: nothing was sent")
        raise typer.Exit(Exit.GATE)
