"""Keys appear in no log, record, exception, repr, pickle or crash dump.

Two ways to look: keys that the test knows are put into pools, and every secret that is ever made
is remembered. Then everything that came out is searched for any piece of them in any spelling.
Tracebacks are rendered with local variables, as crash reporters do.
"""

import base64
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import traceback
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.errors import QflError
from qfl.core.update import Update
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Sealed
from qfl.security.keys import KeyPool, Secret, Vault
from qfl.security.keys.relay import RelayNetwork
from qfl.security.keys.stock import Stock
from qfl.security.kme import KeyManager
from qfl.security.ladder import Hybrid, KemOnly, OneTimePad, QkdAead
from qfl.security.masking import Cohort, MaskingClient, MaskingServer
from qfl.security.masking.shamir import join_shares, split_secret
from qfl.security.primitives.aead import open_bytes, seal_bytes
from qfl.security.primitives.identity import Identity
from qfl.security.primitives.kdf import hkdf
from qfl.security.primitives.pad import open_pad, seal_pad
from qfl.study import Study, run

PIECE = 12
PLANTED = np.random.default_rng(20).bytes(4096)
ENDS = ("server", "c")
UPDATE = Update({"head": {"b": np.arange(4, dtype=np.float32)}}, {"head": 3})
ROOT = Path(__file__).parents[2]


def spellings(material, step=8):
    """Return pieces of a key as bytes, hex, base64 at each alignment, repr and numbers."""
    found = set()
    for start in range(0, len(material) - PIECE - 2, step):
        piece = material[start : start + PIECE]
        found |= {piece.hex(), piece.hex().upper(), repr(piece)[2:-1], str([*piece])[1:-1]}
        found |= {
            base64.b64encode(material[start + shift : start + shift + PIECE]).decode()
            for shift in range(3)
        }
    return found


def shown(text, materials):
    """Return the first spelling of any key that a text holds."""
    return next((s for each in materials for s in spellings(each) if s in text), None)


def rendered(error):
    """Return a traceback with the local variables of every frame of this suite."""
    text, error_ = [], error
    while error_ is not None:
        made = traceback.TracebackException.from_exception(error_, capture_locals=True)
        made.stack[:] = [frame for frame in made.stack if f"{os.sep}qfl{os.sep}" in frame.filename]
        made.__cause__ = made.__context__ = None
        text += [*made.format(), str(error_), repr(error_), repr(error_.args)]
        error_ = error_.__cause__ or error_.__context__
    return "".join(text)


def planted_pool(ends=ENDS, vault=None):
    pool = KeyPool(ends, run="cell", capacity_bits=1 << 16, vault=vault)
    pool.produce({end: Secret(PLANTED) for end in ends})
    return pool


def header(direction=Direction.DOWN):
    return Header("cell", 1, "server", "c", direction, UPDATE.schema)


def test_the_search_finds_what_is_there():
    for text in (PLANTED.hex(), repr(PLANTED), base64.b64encode(PLANTED[1:]).decode()):
        assert shown(text, [PLANTED])
    with pytest.raises(QflError) as caught:
        hkdf(PLANTED, salt=b"", info=b"", length=32, digest="unknown")
    assert shown(rendered(caught.value), [PLANTED])


def mechanisms(pool):
    identities = {end: Identity() for end in ENDS}
    hybrid = Hybrid(pool, identities, "aes-256-gcm")
    hybrid.keep(*ENDS)
    cipher = "chacha20-poly1305"
    return [OneTimePad(pool), QkdAead(pool, cipher), hybrid, KemOnly(identities, cipher)]


def incidents(tmp_path, monkeypatch):
    """Yield what goes wrong where keys are at hand; every call raises."""
    pool = planted_pool()
    for mechanism in mechanisms(pool):
        sealed = mechanism.seal(UPDATE.payload, header())
        body = bytearray(sealed.ciphertext)
        body[-1] ^= 1
        yield lambda m=mechanism, e=sealed, b=body: m.open(replace(e, ciphertext=bytes(b)))
        yield lambda m=mechanism, e=sealed: m.open(replace(e, ciphertext=b""))
    key = Secret(PLANTED[:32])
    context = {"associated_data": b"h"}
    yield lambda: open_bytes(key, bytes(40), lane=1, **context)
    yield lambda: seal_bytes(key, b"w", lane=1, cipher="rot13", **context)
    yield lambda: seal_pad(key, b"weights", **context)
    yield lambda: open_pad(Secret(PLANTED[:39]), bytes(23), **context)
    yield lambda: pool.enc_keys("server", number=10**6)
    yield lambda: pool.dec_keys("c", ["unknown"])
    yield lambda: pool.produce({"server": Secret(PLANTED), "c": Secret(PLANTED[:8])})
    yield lambda: pool.produce({"server": Secret(PLANTED)})
    shares = split_secret(Secret(PLANTED[:32]), threshold=2, shares=3)
    yield lambda: join_shares({1: shares[0], 2: Secret(PLANTED[:40])}, length=32)
    yield lambda: join_shares({1: shares[1], 2: shares[2]}, length=31)
    clients = [MaskingClient(n, COHORT, pair_keys(n)) for n in "abc"]
    sent = [client.share() for client in clients]
    inbox = {"b": sent[0].sealed["b"], "c": sent[2].sealed["a"]}
    yield lambda: clients[0].receive(inbox)
    yield lambda: clients[0].share()
    edges = [("a", "r"), ("r", "b")]
    relay = RelayNetwork({edge: planted_pool(edge) for edge in edges})
    rng = np.random.default_rng(0)
    yield lambda: relay.deliver("a", "b", rng=rng, bits=1 << 20)
    broken = planted_pool(("r", "b"))
    monkeypatch.setattr(broken, "enc_keys", lambda *_, **__: pool.dec_keys("c", ["unknown"]))
    halfway = RelayNetwork({("a", "r"): planted_pool(("a", "r")), ("r", "b"): broken})
    yield lambda: halfway.deliver("a", "b", rng=rng)
    manager = KeyManager({ENDS: pool})
    made = manager.enc_keys("server", "c", {})["keys"][0]["key_ID"]
    for who, what in (("server", {"key_IDs": [{"key_ID": made}]}), ("c", {"key_IDs": [made]})):
        yield lambda who=who, what=what: manager.dec_keys(who, "server", what)
    stored = planted_pool(vault=Vault(tmp_path / "pool"))
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    yield lambda: stored.produce({end: Secret(PLANTED[::-1]) for end in ENDS})
    yield lambda: stored.enc_keys("server")


COHORT = Cohort.complete("abc", threshold=2, modulus_bits=32)


def pair_keys(name):
    return {other: Secret(PLANTED[:32]) for other in "abc" if other != name}


def test_no_exception_carries_a_key_even_with_local_variables(tmp_path, monkeypatch):
    count = 0
    for incident in incidents(tmp_path, monkeypatch):
        with pytest.raises(QflError) as caught:
            incident()
        found = shown(rendered(caught.value), [PLANTED, PLANTED[::-1]])
        assert found is None, (count, found, rendered(caught.value))
        count += 1
    assert count > 20


def holders(tmp_path):
    """Return one of everything that holds keys."""
    pool, stored = planted_pool(), planted_pool(vault=Vault(tmp_path / "pool"))
    [key] = pool.enc_keys("server")
    stock = Stock(ENDS)
    stock.add({end: Secret(PLANTED) for end in ENDS}, expires=9.0)
    client = MaskingClient("a", COHORT, pair_keys("a"))
    edges = [("a", "r"), ("r", "b")]
    relay = RelayNetwork({edge: planted_pool(edge) for edge in edges})
    return [
        pool,
        stored,
        key,
        stock,
        stock.take(64),
        pool.ledger.entries,
        Secret(PLANTED),
        mechanisms(pool),
        KeyManager({ENDS: pool}),
        client,
        client.share(),
        MaskingServer(COHORT, length=4),
        Identity(),
        relay,
        relay.deliver("a", "b", rng=np.random.default_rng(0)),
    ]


def test_no_repr_and_no_pickle_carries_a_key(tmp_path):
    for thing in holders(tmp_path):
        assert shown(f"{thing!r} {thing}", [PLANTED]) is None, type(thing)
        try:
            packed = pickle.dumps(thing)
        except (QflError, TypeError):
            continue
        assert all(PLANTED[i : i + PIECE] not in packed for i in range(0, 4000, 8)), type(thing)


@pytest.fixture
def secrets(monkeypatch):
    """Return the list to which every secret is added from now on."""
    made, init = set(), Secret.__init__

    def remember(self, material):
        init(self, material)
        if PIECE + 2 < len(material) <= 1 << 16:
            made.add(bytes(material))

    monkeypatch.setattr(Secret, "__init__", remember)
    return made


def test_no_log_and_no_event_of_a_channel_carries_a_key(secrets, caplog):
    caplog.set_level(logging.DEBUG)
    rng = np.random.default_rng(3)
    config = Sealed(level="L4", minimum_level="L1", sifted_bits=12_000)
    channel = config.connect(config.links(["c"], rng=rng), run="cell")
    events = [channel.exchange("c", round=0, rng=rng)]
    levels = set()
    for sequence in range(40):
        sealed = channel.seal(UPDATE, replace(header(), sequence=sequence))
        levels.add(str(sealed.level))
        channel.open(sealed)
    events.append(channel.exchange("c", round=1, rng=rng, eavesdropper=InterceptResend()))
    assert {"L4", "L3", "L2"} <= levels
    said = json.dumps([asdict(event) for event in events]) + repr([channel, channel.ledger("c")])
    assert len(secrets) > 20
    assert shown(said + caplog.text, secrets) is None


def test_no_file_of_a_run_carries_a_key(secrets, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    study = Study.load(ROOT / "studies/selection.toml").with_overrides(
        None,
        {
            "seeds": 1,
            "federation.rounds": 2,
            "federation.eavesdropped_round": 2,
            "methods": [{"label": "random", "solver": "random"}],
            "headline.method": "random",
        },
    )
    said = "".join(map(repr, run(study, out=tmp_path / "run")))
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    said += "".join(path.read_bytes().decode("latin-1") for path in files)
    said += caplog.text + "".join(capfd.readouterr())
    assert "secret_bits" in said
    assert len(secrets) > 20
    assert shown(said, secrets) is None


CRASH = """
import faulthandler, os, sys
faulthandler.enable()
from qfl.security.keys import KeyPool, Secret
from qfl.security.ladder import OneTimePad
from qfl.core.envelope import Direction, Header
material = bytes.fromhex(sys.stdin.read())
pool = KeyPool(("server", "c"), run="cell", capacity_bits=1 << 16)
pool.produce({end: Secret(material) for end in pool.ends})
def last_words(*_):
    os.abort()
import qfl.security.primitives.pad as pad
pad._xor_pad = last_words if sys.argv[1] == "abort" else None
OneTimePad(pool).seal(memoryview(b"weights"), Header("cell", 1, "server", "c", Direction.DOWN, ""))
"""


@pytest.mark.parametrize("how", ["abort", "raise"])
def test_no_crash_dump_carries_a_key(how, tmp_path):
    script = tmp_path / "crash.py"
    script.write_text(textwrap.dedent(CRASH))
    done = subprocess.run(
        [sys.executable, "-X", "dev", str(script), how],
        input=PLANTED.hex(),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == (-signal.SIGABRT if how == "abort" else 1)
    assert "seal_pad" in done.stderr
    assert shown(done.stderr + done.stdout, [PLANTED]) is None
