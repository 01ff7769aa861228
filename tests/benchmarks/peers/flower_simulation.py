"""The reference workload in Flower's simulation; prints the seconds of the run inside.

Run with an environment that has flwr[simulation] and torch:
    python tests/benchmarks/peers/flower_simulation.py [mlp]
"""

import os
import sys
from time import perf_counter

import torch
import workload
from flwr.client import NumPyClient
from flwr.clientapp import ClientApp
from flwr.common import ndarrays_to_parameters
from flwr.server import ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg
from flwr.serverapp import ServerApp
from flwr.simulation import run_simulation

CONVOLUTIONS = "mlp" not in sys.argv[1:]


class Client(NumPyClient):
    def __init__(self, index):
        self.inputs, self.targets = workload.client_data(index)
        self.network = workload.Network(CONVOLUTIONS)

    def fit(self, parameters, config):
        for own, sent in zip(self.network.parameters(), parameters, strict=True):
            own.data = torch.from_numpy(sent.copy())
        order = torch.randperm(workload.STEPS * workload.BATCH)
        workload.fit(self.network, self.inputs, self.targets, order)
        trained = [tensor.detach().numpy() for tensor in self.network.parameters()]
        return trained, workload.STEPS * workload.BATCH, {}


def client(context):
    torch.set_num_threads(1)
    return Client(int(context.node_config["partition-id"])).to_client()


def server(context):
    start = [tensor.detach().numpy() for tensor in workload.Network(CONVOLUTIONS).parameters()]
    strategy = FedAvg(
        fraction_fit=workload.PER_ROUND / workload.CLIENTS,
        fraction_evaluate=0.0,
        min_available_clients=workload.CLIENTS,
        initial_parameters=ndarrays_to_parameters(start),
    )
    config = ServerConfig(num_rounds=workload.ROUNDS)
    return ServerAppComponents(strategy=strategy, config=config)


if __name__ == "__main__":
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    started = perf_counter()
    run_simulation(
        server_app=ServerApp(server_fn=server),
        client_app=ClientApp(client_fn=client),
        num_supernodes=workload.CLIENTS,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )
    print(f"{perf_counter() - started:.2f}")
