"""The rules of ETSI GS QKD 014 V1.1.1, without HTTP: who asks, what for, what is answered.

Checks come in this order: who asks, syntax, whether the keys exist, whether they are the
caller's. There is no 404 in the standard: what does not exist is a bad request.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from qfl.core.errors import ConfigError, KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.keys.pool import Key, KeyPool

Body = dict[str, Any]
NOT_FOUND = "one or more keys specified are not found on KME"
_REQUEST_FIELDS = (
    "number",
    "size",
    "additional_slave_SAE_IDs",
    "extension_mandatory",
    "extension_optional",
)
_MOST_NUMBER_DIGITS = 9
_TRIES = 3
"""Other callers may empty a pool that was refilled for this one."""


class Refusal(SecurityError):
    """A request that is not answered.

    Attributes:
        status: 400, 401 or 503.
        body: message for the caller; None with 401.
    """

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or "the caller may not ask this")
        self.status = status
        self.body = {"message": message} if message else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KmeLimits:
    """What the service grants; sizes in bits.

    Attributes:
        key_size: of a key if the request names none.
        min_key_size, max_key_size: of a key.
        max_keys_per_request: keys per request.
        max_key_count: keys of the default size that a link can store.
        kept_key_count: of them, so many are in stock whenever a refill can make them.
    """

    key_size: int = 256
    min_key_size: int = 64
    max_key_size: int = 1024
    max_keys_per_request: int = 128
    max_key_count: int = 1000
    kept_key_count: int = 1

    def __post_init__(self) -> None:
        sizes = (self.min_key_size, self.key_size, self.max_key_size)
        if not 0 < sizes[0] <= sizes[1] <= sizes[2] or any(size % 8 for size in sizes):
            raise ConfigError(f"key sizes {sizes}; allowed: rising multiples of 8")
        if self.max_keys_per_request < 1 or self.max_key_count < 1:
            raise ConfigError(f"{self}; allowed: counts of at least 1")
        if not 0 <= self.kept_key_count <= self.max_key_count:
            raise ConfigError(
                f"kept_key_count is {self.kept_key_count!r}; allowed: 0 to max_key_count "
                f"({self.max_key_count})"
            )

    @property
    def capacity_bits(self) -> int:
        """Bits that a link can store."""
        return self.max_key_count * self.key_size


class KeyManager:
    """The key management entities at both ends of all links, in one object.

    Args:
        pools: (SAE id, SAE id) -> pool of the link between them.
        limits: what is granted.
        refill: called with a pool and the bits that it shall hold; brings as many as it can.

    >>> from qfl.security.keys import Secret
    >>> pool = KeyPool(("alice", "bob"), run="doc", capacity_bits=1024)
    >>> pool.produce({"alice": Secret(bytes(64)), "bob": Secret(bytes(64))})
    >>> manager = KeyManager({("alice", "bob"): pool})
    >>> [key] = manager.enc_keys("alice", "bob", {})["keys"]
    >>> manager.dec_keys("bob", "alice", {"key_IDs": [{"key_ID": key["key_ID"]}]})["keys"] == [key]
    True
    """

    def __init__(
        self,
        pools: Mapping[tuple[str, str], KeyPool],
        *,
        limits: KmeLimits | None = None,
        refill: Callable[[KeyPool, int], None] | None = None,
    ) -> None:
        self._pools = {frozenset(ends): pool for ends, pool in pools.items()}
        self._saes = frozenset(end for ends in pools for end in ends)
        self._limits = limits or KmeLimits()
        self._refill = refill
        self._refilling = threading.Lock()

    def admit(self, caller: str | None) -> str:
        """Return the caller.

        Raises:
            Refusal: 401, it is none of the SAEs.
        """
        if caller is None or caller not in self._saes:
            raise Refusal(401)
        return caller

    def fill(self) -> None:
        """Bring every link to the stock that is kept."""
        for pool in self._pools.values():
            self._keep(pool)

    def status(self, caller: str | None, slave: str) -> Body:
        """Return what the caller may ask for towards `slave`, after a refill if stock is low."""
        pool, limits = self._pool(caller, slave), self._limits
        self._keep(pool)
        return {
            "source_KME_ID": f"kme-{caller}",
            "target_KME_ID": f"kme-{slave}",
            "master_SAE_ID": caller,
            "slave_SAE_ID": slave,
            "key_size": limits.key_size,
            "stored_key_count": pool.bits_left // limits.key_size,
            "max_key_count": limits.max_key_count,
            "max_key_per_request": limits.max_keys_per_request,
            "max_key_size": limits.max_key_size,
            "min_key_size": limits.min_key_size,
            "max_SAE_ID_count": 0,
        }

    def enc_keys(self, caller: str | None, slave: str, request: object) -> Body:
        """Return fresh keys to the master; copies wait for the slave.

        Raises:
            Refusal: 401 unknown caller, 400 bad request, 503 not enough keys (nothing spent).
        """
        pool = self._pool(caller, slave)
        number, size = self._wanted(request)
        for _ in range(_TRIES):
            self._refilled(pool, number * size)
            try:
                return _container(pool.enc_keys(str(caller), number=number, size=size))
            except KeyExhaustedError:
                continue
        raise Refusal(503, f"{number * size} key bits are not available towards {slave}; try later")

    def dec_keys(self, caller: str | None, master: str, request: object) -> Body:
        """Return the slave's copies, once.

        Raises:
            Refusal: 401 unknown caller or not the slave of every key, 400 bad request or a key
                that is not (or no longer) there; then no key is handed out.
        """
        pool = self._pool(caller, master)
        wanted = _key_ids(request)
        if len(wanted) > self._limits.max_keys_per_request:
            raise Refusal(400, f"more than {self._limits.max_keys_per_request} key_IDs")
        owners = [self._owner(key_id) for key_id in wanted]
        if None in owners:
            raise Refusal(400, NOT_FOUND)
        if any(owner != (pool, caller) for owner in owners):
            raise Refusal(401)
        try:
            return _container(pool.dec_keys(str(caller), wanted))
        except UnknownKeyError:
            raise Refusal(400, NOT_FOUND) from None

    def _keep(self, pool: KeyPool) -> None:
        self._refilled(pool, self._limits.kept_key_count * self._limits.key_size)

    def _refilled(self, pool: KeyPool, bits: int) -> None:
        """Have the pool hold so many bits, if it can."""
        if self._refill is not None and pool.bits_left < bits:
            with self._refilling:
                self._refill(pool, bits)

    def _pool(self, caller: str | None, peer: str) -> KeyPool:
        caller = self.admit(caller)
        pool = self._pools.get(frozenset((caller, peer)))
        if pool is None or caller == peer:
            raise Refusal(400, "no keys are shared with this SAE")
        return pool

    def _owner(self, key_id: str) -> tuple[KeyPool, str] | None:
        for pool in self._pools.values():
            end = pool.waits_for(key_id)
            if end is not None:
                return pool, end
        return None

    def _wanted(self, request: object) -> tuple[int, int]:
        """Return number and size of the keys that a request asks for."""
        fields, limits = _object(request), self._limits
        unknown = sorted(set(fields) - set(_REQUEST_FIELDS))
        if unknown:
            raise Refusal(400, f"unknown field {unknown[0][:40]!r}")
        number = _integer(fields.get("number"), "number", 1)
        size = _integer(fields.get("size"), "size", limits.key_size)
        if size % 8:
            raise Refusal(400, "size shall be a multiple of 8")
        if not limits.min_key_size <= size <= limits.max_key_size:
            raise Refusal(400, f"size shall be {limits.min_key_size} to {limits.max_key_size}")
        if not 1 <= number <= limits.max_keys_per_request:
            raise Refusal(400, f"number shall be 1 to {limits.max_keys_per_request}")
        if number * size > limits.capacity_bits:
            raise Refusal(400, f"a link stores {limits.capacity_bits} key bits at most")
        if fields.get("additional_slave_SAE_IDs"):
            raise Refusal(400, "additional_slave_SAE_IDs are not supported, max_SAE_ID_count is 0")
        if fields.get("extension_mandatory"):
            raise Refusal(400, "not all extension_mandatory parameters are supported")
        return number, size


def _container(keys: Iterable[Key]) -> Body:
    return {
        "keys": [
            {
                "key_ID": key.key_id,
                "key": base64.b64encode(key.secret.reveal()).decode("ascii"),
            }
            for key in keys
        ]
    }


def _key_ids(request: object) -> list[str]:
    """Return the ids of a request, in order and each once."""
    listed = _object(request).get("key_IDs")
    if not isinstance(listed, list) or not listed:
        raise Refusal(400, "key_IDs shall be a list of one or more objects with a key_ID")
    found: dict[str, None] = {}
    for item in listed:
        key_id = item.get("key_ID") if isinstance(item, dict) else None
        if not isinstance(key_id, str):
            raise Refusal(400, "key_IDs shall be a list of one or more objects with a key_ID")
        try:
            found[str(UUID(key_id))] = None
        except ValueError:
            raise Refusal(400, "key_ID shall be a UUID") from None
    return list(found)


def _object(request: object) -> Mapping[str, Any]:
    if not isinstance(request, dict):
        raise Refusal(400, "the request shall be a JSON object")
    return request


def _integer(value: object, name: str, default: int) -> int:
    """Return an integer, also one written in a query."""
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit():
        if len(value) <= _MOST_NUMBER_DIGITS:
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Refusal(400, f"{name} shall be an integer")
