"""Where a service's keys come from: emulated sessions over one link, and pools that keep them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.keys.pool import KeyPool, Lifetime
from qfl.security.keys.vault import Vault
from qfl.security.kme.certificates import AUTHORITY, SERVER
from qfl.security.qkd.link import Link
from qfl.security.qkd.session import Protocol, run_session
from qfl.security.tags import LinkTags

_SIFTED_PER_BIT = 3
"""Of a short fibre: a session of this size brings the bits that are missing, or nearly."""
_MOST_SIFTED = 500_000


class SessionSource:
    """Refills pools by emulated sessions; a pool pays for the tags of its own next session.

    Args:
        link: between the two ends.
        protocol: of a session; one that is to bring much sifts more bits.
        rng: draws everything.

    >>> from qfl.security.qkd.link import FibreLink
    >>> pool = KeyPool(("alice", "bob"), run="doc", capacity_bits=65_536)
    >>> SessionSource(FibreLink(length_km=5), rng=np.random.default_rng(0))(pool, 512)
    >>> pool.bits_left >= 512
    True
    """

    def __init__(
        self, link: Link, *, rng: np.random.Generator, protocol: Protocol | None = None
    ) -> None:
        self._link = link
        self._rng = rng
        self._protocol = protocol or Protocol()
        self._tags: dict[KeyPool, LinkTags] = {}

    def __call__(self, pool: KeyPool, bits: int) -> None:
        """Run sessions until the pool holds so many bits, or a session brings it nothing."""
        while (missing := bits - pool.bits_left) > 0:
            before = pool.bits_left
            self._run(pool, missing)
            if pool.bits_left <= before:
                return

    def _run(self, pool: KeyPool, missing: int) -> None:
        tags = self._tags.setdefault(pool, LinkTags(pool, pool.ends))
        line = tags.line(self._rng)
        if line is None:
            return
        sifted = min(max(self._protocol.sifted_bits, _SIFTED_PER_BIT * missing), _MOST_SIFTED)
        protocol = replace(self._protocol, sifted_bits=sifted)
        session = run_session(self._link, protocol=protocol, rng=self._rng, line=line)
        if session.keys is not None:
            pool.produce(dict(zip(pool.ends, session.keys, strict=True)))
        tags.renew(line)


def sae_ids(folder: Path) -> list[str]:
    """Return the SAEs that a folder of certificates was made for.

    Raises:
        ConfigError: it holds none.
    """
    names = {path.stem for path in folder.glob("*.pem")}
    if not {AUTHORITY, SERVER} <= names or len(names) < 4:
        raise ConfigError(
            f"{folder} holds no certificates of two or more SAEs; make them first: "
            f"qfl kme init {folder} --sae alice --sae bob"
        )
    return sorted(names - {AUTHORITY, SERVER})


def pools_in(
    folder: Path, *, capacity_bits: int, lifetime: Lifetime | None = None
) -> dict[tuple[str, str], KeyPool]:
    """Return a pool on disk for every pair of SAEs, as it was left.

    Requests do not wait for the disk: if the machine goes down, all keys are burnt.

    Args:
        folder: certificates; pools are kept beside them.
        capacity_bits: of every pool.
        lifetime: of keys that are produced from now on; for ever if None.
    """
    return {
        (one, other): KeyPool(
            (one, other),
            run="kme",
            capacity_bits=capacity_bits,
            vault=Vault(folder / "pools" / f"{one}+{other}", synced=False),
            lifetime=lifetime,
        )
        for one, other in combinations(sae_ids(folder), 2)
    }
