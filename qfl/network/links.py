"""A client's device and its access link: how long things take, and what they cost in energy.

Compute: seconds = operations / rate, joules = capacitance * operations * rate^2.
Transmission: seconds = latency + bits / rate, joules = power * transmission seconds.
SI units throughout. The populations drawn here are synthetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Device:
    """The computer of a client.

    Attributes:
        operations_per_second: floating-point operations it completes per second.
        switched_capacitance_farads: energy per operation is this times the squared rate.
    """

    operations_per_second: float
    switched_capacitance_farads: float = 1e-28

    def compute_seconds(self, operations: float) -> float:
        """Return how long `operations` take."""
        return operations / self.operations_per_second

    def compute_joules(self, operations: float) -> float:
        """Return the energy of `operations`.

        Reference: the dynamic CMOS model of Tran et al. 2019 (IEEE INFOCOM), equation (2), with
        one operation per cycle.
        """
        return self.switched_capacitance_farads * operations * self.operations_per_second**2


@dataclass(frozen=True, slots=True)
class AccessLink:
    """The link between a client and the server."""

    uplink_bits_per_second: float
    downlink_bits_per_second: float
    latency_seconds: float
    transmit_power_watts: float

    def uplink_seconds(self, payload_bytes: int) -> float:
        """Return the time from the first bit sent to the last bit received."""
        return self.latency_seconds + 8 * payload_bytes / self.uplink_bits_per_second

    def downlink_seconds(self, payload_bytes: int) -> float:
        """Return the same towards the client."""
        return self.latency_seconds + 8 * payload_bytes / self.downlink_bits_per_second

    def uplink_joules(self, payload_bytes: int) -> float:
        """Return the energy the client spends on sending."""
        return self.transmit_power_watts * 8 * payload_bytes / self.uplink_bits_per_second


@dataclass(frozen=True, slots=True, eq=False)
class Interference:
    """Which clients disturb each other's uploads: those near each other.

    Positions are kept, not pairs: of 10,000 clients there are fifty million.

    Attributes:
        places: (n, 2) positions.
        radius: two clients closer than this disturb each other.
    """

    places: NDArray[np.float64]
    radius: float

    @classmethod
    def none(cls, clients: int) -> Interference:
        """Return that nobody disturbs anybody."""
        return cls(np.zeros((clients, 2)), radius=0.0)

    def among(self, clients: Sequence[int]) -> NDArray[np.float64]:
        """Return (k, k) 1 where two of these clients disturb each other, else 0; zero diagonal.

        >>> Interference(np.array([[0.0, 0.0], [0.1, 0.0], [1.0, 0.0]]), 0.4).among([0, 1]).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
        """
        theirs = self.places[list(clients)]
        distance = np.linalg.norm(theirs[:, None] - theirs[None, :], axis=-1)
        near = (distance < self.radius).astype(np.float64)
        np.fill_diagonal(near, 0.0)
        return near

    def of(self, clients: Sequence[int]) -> Interference:
        """Return the same for these clients alone."""
        return Interference(self.places[list(clients)], self.radius)


def draw_interference(clients: int, *, radius: float, rng: np.random.Generator) -> Interference:
    """Return the interference of clients at uniform positions in the unit square."""
    return Interference(rng.random((clients, 2)), radius)


def draw_device(rng: np.random.Generator) -> Device:
    """Return a device with a log-normal rate: median 1 GFLOP/s, 80 % within a factor of 2.8."""
    return Device(operations_per_second=float(1e9 * np.exp(0.8 * rng.standard_normal())))


def draw_access_link(rng: np.random.Generator) -> AccessLink:
    """Return a mobile access link: median 3.3 Mbit/s up and 4.3 Mbit/s down, log-normal.

    The medians are those measured for the 19 users of FLASH (Yang et al. 2021,
    arXiv:2006.06983); the shape, 20 to 60 ms latency and 0.2 W are assumptions.
    """
    up, down = np.exp(0.6 * rng.standard_normal(2))
    return AccessLink(
        uplink_bits_per_second=float(3.3e6 * up),
        downlink_bits_per_second=float(4.3e6 * down),
        latency_seconds=float(rng.uniform(0.02, 0.06)),
        transmit_power_watts=0.2,
    )
