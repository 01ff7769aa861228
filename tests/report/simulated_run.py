"""A simulated run: rows with the shape and the scale of the demo, in milliseconds.

Numbers come from seeded generators, so every test that asks for the same run gets the same.
"""

import json
import math
from dataclasses import dataclass

import numpy as np

from qfl.core.cell import Cell
from qfl.core.choice import Choice
from qfl.core.events import LinkEvent
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.study.fingerprint import fingerprint
from qfl.study.folder import describe, toml
from qfl.study.run import PLAYER
from qfl.study.store import CELLS, CellRow, append

CLIENTS = tuple(f"client-{i:02d}" for i in range(16))
CHOSEN = 4
SHOTS = 24
SUBSETS = math.comb(16, 4)

# method: learning rate, regret of decisions, probability of the optimum, qubits
METHODS = {
    "random": (0.155, 0.42, 1 / SUBSETS, 0),
    "random_best": (0.185, 0.13, 1 / SUBSETS, 0),
    "greedy": (0.215, 0.05, 0.0, 0),
    "annealing": (0.235, 0.004, 0.0, 0),
    "exact": (0.24, 0.0, 0.0, 0),
    "qaoa": (0.23, 0.012, 0.061, 16),
    "qaoa_noisy": (0.205, 0.055, 0.011, 16),
}
_SLOWEST = METHODS["random"][0]

PROVENANCE = {
    "argv": ["qfl", "demo"],
    "git": {"commit": "2436257b8c0f4f5a9e0c1d2e3f405162738495a6", "dirty": False},
    "host": {"cores": 2, "cpu": "generic", "os": "Linux 6.1 x86_64", "python": "3.12.1"},
    "seeds": [0, 1, 2, 3, 4, 5],
    "threads": {"torch": 1},
    "versions": {"numpy": "2.1.0", "qfl": "0.1.0", "torch": "2.13.0"},
}


@dataclass(frozen=True)
class Simulation:
    """What to simulate; `speed_up` scales how much faster than random every method learns."""

    seeds: int = 6
    rounds: int = 20
    methods: tuple[str, ...] = tuple(METHODS)
    speed_up: float = 1.0
    target: float = 0.8
    attacked_round: int = 5
    exchange: bool = True

    def rows(self):
        """Return one finished row per method and seed."""
        return [self.row(method, seed) for seed in range(self.seeds) for method in self.methods]

    def lock(self):
        """Return the text of study.lock.toml."""
        asked = [self.cell(method, seed) for seed in range(self.seeds) for method in self.methods]
        return toml(
            {
                "name": "selection",
                "title": "Client selection by QAOA",
                "question": "Does choosing clients with QAOA help a federation learn sooner?",
                "hypothesis": "QAOA reaches the target in fewer rounds than random selection.",
                "seeds": list(range(self.seeds)),
                "headline": {
                    "metric": "digit.accuracy",
                    "target": self.target,
                    "method": "qaoa",
                    "baseline": "random",
                },
                "methods": [{"label": method, "solver": method} for method in self.methods],
                "lock": {"schema": 1, "cells": {cell.id: describe(cell) for cell in asked}},
            }
        )

    def cell(self, method, seed):
        """Return the cell of one method and seed."""
        return Cell(
            scenario={"name": "digits", "clients": len(CLIENTS), "dirichlet_alpha": 0.3},
            federation={"algorithm": "fedavg", "rounds": self.rounds, "clients_per_round": CHOSEN},
            selection={"problem": "client_selection"},
            solver={"name": method, "shots": SHOTS},
            channel={"name": "sealed"},
            seed=seed,
            labels={"method": method},
        )

    def row(self, method, seed):
        """Return one finished row."""
        rng = np.random.default_rng([seed, list(METHODS).index(method)])
        shared = np.random.default_rng([seed, 99])
        easiness, ceiling = shared.normal(0, 0.016), shared.normal(0.935, 0.006)
        rate = _SLOWEST + self.speed_up * (METHODS[method][0] - _SLOWEST)
        rate += easiness + rng.normal(0, 0.007)
        left = dict.fromkeys(CLIENTS, 4096)
        records = []
        for number in range(self.rounds + 1):
            accuracy = ceiling - (ceiling - 0.1) * math.exp(-rate * number) + rng.normal(0, 0.011)
            r2 = 0.72 - 0.95 * math.exp(-0.8 * rate * number) + rng.normal(0, 0.012)
            metrics = {
                "digit.accuracy": float(np.clip(accuracy, 0, 1)),
                "digit.loss": float(2.3 * (1 - accuracy)),
                "ink.r2": float(r2),
            }
            records.append(self._record(number, method, metrics, left, rng))
        cell = self.cell(method, seed)
        return CellRow(
            cell=cell,
            status="done",
            rounds=tuple(records),
            fingerprint=fingerprint(cell, PLAYER),
            provenance="demo",
            timings={"total_seconds": round(sum(r.timings.total_seconds for r in records), 4)},
        )

    def _record(self, number, method, metrics, left, rng):
        level = "L3"
        if number == 0:
            facts = {"total_variation": 0.53, "hellinger": 0.49, "size_gini": 0.21}
            blank = Costs(), (), level, Timings()
            return RoundRecord(0, (), (), metrics, {}, None, *blank, facts)
        chosen = tuple(CLIENTS[i] for i in sorted(rng.choice(16, CHOSEN, replace=False)))
        links = tuple(
            self._link(number, client, client in chosen, left, rng)
            for client in (CLIENTS if self.exchange else ())
        )
        delivered = tuple(e.client for e in links if e.client in chosen and not e.aborted)
        choice = _choice(number, method, rng)
        quantum = 0.03 if choice.qubits else 0.0
        costs = Costs(
            payload_bytes_up=len(delivered) * 58_240,
            payload_bytes_down=len(delivered) * 58_240,
            energy_joules=float(rng.gamma(20, 0.35)),
            virtual_seconds=float(rng.gamma(30, 0.05)),
            key_bits_produced=sum(event.secret_bits for event in links),
            key_bits_used=512 * len(delivered),
            aborted_sessions=sum(bool(event.aborted) for event in links),
        )
        timings = Timings(0.002, quantum, 0.05, 0.01, 0.065 + quantum)
        rest = choice, costs, links, level, timings
        return RoundRecord(number, chosen, delivered, metrics, {}, *rest)

    def _link(self, number, client, chosen, left, rng):
        attacked = client == CLIENTS[3] and number == self.attacked_round
        secret = 0 if attacked else int(rng.integers(900, 2600))
        left[client] += secret - (512 if chosen and not attacked else 0)
        qber = 0.25 if attacked else 0.012 + 0.001 * CLIENTS.index(client)
        qber += float(rng.normal(0, 0.002))
        aborted = f"QBER {qber:.1%} exceeds the threshold of 11 %" if attacked else ""
        return LinkEvent(client, 9000, secret, qber, 1400, left[client], aborted, 0.4)


def _choice(number, method, rng):
    _, regret, probability, qubits = METHODS[method]
    optimum, worst = -3.2, 1.1
    hit = rng.random() < max(1 - (1 - probability) ** SHOTS, 1 - regret / 0.012)
    share = 0.0 if hit else float(rng.beta(1.5, 30)) + 0.8 * regret * float(rng.random() + 0.5)
    diagnostics = {"optimum_probability": probability * float(rng.uniform(0.6, 1.4))}
    return Choice(
        problem_hash=f"{number:064x}",
        energy=optimum + share * (worst - optimum),
        feasible=True,
        optimum=optimum,
        worst=worst,
        evaluations=1 if method == "random" else SUBSETS if method == "exact" else SHOTS,
        shots=SHOTS if qubits or method == "random_best" else 0,
        qubits=qubits,
        depth=4 * 46 if qubits else 0,
        two_qubit_gates=4 * 360 if qubits else 0,
        diagnostics=diagnostics if probability else {},
    )


def write_run(folder, rows, lock):
    """Write the files that a study leaves behind and return the folder."""
    (folder / "provenance").mkdir(parents=True, exist_ok=True)
    (folder / "study.lock.toml").write_text(lock)
    (folder / "provenance" / "demo.json").write_text(json.dumps(PROVENANCE))
    for row in rows:
        append(folder / CELLS, row)
    return folder


def simulate(folder, **options):
    """Write a simulated run with these `Simulation` fields into `folder` and return it."""
    simulation = Simulation(**options)
    return write_run(folder, simulation.rows(), simulation.lock())
