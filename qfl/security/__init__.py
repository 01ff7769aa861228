"""Channels keyed the way a quantum network would key them: links, keys, seals, attacks.

May not be imported here: torch, quantum frameworks, other rooms. Channels are handed to the
federated round by whoever assembles it.
"""

from qfl.core.registry import Registry, Row

HONESTY = (
    "Emulated QKD gives no real-world secrecy: keys come from a pseudo-random generator standing "
    "in for a quantum source, both ends of every link live in one process, key lengths of sessions "
    "sampled bit by bit are asymptotic (those of blocks and of GG02 are finite-key), and "
    "authentication starts from a pre-shared secret of the same generator. A real deployment "
    "needs QKD hardware, a first secret that is truly pre-shared or post-quantum-signed, and trust "
    "in every node that sees keys."
)
"""What every report says about the keys of this suite."""

CHANNELS = Registry(
    "channel",
    {
        "plain": Row("qfl.security.channel:Plain", "no protection: updates travel as serialised"),
        "sealed": Row(
            "qfl.security.channel:Sealed",
            "authenticated encryption under keys of emulated decoy BB84, or one-time pads",
        ),
        "masked": Row(
            "qfl.security.masked:Masked",
            "masked sums: the server never sees a single update; dropouts are recovered",
        ),
    },
)

__all__ = ["CHANNELS", "HONESTY"]
