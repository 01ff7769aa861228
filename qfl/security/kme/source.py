"""Where a service's keys come from: emulated sessions over one link, and pools that keep them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.keys.pool import KeyPool, Lifetime
from qfl.security.keys.vault import Vault
from qfl.security.kme.certificates import AUTHORITY, SERVER
from qfl.security.qkd.link import Link
from qfl.security.qkd.session import Protocol, run_session


class SessionSource:
    """Refills pools by one emulated session at a time.

    Args:
        link: between the two ends.
        protocol: of a session.
        rng: draws everything.

    >>> from qfl.security.qkd.link import FibreLink
    >>> pool = KeyPool(("alice", "bob"), run="doc", capacity_bits=65_536)
    >>> source = SessionSource(FibreLink(length_km=5), rng=np.random.default_rng(0))
    >>> source(pool)
    >>> pool.bits_left > 512
    True
    """

    def __init__(
        self, link: Link, *, rng: np.random.Generator, protocol: Protocol | None = None
    ) -> None:
        self._link = link
        self._rng = rng
        self._protocol = protocol or Protocol()

    def __call__(self, pool: KeyPool) -> None:
        """Run one session; if it aborts, the pool stays as it is."""
        session = run_session(self._link, protocol=self._protocol, rng=self._rng)
        if session.keys is not None:
            pool.produce(dict(zip(pool.ends, session.keys, strict=True)))


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
