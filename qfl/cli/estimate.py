"""`qfl estimate STUDY`: what a study will ask of quantum machines, before it asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.output import say, table

if TYPE_CHECKING:
    from qfl.backends.estimate import Estimate, PriceList


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
    """Print circuits, shots, gates, depth, QPU seconds and price; nothing is sent.

    Exits with 4 if a circuit does not fit its place, or above --max-cost.
    """
    from qfl.backends.estimate import Limit, PriceList
    from qfl.cli.run import parse_settings
    from qfl.cli.studies import find_study
    from qfl.study.forecast import forecast, used
    from qfl.study.grid import cells
    from qfl.study.ledger import Ledger

    listed = PriceList.load(prices)
    if max_cost:
        Limit.parse(max_cost, listed.currency)  # refused before anything is estimated
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
            "unknown" if each.price is None and not each.qpu_seconds else f"{each.qpu_seconds:.3g}",
            "unknown" if each.price is None else f"{each.price:.2f}",
        )
        for method, each in found
    ]
    sizes = ("qubits", "two-qubit gates", "depth", "QPU seconds", listed.currency)
    table(("method", "machine", "jobs", "circuits", "shots", *sizes), rows)
    say(f"prices as of {listed.date}; exact backends and snapshots are free")
    if simulated := sum(each.simulation_seconds for _, each in found):
        say(f"simulating the snapshots takes about {simulated:.2g} s of one core")
    misfits = [f"{method} cannot run: {each.refusal}" for method, each in found if each.refusal]
    for sentence in dict.fromkeys(misfits):
        say(sentence)
    lost: list[Estimate] = []
    if Path(study).is_dir():
        useful, lost = used(Ledger(Path(study)), listed)
        say_used(useful, lost, listed)
    refuse_above(max_cost, [*(each for _, each in found), *lost], listed)
    if misfits:
        raise typer.Exit(Exit.GATE)


def say_used(useful: Sequence[Estimate], lost: Sequence[Estimate], listed: PriceList) -> None:
    """Say what jobs of a run have used, and how much of it brought no counts; nothing if none."""
    jobs = [*useful, *lost]
    if not jobs:
        return
    money = f"{sum(each.price or 0.0 for each in jobs):.2f} {listed.currency}"
    seconds = sum(each.qpu_seconds for each in jobs)
    fruitless = sum(each.qpu_seconds for each in lost)
    rest = (
        f"; {fruitless:.3g} of the seconds by duplicates and by jobs that failed or were given up"
        if lost
        else ""
    )
    say(f"used so far: {seconds:.3g} QPU seconds, {money}{rest}")


def refuse_above(max_cost: str | None, found: Sequence[Estimate], listed: PriceList) -> None:
    """Say what the price list does not know for sure; exit with 4 above a limit.

    Args:
        max_cost: such as "60s-qpu"; None for no limit.
        found: what will be asked of machines.
        listed: the prices that `found` was made with.

    Raises:
        ConfigError: `max_cost` is no limit.
    """
    from qfl.backends.estimate import Limit

    machines = costly(found)
    for sentence in listed.caveats(each.machine for each in machines):
        say(sentence)
    for name in dict.fromkeys(each.machine for each in machines if not each.queued):
        say(
            f"{name} may be a provider's machine, and is not on the ledger: job ids are not kept, "
            "so a run that ends early loses what it sent; if it runs here, give it a row with "
            "zeros in a price file"
        )
    if max_cost and Limit.parse(max_cost, listed.currency).exceeded(machines):
        say(f"above --max-cost {max_cost}: nothing was sent")
        raise typer.Exit(Exit.GATE)


def costly(found: Sequence[Estimate]) -> list[Estimate]:
    """Return the estimates of machines that take money or a place in a queue."""
    return [each for each in found if each.queued or each.price != 0]
