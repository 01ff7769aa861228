"""Known answers on distilling, delivering and spending keys, and on the ciphers they feed."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.core.rng import Streams
from qfl.security.keys.pool import KeyPool
from qfl.security.keys.relay import relay_cost, relay_rate
from qfl.security.keys.secret import Secret
from qfl.security.kme.manager import KeyManager, Refusal
from qfl.security.primitives import kdf
from qfl.security.primitives.aead import CIPHERS
from qfl.security.primitives.pad import forgery_bound_log2, one_time_tag, pad_key_bits
from qfl.security.qkd import toeplitz as hashing
from qfl.security.qkd.cascade import VARIANTS, block_sizes, reconcile
from qfl.testing.known_answers.inputs import Inputs

_FEWEST, _MOST = 10, 500
_FINEST = 10_000
_PRECISION = 0.01
_UNKNOWN_KEY = "00000000-0000-4000-8000-000000000000"


def cascade_f(given: Inputs) -> dict[str, float]:
    """Return the mean efficiency of every Cascade variant, each known to a percent."""
    given.label("runs_in_source")
    qber, n = given.number("Q"), given.whole("n", 1)
    found = {name: _efficiency(name, qber, n) for name in VARIANTS}
    return {**found, "original_n1000": _efficiency("original", qber, 1000)}


def cascade_k1(given: Inputs) -> dict[str, int]:
    """Return the size of the first block of every Cascade variant."""
    qber = given.number("Q")
    return {name: block_sizes(10**9, qber=qber, variant=name)[0] for name in VARIANTS}


def toeplitz(given: Inputs) -> str:
    """Return a Toeplitz hash, bit 0 first."""
    bits, seed = _bits(given, "x"), _bits(given, "seed")
    if len(bits) != given.whole("n", 1):
        raise ConfigError(f"x must have n = {given.whole('n')} bits, got {len(bits)}")
    hashed = hashing.toeplitz_hash(bits, seed, length=given.whole("m", 1))
    return "".join(map(str, hashed.tolist()))


def verify_bits(given: Inputs) -> int:
    """Return the length of the verification hash."""
    return hashing.verification_bits(given.number("eps_cor"))


def eps_pa(given: Inputs) -> float:
    """Return log2 of the distance of an amplified key from a perfect one."""
    return hashing.amplification_distance_log2(given.whole("m"), given.number("H_min"))


def wc_forgery(given: Inputs) -> float:
    """Return log2 of the probability that a forged message passes."""
    return forgery_bound_log2(given.whole("length_bytes", 1))


def rfc8439_poly1305(given: Inputs) -> str:
    """Return a Poly1305 tag."""
    return one_time_tag(given.hexadecimal("key"), given.text("message_utf8").encode()).hex()


def rfc8439_aead(given: Inputs) -> str:
    """Return the tag of ChaCha20-Poly1305."""
    cipher = CIPHERS["chacha20-poly1305"](given.hexadecimal("key"))
    text = given.text("plaintext_utf8").encode()
    sealed = cipher.encrypt(given.hexadecimal("nonce"), text, given.hexadecimal("aad"))
    return sealed[len(text) :].hex()


def hkdf(given: Inputs) -> str:
    """Return key material derived by HKDF."""
    return kdf.hkdf(
        given.hexadecimal("ikm"),
        salt=given.hexadecimal("salt"),
        info=given.hexadecimal("info"),
        length=given.whole("length", 1),
        digest=given.text("hash"),
    ).hex()


def hybrid_kdf(given: Inputs) -> str:
    """Return the hybrid key of several secrets."""
    parts = given.any("parts")
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ConfigError(f"parts must be a list of hexadecimal texts, got {parts!r}")
    secrets = [Secret(bytes.fromhex(part)) for part in parts]
    return (
        kdf.hybrid_key(
            secrets,
            salt=given.hexadecimal("salt"),
            info=given.text("info_utf8"),
            length=given.whole("length", 1),
        )
        .reveal()
        .hex()
    )


def etsi014_error(given: Inputs) -> dict[str, Any]:
    """Return status and message with which the key service answers a request."""
    pool = KeyPool(("alice", "bob"), run="known answers", capacity_bits=4096)
    pool.produce({end: Secret(bytes(512)) for end in pool.ends})
    manager = KeyManager({("alice", "bob"): pool})
    certified = "tls" not in given or given.text("tls", "no valid client certificate") == ""
    caller = "alice" if certified else None
    method = given.text("method", "Get status", "Get key", "Get key with key IDs", "any")
    body: Any = given.any("body") if "body" in given else {}
    try:
        if method == "Get key with key IDs":
            if body == "one key_ID not stored":
                body = {"key_IDs": [{"key_ID": _UNKNOWN_KEY}]}
            manager.dec_keys(caller, "bob", body)
        elif method == "Get key":
            manager.enc_keys(caller, "bob", body)
        else:
            manager.status(caller, "bob")
    except Refusal as refusal:
        message = None if refusal.body is None else refusal.body["message"]
        return {"status": refusal.status, "message": message}
    return {"status": 200, "message": None}


def relay(given: Inputs) -> dict[str, float]:
    """Return the link key that a relayed key consumes, and the rate of the path."""
    rates = given.numbers("link_rates_bps")
    hops = given.whole("hops", 1)
    if len(rates) != hops:
        raise ConfigError(f"{hops} hops need as many link rates, got {rates.tolist()}")
    return {
        "consumed_bits": relay_cost(hops, key_bits=given.whole("key_bits", 1)),
        "end_to_end_bps": relay_rate(rates.tolist()),
    }


def otp_bits(given: Inputs) -> int:
    """Return the key bits of one padded upload."""
    return pad_key_bits(given.whole("parameters") * given.whole("bits"))


def key_pool(given: Inputs) -> list[list[Any]]:
    """Return what a pool says and holds after every round.

    A row's bit is a byte of the pool, or as many bytes as make whole ones of the income.
    """
    income = _decimal(given, "rate") * _decimal(given, "dt")
    unit = income.denominator
    if income < 0 or unit > _FINEST:
        raise ConfigError(
            f"rate times dt is {float(income)}; allowed: not negative, in parts of 1/{_FINEST} "
            "or coarser"
        )
    cost = unit * given.whole("cost")
    pool = KeyPool(("a", "b"), run="known answers", capacity_bits=8 * unit * given.whole("S_max"))
    _produce(pool, unit * given.whole("S0"))
    trajectory: list[list[Any]] = []
    for _ in range(given.whole("rounds")):
        _produce(pool, int(unit * income))
        said = "ok"
        try:
            if cost:  # pools hand out no empty keys
                pool.enc_keys("a", size=8 * cost)
        except KeyExhaustedError:
            said = "exhausted"
        left = Fraction(pool.bits_left, 8 * unit)
        trajectory.append([said, int(left) if left.denominator == 1 else float(left)])
    return trajectory


def _decimal(given: Inputs, name: str) -> Fraction:
    """Return a number as it is written, so that .29 x 100 is 29."""
    return Fraction(repr(given.number(name)))


def _produce(pool: KeyPool, amount: int) -> None:
    pool.produce({end: Secret(bytes(amount)) for end in pool.ends})


def _efficiency(variant: str, qber: float, n: int) -> float:
    """Return the mean efficiency over as many keys as its precision takes.

    Every key holds round(Q n) errors.
    """
    streams = Streams(0)
    found: list[float] = []
    while len(found) < _FEWEST or (len(found) < _MOST and _spread(found) > _PRECISION):
        rng = streams("cascade", len(found))
        alice = rng.integers(0, 2, n, dtype=np.uint8)
        bob = alice.copy()
        bob[rng.permutation(n)[: round(qber * n)]] ^= 1
        result = reconcile(alice, bob, qber=qber, rng=rng, variant=variant)
        found.append(result.efficiency(qber))
    return fmean(found)


def _spread(found: list[float]) -> float:
    """Return the standard error of a mean, relative to it."""
    return stdev(found) / (fmean(found) * sqrt(len(found)))


def _bits(given: Inputs, name: str) -> NDArray[np.uint8]:
    text = given.text(name)
    if set(text) - {"0", "1"}:
        raise ConfigError(f"input {name!r} must consist of 0 and 1, got {text!r}")
    return np.array(list(text), dtype=np.uint8)
