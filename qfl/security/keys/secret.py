"""Key material that does not show itself: not in a repr, a pickle, a copy or a comparison."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

from qfl.core.errors import SecurityError


class Secret:
    """Bytes of a key. `reveal` is the only way to them.

    >>> Secret(b"not for the log")
    <Secret of 120 bits>
    """

    __slots__ = ("_material",)

    def __init__(self, material: bytes | bytearray | memoryview) -> None:
        self._material: Final = bytes(material)

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._material

    @property
    def bits(self) -> int:
        """Length in bits."""
        return 8 * len(self._material)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._material, other._material)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Secret of {self.bits} bits>"

    def __reduce__(self) -> NoReturn:
        raise SecurityError("a key is neither pickled nor copied; pass its key id instead")
