"""What is known of a scenario before any of its data is loaded: names, and who holds what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qfl.core.tasks import Modality, Task
from qfl.data.coverage import Held


@dataclass(frozen=True, slots=True)
class Outline:
    """The names in a federation.

    Attributes:
        clients, modalities, tasks: in order.
        attributes: what clients declare of themselves, the sets that they hold first.
    """

    clients: Held
    modalities: Held
    tasks: Held
    attributes: Held

    @classmethod
    def of(
        cls,
        clients: int,
        modalities: Sequence[Modality],
        tasks: Sequence[Task],
        attributes: Held = (),
    ) -> Outline:
        """Return the outline of so many clients, named as `populate` names them."""
        return cls(
            tuple(client_name(i) for i in range(clients)),
            tuple(modality.name for modality in modalities),
            tuple(task.name for task in tasks),
            ("modalities", "tasks", *attributes),
        )


def client_name(place: int) -> str:
    """Return the name of a client.

    >>> client_name(3)
    'client-03'
    """
    return f"client-{place:02d}"


def not_held(tasks: Sequence[str], held: Iterable[Held]) -> Held:
    """Return the tasks that nobody has.

    >>> not_held(["digit", "parity"], [("digit",), ("digit",)])
    ('parity',)
    """
    somebodys = {task for own in held for task in own}
    return tuple(task for task in tasks if task not in somebodys)
