"""FedProx: a spring to the download; without mu there is none."""

from types import SimpleNamespace

import pytest
import torch
from test_engine import MODEL, largest_difference, learn, samples

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.engine import LocalTraining
from qfl.federation.fedprox import FedProx


def test_fedprox_without_mu_is_fedavg_bit_for_bit_and_with_mu_stays_closer():
    data, training = samples(50, 6), LocalTraining(epochs=5)
    start = MODEL.initial_state(Streams(1))
    free = learn(data, training)
    assert largest_difference(free.state, learn(data, training, FedProx(mu=0.0)).state) == 0
    held = learn(data, training, FedProx(mu=10.0))
    assert largest_difference(held.state, start) < largest_difference(free.state, start)


def test_the_term_pulls_as_a_spring_of_stiffness_mu():
    """Its gradient is mu (w - w_downloaded), tensor by tensor."""
    start = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([[3.0]])}
    here = {name: (tensor + 0.5).requires_grad_() for name, tensor in start.items()}
    term = FedProx(mu=0.3).local_objective(SimpleNamespace(parameters=here, reference=start))
    assert term.item() == pytest.approx(0.3 / 2 * 3 * 0.25)
    term.backward()
    for name, tensor in here.items():
        assert torch.allclose(tensor.grad, 0.3 * (tensor - start[name]))


@pytest.mark.parametrize("mu", [-0.1, float("nan")])
def test_a_spring_that_pushes_is_refused(mu):
    with pytest.raises(ConfigError, match="mu >= 0"):
        FedProx(mu=mu)
