"""No crash makes a key come back: SIGKILL, torn lines, full disks, damaged files."""

import errno
import hashlib
import json
import os
import signal
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.errors import (
    DiskFullError,
    KeyExhaustedError,
    SecurityError,
    StoreError,
    UnknownKeyError,
)
from qfl.security.keys import KeyPool, Lifetime, Secret, Vault, verify_chain
from qfl.security.keys.ledger import KeyEvent, Ledger
from qfl.security.ladder import QkdAead

ENDS = ("server", "c")
CAPACITY_BITS = 1 << 16


class Opened:
    """A pool in a folder, let go at the end as if the process had ended."""

    def __init__(self, folder, capacity_bits=CAPACITY_BITS, lifetime=None, synced=True):
        self.vault = Vault(folder, synced=synced)
        self.options = {"capacity_bits": capacity_bits, "lifetime": lifetime}

    def __enter__(self):
        return KeyPool(ENDS, run="cell", vault=self.vault, **self.options)

    def __exit__(self, *_):
        self.vault.close()


def produce(pool, rng, size=256):
    material = rng.bytes(size)
    pool.produce({end: Secret(material) for end in ENDS})


def test_a_pool_goes_on_where_it_stopped(tmp_path):
    rng = np.random.default_rng(0)
    with Opened(tmp_path) as pool:
        produce(pool, rng)
        [first] = pool.enc_keys("server")
        [second] = pool.enc_keys("c")
        pool.dec_keys("server", [second.key_id])
        left, head = pool.bits_left, pool.ledger.head
    with Opened(tmp_path) as pool:
        assert (pool.bits_left, pool.ledger.head) == (left, head)
        assert pool.waits_for(first.key_id) == "c"
        assert pool.dec_keys("c", [first.key_id])[0].secret == first.secret
        with pytest.raises(UnknownKeyError):
            pool.dec_keys("server", [second.key_id])
        [third] = pool.enc_keys("server")
        assert third.key_id not in (first.key_id, second.key_id)
        assert third.secret not in (first.secret, second.secret)
        assert verify_chain("cell|server|c", pool.ledger.entries)


def test_overflow_is_accounted_for_and_not_stored(tmp_path):
    rng = np.random.default_rng(1)
    with Opened(tmp_path, 1024) as pool:
        produce(pool, rng)
        assert pool.ledger.account.produced == 2048
        assert pool.ledger.account.burnt == 1024
    with Opened(tmp_path, 1024) as pool:
        assert pool.bits_left == 1024


def test_spent_keys_are_overwritten(tmp_path):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(2), size=96)
        [key] = pool.enc_keys("server")
        stored = [(tmp_path / f"{i}.keys").read_bytes() for i in (0, 1)]
        assert key.secret.reveal() not in stored[0]
        assert key.secret.reveal() in stored[1]
        pool.dec_keys("c", [key.key_id])
        assert key.secret.reveal() not in (tmp_path / "1.keys").read_bytes()
        [lost] = pool.enc_keys("server")
        pool.burn_waiting()
        assert lost.secret.reveal() not in (tmp_path / "1.keys").read_bytes()


def test_only_the_owner_may_read(tmp_path):
    with Opened(tmp_path / "pool"):
        pass
    for path in (tmp_path / "pool").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_process_at_a_time(tmp_path):
    with Opened(tmp_path), pytest.raises(StoreError, match="another process"):
        Vault(tmp_path)


def test_a_torn_line_announced_nothing(tmp_path):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(3))
        pool.enc_keys("server")
        entries = pool.ledger.entries
    ledger = tmp_path / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    for cut in (1, 40, len(lines[-1]) - 1):
        ledger.write_bytes(b"".join(lines[:-1]) + lines[-1][:cut])
        with Opened(tmp_path) as pool:
            assert pool.ledger.entries == entries[:-1]
    assert ledger.read_bytes() == b"".join(lines[:-1])


def test_keys_that_no_entry_knows_are_cut_off(tmp_path):
    """A crash after the keys were written and before their entry was."""
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(4))
    for index, extra in ((0, 100), (1, 60)):
        with (tmp_path / f"{index}.keys").open("ab") as file:
            file.write(bytes(extra))
    with Opened(tmp_path) as pool:
        assert pool.bits_left == 2048
        produce(pool, np.random.default_rng(5))
        for key in pool.enc_keys("server", number=16):
            assert pool.dec_keys("c", [key.key_id])[0].secret == key.secret


def damage_line(folder):
    ledger = folder / "ledger.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("{broken\n" + "".join(lines[1:]))


def damage_bits(folder):
    ledger = folder / "ledger.jsonl"
    lines = ledger.read_text().splitlines()
    fields = json.loads(lines[0])
    ledger.write_text("\n".join([json.dumps({**fields, "bits": 8}), *lines[1:]]) + "\n")


def damage_keys(folder):
    (folder / "1.keys").write_bytes(b"short")


@pytest.mark.parametrize("damage", [damage_line, damage_bits, damage_keys])
def test_damage_is_found(tmp_path, damage):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(6))
        pool.enc_keys("server")
    damage(tmp_path)
    with pytest.raises(SecurityError, match="trust no key"), Opened(tmp_path):
        pass


def test_a_full_disk_hands_out_nothing_and_damages_nothing(tmp_path, monkeypatch):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(7))
        left, real = pool.bits_left, os.pwrite

        def full(descriptor, data, offset):
            real(descriptor, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(DiskFullError, match="no key was handed out"):
            pool.enc_keys("server")
        monkeypatch.undo()
        assert pool.bits_left == left
        [key] = pool.enc_keys("server")
    with Opened(tmp_path) as pool:
        assert pool.dec_keys("c", [key.key_id])[0].secret == key.secret


def test_keys_whose_entry_could_not_be_written_leave_no_trace(tmp_path, monkeypatch):
    """Written, never announced: the next keys lie where these did, in the file as in memory."""
    rng = np.random.default_rng(14)

    def full(*_):
        raise DiskFullError("no space")

    with Opened(tmp_path) as pool:
        produce(pool, rng, size=64)
        with monkeypatch.context() as patched:
            patched.setattr(pool.ledger, "_keep", full)
            with pytest.raises(DiskFullError):
                produce(pool, rng, size=96)
        assert pool.bits_left == 512
        for _ in range(2):
            produce(pool, rng, size=64)
        used = [key.secret.reveal() for key in pool.enc_keys("server", number=4)]
    with Opened(tmp_path) as pool:
        used += [key.secret.reveal() for key in pool.enc_keys("server", number=2)]
        for key_id in [e.key_id for e in pool.ledger.entries if e.event is KeyEvent.DELIVERED]:
            used.remove(pool.dec_keys("c", [key_id])[0].secret.reveal())
    assert used == []
    assert not any((tmp_path / "0.keys").read_bytes())


def test_a_crash_between_overflow_and_its_burning_is_made_good(tmp_path, monkeypatch):
    class Crash(Exception):
        """The process ends here."""

    append = Ledger.append

    def crash(ledger, *rows):
        append(ledger, *rows[:2])
        raise Crash

    with Opened(tmp_path) as pool:
        monkeypatch.setattr(Ledger, "append", crash)
        with pytest.raises(Crash):
            produce(pool, np.random.default_rng(9), size=CAPACITY_BITS // 8 + 96)
        monkeypatch.undo()
    for _ in range(2):
        with Opened(tmp_path) as pool:
            assert pool.bits_left == CAPACITY_BITS
            assert pool.ledger.account.burnt == 768
            assert pool.ledger.account.produced == CAPACITY_BITS + 768


def test_expiry_survives_the_process(tmp_path):
    rng = np.random.default_rng(10)
    with Opened(tmp_path, lifetime=Lifetime(seconds=60, clock=lambda: 0.0)) as pool:
        produce(pool, rng)
        [key] = pool.enc_keys("server")
    with Opened(tmp_path, lifetime=Lifetime(clock=lambda: 59.0)) as pool:
        assert (pool.bits_left, pool.waits_for(key.key_id)) == (2048 - 256, "c")
        produce(pool, rng, size=32)
    for _ in range(2):
        with Opened(tmp_path, lifetime=Lifetime(clock=lambda: 60.0)) as pool:
            assert pool.bits_left == 256
            with pytest.raises(UnknownKeyError):
                pool.dec_keys("c", [key.key_id])
            assert pool.ledger.account.expired == 2048
    stored = [(tmp_path / f"{i}.keys").read_bytes() for i in (0, 1)]
    assert all(not any(material[:256]) and any(material[256:]) for material in stored)


@pytest.mark.parametrize("method", ["dec_keys", "enc_keys"])
def test_a_crash_between_expiry_and_its_erasing_is_made_good(tmp_path, monkeypatch, method):
    class Crash(Exception):
        """The process ends here."""

    def crash(*_):
        raise Crash

    with Opened(tmp_path, lifetime=Lifetime(seconds=60, clock=lambda: 0.0)) as pool:
        produce(pool, np.random.default_rng(11))
        pool.enc_keys("server")
    with Opened(tmp_path, lifetime=Lifetime(clock=lambda: 61.0)) as pool:
        monkeypatch.setattr(Vault, "erase", crash)
        with pytest.raises(Crash):
            pool.enc_keys("server") if method == "enc_keys" else pool.dec_keys("c", ["any"])
        monkeypatch.undo()
    with Opened(tmp_path, lifetime=Lifetime(clock=lambda: 61.0)) as pool:
        with pytest.raises(KeyExhaustedError):
            pool.enc_keys("server")
        assert pool.ledger.account.expired == 2048
    assert not any(b"".join((tmp_path / f"{i}.keys").read_bytes() for i in (0, 1)))


def test_spent_keys_that_a_crash_left_are_overwritten_on_opening(tmp_path, monkeypatch):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(12), size=64)
        monkeypatch.setattr(Vault, "erase", lambda *_: None)
        [first, second] = pool.enc_keys("server", number=2)
        pool.dec_keys("c", [first.key_id])
        monkeypatch.undo()
    with Opened(tmp_path):
        stored = [(tmp_path / f"{i}.keys").read_bytes() for i in (0, 1)]
        assert stored[0] == bytes(64)
        assert stored[1] == bytes(32) + second.secret.reveal()


def test_one_request_is_one_sync(tmp_path, monkeypatch):
    with Opened(tmp_path) as pool:
        produce(pool, np.random.default_rng(13))
        syncs, real = [], os.fdatasync
        monkeypatch.setattr(os, "fdatasync", lambda fd: syncs.append(fd) or real(fd))
        made = pool.enc_keys("server", number=8)
        pool.dec_keys("c", [key.key_id for key in made])
        assert len(syncs) == 2


@contextmanager
def killed(folder):
    """A pool whose entries are not synced, in a process that ends without closing it."""
    vault = Vault(folder, synced=False)
    yield KeyPool(ENDS, run="cell", capacity_bits=CAPACITY_BITS, vault=vault)
    vault._release()


def test_without_syncs_a_process_may_end_but_not_the_machine(tmp_path, monkeypatch):
    rng = np.random.default_rng(15)
    with killed(tmp_path) as pool:
        produce(pool, rng)
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", lambda _: pytest.fail("a request waited for the disk"))
            [first, second] = pool.enc_keys("server", number=2)
            pool.dec_keys("c", [first.key_id])
    with killed(tmp_path) as pool:
        assert (pool.bits_left, pool.waits_for(second.key_id)) == (2048 - 512, "c")
        names = {key.key_id for key in pool.enc_keys("server", number=2)} | {first.key_id}
    ledger = (tmp_path / "ledger.jsonl").read_bytes()
    (tmp_path / "boot").write_text("an earlier one")
    lost = ledger[: ledger.rindex(b"\n", 0, -1) + 1]
    (tmp_path / "ledger.jsonl").write_bytes(lost + bytes(64) + b"\n")
    for _ in range(2):
        with Opened(tmp_path) as pool:
            assert pool.bits_left == 0
            assert pool.waits_for(second.key_id) is None
            account = pool.ledger.account
            assert account.produced == account.consumed + account.burnt
    with Opened(tmp_path) as pool:
        assert not (tmp_path / "boot").exists()
        assert not any((tmp_path / "1.keys").read_bytes())
        produce(pool, rng)
        assert not names & {key.key_id for key in pool.enc_keys("server", number=8)}


def test_a_clean_end_needs_no_burning(tmp_path):
    with Opened(tmp_path, synced=False) as pool:
        produce(pool, np.random.default_rng(16))
        assert (tmp_path / "boot").exists()
    assert not (tmp_path / "boot").exists()
    with Opened(tmp_path) as pool:
        assert pool.bits_left == 2048


def live(folder: Path, used: int, sealing: bool, synced: bool) -> None:
    """Produce, deliver, use and fetch keys until killed; `used` hears of every used key."""
    rng = np.random.default_rng(int.from_bytes(os.urandom(8), "little"))
    with Opened(folder, synced=synced) as pool:
        channel = QkdAead(pool, "aes-256-gcm")
        while True:
            produce(pool, rng, size=96)
            for end, direction in (("server", Direction.DOWN), ("c", Direction.UP)):
                other = ENDS[1 - ENDS.index(end)]
                if sealing:
                    header = Header("cell", 1, end, other, direction, "")
                    envelope = channel.seal(b"update", header)
                    os.write(used, f"{envelope.header.key_id} -\n".encode())
                    channel.open(envelope)
                else:
                    [key] = pool.enc_keys(end)
                    digest = hashlib.sha256(key.secret.reveal()).hexdigest()
                    os.write(used, f"{key.key_id} {digest}\n".encode())
                    pool.dec_keys(other, [key.key_id])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("sealing", "synced"),
    [(False, True), (True, True), (False, False)],
    ids=["delivering", "sealing", "delivering without syncs"],
)
def test_fifty_kills(tmp_path, sealing, synced):
    """No key is used twice, none is both used and in the pool, and the ledger stays whole.

    Most kills come at a random moment after the first use, every fifth while starting up.
    """
    log = tmp_path / "used"
    rng = np.random.default_rng(8)
    for kill in range(50):
        before = log.stat().st_size if log.exists() else 0
        used = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        child = os.fork()
        if child == 0:
            try:
                live(tmp_path / "pool", used, sealing, synced)
            finally:
                os._exit(1)
        while kill % 5 and os.fstat(used).st_size == before:
            time.sleep(0.001)
        os.close(used)
        time.sleep(0.02 * float(rng.random()))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    rows = [line.split() for line in log.read_text().splitlines()]
    assert len(rows) >= 40
    ids = [key_id for key_id, _ in rows]
    assert len(set(ids)) == len(ids)
    with Opened(tmp_path / "pool") as pool:
        account = pool.ledger.account
        overflow = sum(
            entry.bits
            for entry in pool.ledger.entries
            if entry.event is KeyEvent.PRODUCED and entry.key_id == "overflow"
        )
        assert account.produced == account.delivered + pool.bits_left + overflow
        delivered = [e.key_id for e in pool.ledger.entries if e.event.value == "delivered"]
        assert set(ids) <= set(delivered)
        assert len(set(delivered)) == len(delivered)
        left = set()
        while True:
            try:
                [key] = pool.enc_keys("server")
            except KeyExhaustedError:
                break
            assert key.key_id not in ids
            left.add(hashlib.sha256(key.secret.reveal()).hexdigest())
    if not sealing:
        digests = [digest for _, digest in rows]
        assert len(set(digests)) == len(digests)
        assert not left & set(digests)
