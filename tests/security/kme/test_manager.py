"""The rules of ETSI GS QKD 014 V1.1.1 on plain dictionaries."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.keys import KeyPool, Lifetime, Secret
from qfl.security.kme import KeyManager, KmeLimits, Refusal
from qfl.security.kme.source import SessionSource
from qfl.security.qkd import FibreLink

LINKS = [("alice", "bob"), ("alice", "carol")]
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def manager(bits=8192, **options):
    rng = np.random.default_rng(0)
    pools = {}
    for ends in LINKS:
        pools[ends] = KeyPool(ends, run="kme", capacity_bits=1 << 20)
        material = rng.bytes(bits // 8)
        pools[ends].produce({end: Secret(material) for end in ends})
    return KeyManager(pools, **options), pools


def ids(container):
    return {"key_IDs": [{"key_ID": key["key_ID"]} for key in container["keys"]]}


def refused(call, status, message=None):
    with pytest.raises(Refusal) as caught:
        call()
    assert caught.value.status == status
    if message is None:
        assert caught.value.body is None
    else:
        assert message in caught.value.body["message"]


def test_status_has_the_fields_of_the_standard():
    kme, _ = manager()
    assert kme.status("alice", "bob") == {
        "source_KME_ID": "kme-alice",
        "target_KME_ID": "kme-bob",
        "master_SAE_ID": "alice",
        "slave_SAE_ID": "bob",
        "key_size": 256,
        "stored_key_count": 32,
        "max_key_count": 1000,
        "max_key_per_request": 128,
        "max_key_size": 1024,
        "min_key_size": 64,
        "max_SAE_ID_count": 0,
    }


def test_both_ends_get_the_same_keys_in_either_direction():
    kme, _ = manager()
    for master, slave in (("alice", "bob"), ("bob", "alice"), ("carol", "alice")):
        made = kme.enc_keys(master, slave, {"number": 3, "size": 128})
        assert [len(base64.b64decode(key["key"])) for key in made["keys"]] == [16] * 3
        assert kme.dec_keys(slave, master, ids(made)) == made
        refused(lambda: kme.dec_keys(slave, master, ids(made)), 400, "not found on KME")  # noqa: B023


@pytest.mark.golden
def test_error_messages_of_the_standard():
    """ETSI GS QKD 014 V1.1.1 (2019-02), clauses 5 and 6."""
    kme, pools = manager()
    enc, dec = kme.enc_keys, kme.dec_keys
    refused(
        lambda: enc("alice", "bob", {"number": 1, "size": 100}),
        400,
        "size shall be a multiple of 8",
    )
    message = "one or more keys specified are not found on KME"
    refused(lambda: dec("bob", "alice", {"key_IDs": [{"key_ID": UNKNOWN}]}), 400, message)
    refused(lambda: enc(None, "bob", {}), 401)
    refused(lambda: kme.status("mallory", "bob"), 401)
    message = "not all extension_mandatory parameters are supported"
    refused(lambda: enc("alice", "bob", {"extension_mandatory": [{"x": 1}]}), 400, message)
    refused(lambda: enc("alice", "bob", {"number": 128, "size": 1024}), 503, "not available")
    assert all(pool.ledger.account.delivered == 0 for pool in pools.values())


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ([], "JSON object"),
        ({"number": 0}, "1 to 128"),
        ({"number": 129}, "1 to 128"),
        ({"number": True}, "integer"),
        ({"number": 1.0}, "integer"),
        ({"number": "-1"}, "integer"),
        ({"number": "1" * 5000}, "integer"),
        ({"number": "\u0661"}, "integer"),
        ({"size": 10**400}, "64 to 1024"),
        ({"size": 32}, "64 to 1024"),
        ({"additional_slave_SAE_IDs": ["carol"]}, "not supported"),
        ({"nmber": 1}, "unknown field 'nmber'"),
    ],
)
def test_bad_requests_for_keys(request_, message):
    kme, _ = manager()
    refused(lambda: kme.enc_keys("alice", "bob", request_), 400, message)


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        {"key_IDs": []},
        {"key_IDs": "x"},
        {"key_IDs": ["x"]},
        {"key_IDs": [{"key_ID": 3}]},
        {"key_IDs": [{"key_ID": "no uuid"}]},
        {"key_IDs": [{"key_ID": f"{i:032x}"} for i in range(129)]},
    ],
)
def test_bad_requests_by_id(request_):
    kme, _ = manager()
    refused(lambda: kme.dec_keys("bob", "alice", request_), 400, "")


def test_optional_extensions_and_numbers_in_a_query_are_accepted():
    kme, _ = manager()
    made = kme.enc_keys("alice", "bob", {"extension_optional": [{"x": 1}], "number": "2"})
    assert len(made["keys"]) == 2


def test_only_the_named_slave_may_fetch():
    """Not the master itself, not another SAE, not under another master's name."""
    kme, _ = manager()
    made = kme.enc_keys("alice", "bob", {})
    refused(lambda: kme.dec_keys("alice", "bob", ids(made)), 401)
    refused(lambda: kme.dec_keys("carol", "alice", ids(made)), 401)
    refused(lambda: kme.dec_keys("alice", "carol", ids(made)), 401)
    assert kme.dec_keys("bob", "alice", ids(made)) == made


def test_one_foreign_key_spoils_the_request_and_nothing_is_handed_out():
    kme, _ = manager()
    mine, other = kme.enc_keys("alice", "bob", {}), kme.enc_keys("alice", "carol", {})
    both = {"key_IDs": ids(mine)["key_IDs"] + ids(other)["key_IDs"]}
    refused(lambda: kme.dec_keys("bob", "alice", both), 401)
    both["key_IDs"].append({"key_ID": UNKNOWN})
    refused(lambda: kme.dec_keys("bob", "alice", both), 400, "not found")
    assert kme.dec_keys("bob", "alice", ids(mine)) == mine


def test_saes_without_a_link_share_nothing():
    kme, _ = manager()
    for peer in ("carol", "bob", "nobody"):
        refused(lambda: kme.status("bob", peer), 400, "no keys are shared")  # noqa: B023


def test_a_hundred_callers_ask_for_one_key_and_one_gets_it():
    kme, _ = manager()
    request = ids(kme.enc_keys("alice", "bob", {}))
    start = threading.Barrier(100)

    def ask(_):
        start.wait()
        try:
            return len(kme.dec_keys("bob", "alice", request)["keys"])
        except Refusal as refusal:
            return refusal.status

    with ThreadPoolExecutor(100) as executor:
        answers = sorted(executor.map(ask, range(100)))
    assert answers == [1] + [400] * 99


def source(length_km=5.0):
    return SessionSource(FibreLink(length_km=length_km), rng=np.random.default_rng(1))


@pytest.mark.parametrize("length_km", [5.0, 60.0])
@pytest.mark.parametrize(
    "request_", [{}, {"number": 128}, {"size": 1024}, {"number": 128, "size": 1024}]
)
def test_sessions_refill_a_pool_for_any_request_that_the_status_allows(request_, length_km):
    """At the first try, and both ends get the same keys."""
    kme, _ = manager(bits=64, refill=source(length_km))
    made = kme.enc_keys("alice", "bob", request_)
    number, size = request_.get("number", 1), request_.get("size", 256)
    assert [8 * len(base64.b64decode(key["key"])) for key in made["keys"]] == [size] * number
    assert kme.dec_keys("bob", "alice", ids(made)) == made


def test_what_a_session_costs_in_tags_is_paid_from_the_pool():
    kme, pools = manager(bits=0, refill=source())
    kme.enc_keys("alice", "bob", {})
    account = pools["alice", "bob"].ledger.account
    assert account.consumed == 256  # the tags of the next session; the key waits for bob
    assert account.delivered == 512


def test_a_fibre_too_long_for_a_key_is_503():
    kme, pools = manager(bits=64, refill=source(length_km=200.0))
    assert kme.status("alice", "bob")["stored_key_count"] == 0
    refused(lambda: kme.enc_keys("alice", "bob", {}), 503, "256 key bits are not available")
    assert pools["alice", "bob"].bits_left == 64


def test_a_request_that_no_link_can_store_is_a_bad_request():
    limits = KmeLimits(max_key_count=10)
    kme, _ = manager(refill=source(), limits=limits)
    refused(lambda: kme.enc_keys("alice", "bob", {"number": 11}), 400, "stores 2560 key bits")
    assert len(kme.enc_keys("alice", "bob", {"number": 10})["keys"]) == 10


def test_others_may_empty_a_pool_that_was_refilled_for_one():
    """A refill between whose end and the request somebody else was faster."""
    pool = KeyPool(("alice", "bob"), run="kme", capacity_bits=1 << 20)
    thefts = []

    def contested(pool, bits):
        source()(pool, bits)
        if not thefts:
            thefts.append(pool.enc_keys("bob", size=pool.bits_left // 8 * 8))

    kme = KeyManager({pool.ends: pool}, refill=contested)
    assert len(kme.enc_keys("alice", "bob", {})["keys"]) == 1
    assert thefts


def test_expired_keys_are_not_counted_not_given_and_not_found():
    now = [0.0]
    lifetime = Lifetime(seconds=60, clock=lambda: now[0])
    pool = KeyPool(("alice", "bob"), run="kme", capacity_bits=8192, lifetime=lifetime)
    pool.produce({end: Secret(bytes(64)) for end in pool.ends})
    kme = KeyManager({pool.ends: pool})
    made = kme.enc_keys("alice", "bob", {})
    now[0] = 60.0
    assert kme.status("alice", "bob")["stored_key_count"] == 0
    refused(lambda: kme.dec_keys("bob", "alice", ids(made)), 400, "not found on KME")
    refused(lambda: kme.enc_keys("alice", "bob", {}), 503, "not available")
    assert pool.ledger.account.expired == 512


@pytest.mark.parametrize("kept", [1, 20])
def test_the_status_refills_what_has_expired(kept):
    """What it counts can be had, down to the last key, without another session."""
    now, sessions = [0.0], []
    lifetime = Lifetime(seconds=60, clock=lambda: now[0])
    pool = KeyPool(("alice", "bob"), run="kme", capacity_bits=1 << 20, lifetime=lifetime)

    def refill(pool, bits):
        sessions.append(bits)
        source()(pool, bits)

    kme = KeyManager({pool.ends: pool}, refill=refill, limits=KmeLimits(kept_key_count=kept))
    kme.fill()
    now[0] = 60.0
    stored = kme.status("alice", "bob")["stored_key_count"]
    assert stored >= kept
    assert sessions == [256 * kept] * 2
    assert len(kme.enc_keys("alice", "bob", {"number": stored})["keys"]) == stored
    assert len(sessions) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.sampled_from(
    ["number", "size", "additional_slave_SAE_IDs", "extension_mandatory", "key_IDs", "key_ID"]
)


@given(json_values | st.dictionaries(fields, json_values, max_size=4))
@pytest.mark.property
def test_no_request_crashes_or_leaks(request_):
    kme, _ = manager(bits=2048)
    stored = base64.b64encode(np.random.default_rng(0).bytes(256)).decode()
    for call in (kme.enc_keys, kme.dec_keys):
        status, body = answer(lambda: call("alice", "bob", request_))  # noqa: B023
        assert status in (200, 400, 401, 503)
        if status != 200:
            assert not any(stored[i : i + 12] in str(body) for i in range(len(stored) - 12))


def answer(call):
    try:
        return 200, call()
    except Refusal as refusal:
        return refusal.status, refusal.body


@pytest.mark.parametrize(
    "options",
    [
        {"key_size": 32},
        {"max_key_size": 100},
        {"max_keys_per_request": 0},
        {"kept_key_count": 1001},
    ],
)
def test_bad_limits(options):
    with pytest.raises(ConfigError):
        KmeLimits(**options)
