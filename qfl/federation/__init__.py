"""Federated learning: clients train modules, a server aggregates them, one loop joins both."""

from __future__ import annotations

from qfl.core.registry import Registry, Row

ALGORITHMS = Registry(
    "algorithm",
    {
        "fedavg": Row(
            "qfl.federation.fedavg:FedAvg",
            "module-wise mean over the holders, weighted by samples (McMahan et al. 2017)",
        ),
        "fedprox": Row(
            "qfl.federation.fedprox:FedProx",
            "fedavg with a proximal term at the client (Li et al. 2020)",
        ),
        "fedavgm": Row(
            "qfl.federation.fedopt:FedAvgM",
            "fedavg with momentum at the server (Hsu et al. 2019)",
        ),
        "fedadam": Row(
            "qfl.federation.fedopt:FedAdam",
            "fedavg with Adam at the server (Reddi et al. 2021)",
        ),
        "fedyogi": Row(
            "qfl.federation.fedopt:FedYogi",
            "fedavg with Yogi at the server (Reddi et al. 2021)",
        ),
    },
)
