import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qfl.core.errors import ConfigError, KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.keys import KeyEvent, KeyPool, Lifetime, Secret, verify_chain

ENDS = ("server", "c")


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self):
        return self.now


def pool(bits: int = 0, capacity_bits: int = 4096, lifetime: Lifetime | None = None) -> KeyPool:
    made = KeyPool(ENDS, run="cell", capacity_bits=capacity_bits, lifetime=lifetime)
    if bits:
        made.produce(both(np.random.default_rng(0).bytes(bits // 8)))
    return made


def both(material: bytes) -> dict[str, Secret]:
    return {end: Secret(material) for end in ENDS}


def test_both_ends_get_the_same_key_once():
    keys = pool(1024)
    [mine] = keys.enc_keys("server")
    [theirs] = keys.dec_keys("c", [mine.key_id])
    assert mine.secret == theirs.secret
    with pytest.raises(UnknownKeyError, match="has been used"):
        keys.dec_keys("c", [mine.key_id])


def test_only_the_other_end_may_ask():
    keys = pool(1024)
    [mine] = keys.enc_keys("c")
    with pytest.raises(UnknownKeyError):
        keys.dec_keys("c", [mine.key_id])
    assert keys.dec_keys("server", [mine.key_id])[0].secret == mine.secret


def test_exhaustion_spends_nothing():
    keys = pool(512)
    before = keys.ledger.head
    with pytest.raises(KeyExhaustedError, match="nothing was spent"):
        keys.enc_keys("server", number=3)
    assert keys.bits_left == 512
    assert keys.ledger.head == before


def test_a_request_with_one_unknown_id_gets_nothing():
    keys = pool(1024)
    [mine] = keys.enc_keys("server")
    with pytest.raises(UnknownKeyError, match="forged"):
        keys.dec_keys("c", [mine.key_id, "forged"])
    assert keys.dec_keys("c", [mine.key_id])


def test_ids_differ_between_links_runs_and_keys():
    made = []
    for run, ends in (("one", ENDS), ("two", ENDS), ("one", ("server", "d"))):
        keys = KeyPool(ends, run=run, capacity_bits=4096)
        keys.produce({end: Secret(bytes(64)) for end in ends})
        made += [key.key_id for key in keys.enc_keys("server", number=2)]
    assert len(set(made)) == 6


def test_what_does_not_fit_is_burnt():
    keys = pool(1024, capacity_bits=768)
    assert keys.bits_left == 768
    assert keys.ledger.account.burnt == 256


def test_copies_that_nobody_fetched_are_burnt():
    keys = pool(1024)
    [mine] = keys.enc_keys("server")
    assert keys.burn_waiting() == 256
    with pytest.raises(UnknownKeyError):
        keys.dec_keys("c", [mine.key_id])


@pytest.mark.golden
@pytest.mark.parametrize(
    ("start", "capacity", "gain", "cost", "expected"),
    [
        (1000, 5000, 1000, 1500, [500, 0, "exhausted", 500, 0]),
        (0, 2000, 1500, 1200, [300, 600, 800, 800]),
    ],
)
def test_trajectory(start, capacity, gain, cost, expected):
    """S <- min(S_max, S + R dt), then spend C if C <= S; in bytes, as keys come in whole bytes."""
    keys = pool(8 * start, 8 * capacity)
    seen = []
    for _ in expected:
        keys.produce(both(bytes(gain)))
        try:
            keys.enc_keys("server", size=8 * cost)
            seen.append(keys.bits_left // 8)
        except KeyExhaustedError:
            seen.append("exhausted")
    assert seen == expected


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="itself"):
        KeyPool(("a", "a"), run="cell", capacity_bits=512)
    with pytest.raises(ConfigError, match="multiple of 8"):
        pool(1024).enc_keys("server", size=100)
    with pytest.raises(SecurityError, match="different length"):
        pool().produce({"server": Secret(bytes(8)), "c": Secret(bytes(9))})
    with pytest.raises(SecurityError, match="keys for"):
        pool().produce({"server": Secret(bytes(8))})
    with pytest.raises(ConfigError, match="no end"):
        pool(1024).enc_keys("stranger")


def test_expired_keys_are_never_delivered():
    clock = Clock()
    keys = pool(1024, lifetime=Lifetime(seconds=60, clock=clock))
    [first, second] = keys.enc_keys("server", number=2)
    clock.now = 59.9
    assert keys.dec_keys("c", [first.key_id])[0].secret == first.secret
    clock.now = 60.0
    assert keys.bits_left == 0
    assert keys.waits_for(second.key_id) is None
    with pytest.raises(UnknownKeyError, match="expired"):
        keys.dec_keys("c", [second.key_id])
    with pytest.raises(KeyExhaustedError, match="0 are left"):
        keys.enc_keys("server")
    account = keys.ledger.account
    assert (account.delivered, account.consumed, account.expired) == (512, 256, 768)
    named = [e.key_id for e in keys.ledger.entries if e.event is KeyEvent.EXPIRED]
    assert named == [second.key_id, ""]


def test_a_key_is_as_old_as_its_oldest_part():
    clock = Clock()
    keys = pool(64, lifetime=Lifetime(seconds=60, clock=clock))
    clock.now = 30.0
    keys.produce(both(bytes(64)))
    [mixed, fresh] = keys.enc_keys("server", size=128, number=2)
    clock.now = 60.0
    with pytest.raises(UnknownKeyError):
        keys.dec_keys("c", [mixed.key_id])
    assert keys.dec_keys("c", [fresh.key_id])[0].secret == fresh.secret
    clock.now = 89.0
    assert keys.bits_left == 64 + 512 - 256


def test_room_is_made_by_expiry():
    clock = Clock()
    keys = pool(1024, capacity_bits=1024, lifetime=Lifetime(seconds=60, clock=clock))
    clock.now = 100.0
    keys.produce(both(bytes(128)))
    account = keys.ledger.account
    assert (keys.bits_left, account.expired, account.burnt) == (1024, 1024, 0)


def test_keys_without_a_lifetime_stay():
    clock = Clock()
    keys = pool(1024, lifetime=Lifetime(clock=clock))
    clock.now = 1e300
    assert keys.enc_keys("server", number=4)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="lifetime"):
            Lifetime(seconds=seconds)


def test_a_hundred_threads_ask_for_one_key_and_one_gets_it():
    keys = pool(1024)
    [mine] = keys.enc_keys("server")
    start = threading.Barrier(100)

    def ask(_):
        start.wait()
        try:
            return keys.dec_keys("c", [mine.key_id])[0].secret == mine.secret
        except UnknownKeyError:
            return None

    with ThreadPoolExecutor(100) as executor:
        answers = list(executor.map(ask, range(100)))
    assert answers.count(True) == 1
    assert answers.count(None) == 99


def test_threads_never_share_a_key():
    keys = pool(64 * 256, capacity_bits=64 * 256)
    with ThreadPoolExecutor(16) as executor:
        made = list(executor.map(lambda end: keys.enc_keys(end)[0], [*ENDS] * 32))
    assert len({key.key_id for key in made}) == len({key.secret.reveal() for key in made}) == 64
    assert verify_chain(keys.ledger.link, keys.ledger.entries)


class PoolLife(RuleBasedStateMachine):
    """Whatever happens, nothing is handed out twice or too late, and every bit is accounted for."""

    lifetime = 5

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        lifetime = Lifetime(seconds=self.lifetime, clock=self.clock)
        self.pool = pool(capacity_bits=1 << 20, lifetime=lifetime)
        self.rng = np.random.default_rng(1)
        self.births = []
        self.sent = {}
        self.used = set()

    @rule(length=st.integers(1, 100))
    def produce(self, length):
        self.pool.produce(both(self.rng.bytes(length)))
        self.births += [self.clock.now] * length

    @rule(seconds=st.integers(1, 3))
    def wait(self, seconds):
        self.clock.now += seconds
        self.births = [birth for birth in self.births if self.fresh(birth)]

    def fresh(self, birth):
        return self.clock.now < birth + self.lifetime

    @rule(end=st.sampled_from(ENDS), size=st.sampled_from([64, 256]))
    def send(self, end, size):
        try:
            [key] = self.pool.enc_keys(end, size=size)
        except KeyExhaustedError:
            assert 8 * len(self.births) < size
            return
        assert key.secret.reveal() not in self.used
        self.used.add(key.secret.reveal())
        oldest = min(self.births[: size // 8])
        del self.births[: size // 8]
        self.sent[key.key_id] = (ENDS[1 - ENDS.index(end)], key.secret, oldest)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def receive(self, data):
        key_id = data.draw(st.sampled_from(sorted(self.sent)))
        end, secret, birth = self.sent.pop(key_id)
        if self.fresh(birth):
            assert self.pool.dec_keys(end, [key_id])[0].secret == secret
        with pytest.raises(UnknownKeyError):
            self.pool.dec_keys(end, [key_id])

    @rule()
    def lose(self):
        self.pool.burn_waiting()
        self.sent.clear()

    @invariant()
    def accounted(self):
        account, rows = self.pool.ledger.account, self.pool.ledger.entries
        aged = sum(row.bits for row in rows if row.event is KeyEvent.EXPIRED and not row.key_id)
        left = 8 * len(self.births)
        assert self.pool.bits_left == left
        assert account.produced >= account.delivered + left + aged
        if self.clock.now < self.lifetime:
            assert account.produced == account.delivered + left
        waiting = sum(secret.bits for _, secret, _ in self.sent.values())
        assert account.delivered >= account.consumed + account.burnt
        assert account.delivered <= account.consumed + account.burnt + account.expired + waiting
        assert verify_chain(self.pool.ledger.link, rows)


PoolLife.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestPoolLife = pytest.mark.property(PoolLife.TestCase)
