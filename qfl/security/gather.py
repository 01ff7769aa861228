"""From the clients to the server, one update at a time: each in its own envelope.

`masked.py` is the other way, in which the server sees sums alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from qfl.core.envelope import Direction, Envelope, Header
from qfl.core.errors import KeyExhaustedError
from qfl.core.gather import Answer, Arrival, Gathered
from qfl.core.ports import Channel
from qfl.core.update import Update
from qfl.security.sealed import SERVER


def carry(
    channel: Channel, update: Update, *, run: str, round: int, sender: str, receiver: str
) -> tuple[Envelope, Update]:
    """Seal at one end, open at the other; return the envelope and what came out.

    Raises:
        KeyExhaustedError: the link cannot pay; nothing was sent.
    """
    header = Header(
        run=run,
        round=round,
        sender=sender,
        receiver=receiver,
        direction=Direction.DOWN if sender == SERVER else Direction.UP,
        schema=update.schema,
    )
    envelope = channel.seal(update, header)
    return envelope, channel.open(envelope)


class OneByOne:
    """The server opens every update.

    Args:
        channel: seals and opens.
        run: names the run in every envelope.
    """

    def __init__(self, channel: Channel, *, run: str) -> None:
        self._channel = channel
        self._run = run

    def gather(
        self, answers: Sequence[Answer], *, round: int, rng: np.random.Generator
    ) -> Gathered:
        """Return the updates as they were opened; who is out of key is refused."""
        arrivals = {}
        for answer in answers:
            try:
                envelope, opened = carry(
                    self._channel,
                    answer.update,
                    run=self._run,
                    round=round,
                    sender=answer.client,
                    receiver=SERVER,
                )
            except KeyExhaustedError as error:
                arrivals[answer.client] = Arrival(refused=str(error))
                continue
            arrivals[answer.client] = Arrival(
                envelope.wire_bytes,
                envelope.key_bits,
                arrived=True,
                opened=opened,
                modules=frozenset(opened.modules),
            )
        updates = [each.opened for each in arrivals.values() if each.opened is not None]
        return Gathered(
            updates=tuple(updates),
            arrivals=arrivals,
            holders=Counter(module for update in updates for module in update.modules),
        )
