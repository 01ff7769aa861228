"""A service over loopback TLS with real certificates."""

import ssl
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from qfl.security.keys import KeyPool, Secret
from qfl.security.kme import KeyManager
from qfl.security.kme.certificates import make_certificates
from qfl.security.kme.server import server

SAES = ["alice", "bob", "carol"]
MATERIAL = np.random.default_rng(0).bytes(1 << 13)


def pool_of(ends, material=b"", **options):
    """Return a pool that holds the material."""
    pool = KeyPool(ends, run="kme", capacity_bits=1 << 20, **options)
    pool.produce({end: Secret(material) for end in ends})
    return pool


class Running:
    """A service in a thread; alice and bob share keys, alice and carol a link without any."""

    material = MATERIAL

    def __init__(self, folder: Path, manager: KeyManager | None = None):
        self.folder = folder
        if manager is None:
            links = {("alice", "bob"): MATERIAL, ("alice", "carol"): b""}
            manager = KeyManager({ends: pool_of(ends, held) for ends, held in links.items()})
        self.service = server(manager, folder=folder, port=0)
        self.thread = threading.Thread(target=self.service.run)

    def __enter__(self):
        self.thread.start()
        while not self.service.started:
            time.sleep(0.01)
        self.port = self.service.servers[0].sockets[0].getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        return self

    def __exit__(self, *_):
        self.service.should_exit = True
        self.thread.join(timeout=30)
        assert not self.thread.is_alive()

    def files(self, sae: str) -> dict[str, Path]:
        return {"certificate": self.folder / f"{sae}.pem", "key": self.folder / f"{sae}.key"}

    def context(self, sae: str | None) -> ssl.SSLContext:
        """What an SAE brings to TLS; None brings no certificate."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if sae:
            context.load_cert_chain(*self.files(sae).values())
        return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kme")
    make_certificates(folder, saes=SAES)
    return folder


@pytest.fixture(scope="session")
def start(certificates):
    """Return what starts a service of any manager."""
    pytest.importorskip("starlette", reason="needs the extra 'kme'")
    pytest.importorskip("uvicorn", reason="needs the extra 'kme'")
    return lambda manager=None: Running(certificates, manager)


@pytest.fixture(scope="module")
def running(start):
    with start() as service:
        yield service


@pytest.fixture(scope="session")
def make_pool():
    return pool_of
