"""What the server makes of the updates of a round.

That is the algorithm's rule, or a defence in its place, or for single modules an aggregator.
"""

from __future__ import annotations

from collections.abc import Sequence

from qfl.core.ports import Learning
from qfl.core.update import Update
from qfl.federation.averaging.defence import Centre, Defence
from qfl.federation.exchange import only, without
from qfl.federation.training.exclusions import check_applicable
from qfl.models.m3t import State
from qfl.models.policies import ExchangePolicy


def merged(
    state: State,
    updates: Sequence[Update],
    *,
    learning: Learning,
    defence: Defence | None,
    exchange: ExchangePolicy,
    round_index: int,
) -> tuple[State, dict[str, str]]:
    """Return the new global modules, and module -> why it stayed as it was although sent.

    Args:
        state: the global modules before.
        updates: what arrived.
        learning: the algorithm at work.
        defence: a rule in place of the algorithm's mean, for all modules.
        exchange: names the aggregator of every module.
        round_index: names the round in errors.

    Raises:
        ModuleMismatchError: NaN or infinity would be applied.
    """
    if defence:
        moved, left_out = defence.aggregate(state, updates)
        return check_applicable(moved, round_index=round_index), left_out
    moved, rest = state, list(updates)
    for rule, modules in _own_rules(updates, exchange).items():
        moved, _ = Defence(Centre(rule)).aggregate(moved, [only(u, modules) for u in updates])
        rest = [without(update, modules) for update in rest]
    moved = learning.aggregate(moved, rest)
    return check_applicable(moved, round_index=round_index), {}


def _own_rules(updates: Sequence[Update], exchange: ExchangePolicy) -> dict[str, set[str]]:
    """Aggregator -> modules that have it in place of the algorithm's rule."""
    found: dict[str, set[str]] = {}
    for module in sorted({module for update in updates for module in update.modules}):
        if (rule := exchange.aggregator(module)) != "mean":
            found.setdefault(rule, set()).add(module)
    return found
