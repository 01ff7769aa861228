"""Clusters by what clients declare: their domain, speaker or group, or what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qfl.core.errors import UnknownNameError
from qfl.federation.clusters.division import Direction, OneEach
from qfl.federation.population import Client
from qfl.federation.world import World

HELD = ("modalities", "tasks")
"""What every client declares."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Clients with the same value of one attribute share copies.

    Attributes:
        attribute: modalities or tasks, of which the whole set counts, or what the scenario says of
            its clients beside: the group of synthetic, the speaker of av_digits.
    """

    attribute: str

    @property
    def learned(self) -> bool:
        """False: it is known before the first round."""
        return False

    def start(self, world: World) -> Values:
        """Return the clusters.

        Raises:
            UnknownNameError: some client does not declare the attribute.
        """
        found = {
            i: _value(client, self.attribute) for i, client in enumerate(world.participants.clients)
        }
        return Values(found)


class Values(OneEach):
    """Clusters that never change.

    Args:
        members: index of a client -> its cluster.
    """

    def __init__(self, members: Mapping[int, str]) -> None:
        super().__init__(dict.fromkeys(sorted(members.values())), members)

    def heard(
        self, told: Mapping[int, str], directions: Mapping[int, Direction], round_index: int
    ) -> Mapping[str, str]:
        """Return nothing: there is nothing to learn."""
        return {}


def _value(client: Client, attribute: str) -> str:
    if attribute == "modalities":
        return "+".join(modality.name for modality in client.modalities)
    if attribute == "tasks":
        return "+".join(task.name for task in client.tasks)
    if attribute not in client.attributes:
        known = [*HELD, *client.attributes]
        raise UnknownNameError(f"attribute that {client.name} declares", attribute, known)
    return client.attributes[attribute]
